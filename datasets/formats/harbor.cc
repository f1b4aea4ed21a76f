#include <algorithm>
#include <map>

#include "datasets/format.h"
#include "datasets/repair_task.h"
#include "datasets/templates.h"

namespace assay::formats::harbor {
namespace {

constexpr const char* kTree = "/work/repo";
constexpr const char* kUsage = R"(Each row names one task and its directory below `tasks/`, in Harbor's form: `task.toml`, `instruction.md`, `environment/Dockerfile`
(the base tree as one commit without history, and the steps of the recipe that certified it), `tests/test.sh` (writes 0 or 1 to
`/logs/verifier/reward.txt`) and `solution/solve.sh`. Only tasks whose runners write JUnit are here. The canaries and the clean
process tree of `assay verify` are not: what an agent leaves in the container can reach the tests, so set `environment_mode = "separate"` where
your Harbor can, as these tasks ask.

```sh
harbor run --path tasks/NAME --agent …
```
)";

bool takes(const Task& task) {
  if (task.tests.is_null() || !task.tests.is_object()) return false;
  const Json commands = task.tests.value("commands", Json::array());
  return !commands.empty() && std::all_of(commands.begin(), commands.end(), [](const Json& command) { return command.value("format", "") == "junit"; });
}

// Debian's names for the programs that a recipe asks for.
std::string packages(const Json& recipe) {
  static const std::map<std::string, std::string> kPackages = {
      {"python", "python3-dev python3-venv python3-pip"}, {"node", "nodejs npm"}, {"cmake", "cmake ninja-build"}, {"meson", "meson ninja-build"}, {"make_tool", "autoconf automake libtool"},
      {"maven", "maven default-jdk-headless"}, {"gradle", "gradle default-jdk-headless"}, {"go", "golang-go"}, {"rust", "cargo"}, {"php", "php-cli php-xml php-mbstring composer"}};
  const auto found = kPackages.find(recipe.value("ecosystem", ""));
  return "build-essential ca-certificates curl git python3" + (found == kPackages.end() ? "" : " " + found->second);
}

// In Docker's exec form: no shell reads it.
std::string run_line(const Json& step) {
  Json words = Json::array({"env"});
  const Json environment = step.value("environment", Json::object());
  for (const auto& [name, value] : environment.items()) words.push_back(name + "=" + value.get<std::string>());
  for (const Json& word : step.at("argv")) words.push_back(word);
  return "RUN " + words.dump() + "\n";
}

std::string dockerfile(const RepairOrigin& origin, const Json& recipe) {
  std::string out = "FROM debian:12\nRUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends " + packages(recipe) + " && rm -rf /var/lib/apt/lists/*\n"
                    "ENV TZ=UTC LC_ALL=C.UTF-8 LANG=C.UTF-8 PYTHONHASHSEED=0 SOURCE_DATE_EPOCH=1577836800 CI=1\n"
                    "ARG REPOSITORY=https://github.com/" + origin.repository + ".git\n"
                    "WORKDIR " + kTree + "\n"
                    "# The tree before the change, as one commit without history.\n"
                    "RUN git init -q . && git fetch -q --depth 1 \"$REPOSITORY\" " + origin.base + " && git checkout -q FETCH_HEAD && rm -rf .git && git init -q . && git add -A -f && "
                    "git -c user.name=assay -c user.email=assay@localhost commit -q -m base\n";
  for (const Json& stage : recipe.value("stages", Json::array())) {
    for (const Json& step : stage.value("steps", Json::array())) out += run_line(step);
    std::string kept;
    for (const Json& keep : stage.value("keeps", Json::array()))
      if (const std::string path = keep.get<std::string>(); path.starts_with("work/repo/")) kept += " -e " + Json("/" + path.substr(10)).dump();
    out += "RUN git checkout -q . && git clean -fdxq" + kept + "\n";   // a stage leaves only what it keeps
  }
  for (const Json& step : recipe.value("prepare", Json::array())) out += run_line(step);
  return out;
}

// Paths of the test patch: what is put back before the tests run.
Json test_files(const std::string& patch) {
  Json out = Json::array();
  for (size_t at = 0; at < patch.size();) {
    const size_t end = std::min(patch.find('\n', at), patch.size());
    const std::string line = patch.substr(at, end - at);
    for (const char* side : {"--- a/", "+++ b/"})
      if (line.starts_with(side) && std::find(out.begin(), out.end(), Json(line.substr(6))) == out.end()) out.push_back(line.substr(6));
    at = end + 1;
  }
  return out;
}

std::string task_toml(const ExportItem& item, const std::string& name, const Json& limits) {
  const int64_t seconds = item.task.limits.wall_ms / 1000, tests = limits.value("wall_ms", int64_t{600'000}) / 1000;
  return "version = \"1.0\"\n\n[task]\nname = " + Json("assay/" + name).dump() + "\n\n[metadata]\nassay_task = \"" + item.task.id + "\"\nassay_certificate = \"" + item.certificate.id +
         "\"\n\n[agent]\ntimeout_sec = " + std::to_string(seconds) + "\n\n[environment]\ncpus = " + std::to_string(limits.value("cores", int64_t{2})) +
         "\nmemory_mb = " + std::to_string(limits.value("memory_bytes", int64_t{4} << 30) >> 20) + "\nstorage_mb = 10240\nnetwork_mode = \"no-network\"\nworkdir = \"" + kTree +
         "\"\n\n[verifier]\ntimeout_sec = " + std::to_string(4 * tests) + "\nenvironment_mode = \"separate\"\n";
}

std::string judge_program() {
  for (const EmbeddedTemplate& file : embedded_templates())
    if (file.name == "harbor_judge.py") return std::string(file.text);
  ASSAY_ASSERT(!"harbor_judge.py is embedded");
}

Result<OrderedJson> row(const ExportItem& item) {
  ASSAY_ASSIGN(const RepairOrigin origin, repair_origin(item.task));
  const std::string name = instance_id(item.task);
  return OrderedJson{{"task_id", item.task.id}, {"instance_id", name}, {"path", "tasks/" + name}, {"split", item.split}, {"repository", origin.repository}, {"base", origin.base},
                     {"licence", origin.licence}, {"language", origin.language}, {"certificate", certificate_summary(item.certificate)}};
}

Result<FormatFiles> row_files(const ExportItem& item) {
  ASSAY_ASSIGN(const RepairOrigin origin, repair_origin(item.task));
  const Json& acceptance = item.certificate.acceptance;
  if (!acceptance.is_object() || !acceptance.contains("recipe")) return input_error("the certificate holds no recipe", "task " + item.task.id, "assay build");
  const Json& tests = item.task.tests;
  const std::string folder = "tasks/" + instance_id(item.task) + "/", patch = tests.value("tests", "");
  const Json limits = tests.value("limits", Json::object());
  Json plan = {{"tree", kTree}, {"build", tests.value("build", Json::array())}, {"test_files", test_files(patch)}, {"wall_s", limits.value("wall_ms", int64_t{600'000}) / 1000},
               {"fail_to_pass", tests.at("fail_to_pass")}, {"pass_to_pass", tests.at("pass_to_pass")}, {"commands", Json::array()}};
  for (const Json& command : tests.at("commands"))
    plan["commands"].push_back({{"argv", command.at("argv")}, {"files", command.value("files", Json::array())}, {"environment", command.value("environment", Json::object())}});
  return FormatFiles{{folder + "task.toml", task_toml(item, instance_id(item.task), limits)},
                     {folder + "instruction.md", "The directory " + std::string(kTree) + " holds the source of " + origin.repository +
                                                     ". Change it so that the following issue is resolved. Tests that you do not see will judge the result.\n\n" + origin.statement + "\n"},
                     {folder + "environment/Dockerfile", dockerfile(origin, acceptance.at("recipe"))},
                     {folder + "tests/test.sh", "#!/bin/bash\nset -e\nmkdir -p /logs/verifier\nexec python3 \"$(dirname \"$0\")/judge.py\" /logs/verifier/reward.txt\n"},
                     {folder + "tests/judge.py", judge_program()},
                     {folder + "tests/plan.json", plan.dump(1) + "\n"},
                     {folder + "tests/tests.patch", patch},
                     {folder + "solution/solve.sh", "#!/bin/bash\ncd " + std::string(kTree) + " && git apply --whitespace=nowarn \"$(dirname \"$0\")/gold.patch\"\n"},
                     {folder + "solution/gold.patch", item.task.gold}};
}

}  // namespace

Format make() {
  return {.name = "harbor",
          .summary = "Harbor task directories (one a task that asks for a patch and whose tests write JUnit)",
          .takes = takes,
          .usage = kUsage,
          .row = row,
          .row_files = row_files};
}

}  // namespace assay::formats::harbor
