// assay doctor: what this machine and this build can and cannot do, and what to try.
#include <CLI/CLI.hpp>

#include <unistd.h>

#include <filesystem>
#include <functional>

#include "cli/command.h"
#include "cli/text.h"
#include "datasets/format.h"
#include "datasets/parquet.h"
#include "datasets/store.h"
#include "engine/device/device.h"
#include "engine/kernels/cuda_device.h"
#include "engine/policy_factory.h"
#include "envs/interpreter.h"
#include "envs/base/version.h"
#include "sandbox/backend.h"
#include "synth/domain.h"

namespace assay::commands::doctor {
namespace {

enum class State { kOk, kAbsent, kBroken };  // kAbsent: not there, and nothing is wrong with that

struct Finding {
  std::string what;
  State state = State::kOk;
  std::string detail, hint;
};

std::string state_text(State state) { return state == State::kOk ? "ok" : state == State::kAbsent ? "no" : "BROKEN"; }

Finding from_error(const std::string& what, const Error& error) {
  return {what, State::kBroken, (error.where.empty() ? "" : error.where + ": ") + error.what, error.hint};
}

void find_build(std::vector<Finding>& findings) {
  const BuildInfo& info = build_info();
  findings.push_back({"assay", State::kOk, info.version + ", commit " + short_id(info.commit) + ", " + info.build_type + ", " + info.compiler, ""});
  for (const std::string& component : info.components) findings.push_back({"library", State::kOk, component, ""});
}

Finding find_gpu() {
  const Result<cuda::DeviceProperties> device = cuda::find_device();
  if (!device.ok()) return {"GPU", State::kAbsent, device.error().what, "nothing is needed: every verb runs without one"};
  return {"GPU", State::kOk, device->name + ", compute capability " + std::to_string(device->major) + "." + std::to_string(device->minor) + ", " +
                             count_text(device->multiprocessors) + " multiprocessors, " + bytes_text(static_cast<int64_t>(device->memory_bytes)) + " of memory", ""};
}

Finding find_engine() {
  std::string names;
  for (const std::string& name : device_names()) names += (names.empty() ? "" : ", ") + name;
  return {"engine", State::kOk, "models compute on " + device_names().back() + " unless --backend says otherwise: " + names, ""};
}

Finding find_parquet() {
  const Result<std::string> library = parquet_library();
  if (!library.ok()) return {"Parquet", library.error().boundary == Boundary::kInput ? State::kAbsent : State::kBroken, library.error().what, library.error().hint};
  return {"Parquet", State::kOk, "assay-parquet, over " + *library, ""};
}

Finding find_machine() {
  const int64_t memory = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
  const int64_t cores = sysconf(_SC_NPROCESSORS_ONLN);
  return {"machine", State::kOk, count_text(cores) + (cores == 1 ? " core, " : " cores, ") + bytes_text(memory) + " of memory", ""};
}

void find_domains(std::vector<Finding>& findings) {
  for (const std::string& name : domain_names()) {
    Result<std::shared_ptr<const Domain>> domain = load_domain(name);
    if (!domain.ok()) findings.push_back(from_error("domain " + name, domain.error()));
    else findings.push_back({"domain " + name, State::kOk, "version " + (*domain)->version + ", " +
                                 count_text(static_cast<int64_t>((*domain)->tools.size())) + " tools, compiles", ""});
  }
}

Finding find_registries() {
  std::string policies, formats;
  for (const PolicyFactory& policy : assay::policies::all()) policies += (policies.empty() ? "" : ", ") + policy.name;
  for (const Format& format : assay::formats::all()) formats += (formats.empty() ? "" : ", ") + format.name;
  const bool empty = policies.empty() || formats.empty();
  return {"registries", empty ? State::kBroken : State::kOk, "policies " + policies + "; formats " + formats,
          empty ? "build the program again" : ""};
}

// Each backend says what it gives here; none is ever taken in another's place.
void find_sandboxes(std::vector<Finding>& findings) {
  for (const Backend& backend : backends::all()) {
    const BackendCheck check = backend.check({});
    if (!check.works()) {
      const Error& problem = *check.problem;
      findings.push_back({"sandbox " + backend.name, State::kAbsent, (problem.where.empty() ? "" : problem.where + ": ") + problem.what, problem.hint});
      continue;
    }
    std::string detail = check.detail;
    if (!check.missing_walls.empty()) {
      detail += "; without the walls:";
      for (const std::string& wall : check.missing_walls) detail += " " + wall + (wall == check.missing_walls.back() ? "" : ",");
    } else {
      detail += "; every wall stands";
    }
    findings.push_back({"sandbox " + backend.name, State::kOk, detail, ""});
  }
}

Finding find_interpreter(const std::string& sandbox) {
  const std::string what = "code interpreter";
  const auto executor = make_executor(sandbox);
  if (!executor.ok()) return {what, State::kAbsent, executor.error().what, executor.error().hint};
  const auto versions = Interpreter(**executor, {}, {}).versions();
  if (!versions.ok()) return {what, State::kAbsent, versions.error().what, versions.error().hint};
  return {what, State::kOk, *versions, ""};
}

Finding find_endpoint_key() {
  const bool set = std::getenv("OPENAI_API_KEY") != nullptr;
  return {"endpoint key", set ? State::kOk : State::kAbsent, set ? "OPENAI_API_KEY is set" : "OPENAI_API_KEY is not set",
          set ? "" : "needed only by endpoints that ask for one: export OPENAI_API_KEY=…, or --key-env NAME"};
}

// Asks the file system, not the permission bits: a full or read-only disk is found too.
Finding find_folder(const std::string& store) {
  std::filesystem::path folder = std::filesystem::path(store).parent_path();
  if (folder.empty()) folder = ".";
  const std::string probe = (folder / (".assay-doctor-" + std::to_string(getpid()))).string();
  const Status written = write_file(probe, std::string(1 << 16, 'x'));
  std::error_code ignored;
  std::filesystem::remove(probe, ignored);
  if (!written.ok()) {
    Error error = written.error();
    if (error.hint.empty()) error.hint = "put the store where you may write: --store FILE";
    return from_error("store folder", error);
  }
  const auto space = std::filesystem::space(folder, ignored);
  return {"store folder", State::kOk, folder.string() + " can be written, " + bytes_text(static_cast<int64_t>(space.available)) + " free", ""};
}

Finding find_store(const std::string& path) {
  if (!std::filesystem::exists(path))
    return {"store", State::kAbsent, path + " does not exist yet", "assay synth travel --count 100 --store " + path};
  Result<std::unique_ptr<Store>> store = Store::open(path, StoreMode::kMustExist, system_clock());
  if (!store.ok()) return from_error("store", store.error());
  Result<std::vector<std::string>> problems = (*store)->check();
  if (!problems.ok()) return from_error("store", problems.error());
  if (!problems->empty())
    return {"store", State::kBroken, count_text(static_cast<int64_t>(problems->size())) + " problems, the first: " + (*problems)[0],
            "restore the store from a copy; what is listed is lost, the rest can be read"};
  Result<Json> statistics = (*store)->statistics();
  if (!statistics.ok()) return from_error("store", statistics.error());
  return {"store", State::kOk, path + ": " + count_text(statistics->value("tasks", int64_t{0})) + " tasks, " +
                                   count_text(statistics->value("rollouts", int64_t{0})) + " rollouts, every checksum agrees", ""};
}

Result<int> run(const Context& context) {
  std::vector<Finding> findings;
  find_build(findings);
  findings.push_back(find_machine());
  findings.push_back(find_gpu());
  findings.push_back(find_engine());
  findings.push_back(find_parquet());
  find_domains(findings);
  findings.push_back(find_registries());
  find_sandboxes(findings);
  findings.push_back(find_interpreter(context.sandbox));
  findings.push_back(find_endpoint_key());
  findings.push_back(find_folder(context.store));
  findings.push_back(find_store(context.store));

  TextTable table({"what", "state", "detail"});
  OrderedJson json = OrderedJson::array();
  bool broken = false;
  for (const Finding& finding : findings) {
    broken |= finding.state == State::kBroken;
    table.add({finding.what, state_text(finding.state), printable(finding.detail)});
    if (!finding.hint.empty()) table.add({"", "", "try: " + finding.hint});
    OrderedJson row{{"what", finding.what}, {"state", state_text(finding.state)}, {"detail", finding.detail}};
    if (!finding.hint.empty()) row["try"] = finding.hint;
    json.push_back(std::move(row));
  }
  if (!context.json) context.say(table.text());
  context.result({{"ok", !broken}, {"findings", std::move(json)}});
  return broken ? kSomeFailed : kDone;
}

}  // namespace

Command make() {
  return {"doctor", "Say what this machine and this build can and cannot do", 100,
          [](CLI::App&, Context& context) { return [&context] { return run(context); }; }};
}

}  // namespace assay::commands::doctor
