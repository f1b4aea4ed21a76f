#include "synth/build/builder.h"

#include <filesystem>

#include "envs/base/hash.h"
#include "envs/base/utf8.h"
#include "synth/build/manifest.h"

namespace assay {
namespace {

constexpr size_t kDetailBytes = 2000;
constexpr const char* kCertificates = "/etc/ssl/certs/ca-certificates.crt";

// "https://host:port/path" -> "host:port", as the proxy compares them.
std::string host_of(const std::string& url) {
  const size_t scheme = url.find("://"), start = scheme == std::string::npos ? 0 : scheme + 3;
  std::string host = url.substr(start, url.find_first_of("/?#", start) - start);
  if (const size_t at = host.rfind('@'); at != std::string::npos) host.erase(0, at + 1);
  return host;
}

std::string tail_of(const RunResult& result) {
  std::string text = with_replacements(result.out.text() + result.err.text());
  return text.size() <= kDetailBytes ? text : "…" + with_replacements(text.substr(text.size() - kDetailBytes));
}

Rejection rejection_of(const std::string& stage, const RecipeStep& step, const RunResult& result) {
  std::string said = step.argv[0] + (step.argv.size() > 1 ? " " + step.argv[1] : "") + ": " + tail_of(result);
  for (const std::string& host : result.refused) said += "\nrefused: " + host;
  if (result.end == RunEnd::kLimit) return {stage + "_limit:" + result.limit, std::move(said)};
  for (const char* limit : {"disk", "files", "processes"})
    for (const std::string& touched : result.touched)
      if (touched == limit) return {stage + "_limit:" + touched, std::move(said)};
  return {stage + "_failed", std::move(said)};
}

// Remembered as {"layer", "bytes"}; a layer that is gone is made again.
std::optional<BuiltLayer> recall(Executor& executor, const std::string& file, const std::string& name) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return std::nullopt;
  const auto json = read_json_file(file);
  if (!json.ok() || !json.value().is_object() || !json.value().contains("layer") || !json.value().at("layer").is_string()) return std::nullopt;
  BuiltLayer out{name, json.value().at("layer").get<std::string>(), json.value().value("bytes", int64_t{0}), true};
  return executor.workspace({.layers = {out.identity}}).ok() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

std::vector<std::string> BuiltTree::identities() const {
  std::vector<std::string> out;
  for (const BuiltLayer& layer : layers) out.push_back(layer.identity);
  return out;
}

int64_t BuiltTree::added_bytes() const {
  int64_t out = 0;
  for (const BuiltLayer& layer : layers) out += layer.shared ? 0 : layer.bytes;
  return out;
}

Result<std::optional<std::string>> Builder::missing_program(const std::vector<std::string>& programs) {
  for (const std::string& program : programs) {
    std::lock_guard lock(mutex_);
    auto known = programs_.find(program);
    if (known == programs_.end()) {
      ASSAY_ASSIGN(const auto workspace, executor_.workspace({}));
      ASSAY_ASSIGN(const RunResult result, executor_.run({.argv = {"sh", "-c", "command -v \"$0\"", program}}, *workspace));
      known = programs_.emplace(program, result.succeeded()).first;
    }
    if (!known->second) return std::optional(program);
  }
  return std::optional<std::string>();
}

Result<Possible<BuiltLayer>> Builder::run(const Ecosystem& ecosystem, const std::string& name, const std::vector<RecipeStep>& steps, const std::vector<std::string>& keeps,
                                         const BuiltTree& below, int64_t& wall_us) {
  ASSAY_ASSIGN(const auto workspace, executor_.workspace({.layers = below.identities(), .limits = options_.limits}));
  for (const RecipeStep& step : steps) {
    RunRequest request{.argv = step.argv, .environment = step.environment, .directory = kTestDirectory, .limits = options_.limits};
    for (const char* variable : {"SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"}) request.environment[variable] = kCertificates;
    for (const Registry& registry : ecosystem.registries) {
      const auto own = options_.registries.find(registry.name);
      const std::string& url = own == options_.registries.end() ? registry.url : own->second;
      for (const std::string& variable : registry.variables) request.environment[variable] = url;
      if (!step.network) continue;
      request.registries.push_back(host_of(url));
      if (own == options_.registries.end()) request.registries.insert(request.registries.end(), registry.hosts.begin(), registry.hosts.end());
    }
    ASSAY_ASSIGN(const RunResult result, executor_.run(request, *workspace));
    wall_us += result.wall_us;
    if (!result.succeeded()) return Possible<BuiltLayer>(rejection_of(name, step, result));
  }
  ASSAY_ASSIGN(const auto changes, workspace->changes());
  BuiltLayer out{name, "", 0, false};
  for (const Workspace::Change& change : changes)
    for (const std::string& kept : keeps)
      if (change.type == 'f' && change.kind != Workspace::Change::Kind::kRemoved && (change.path == kept || change.path.starts_with(kept + "/"))) out.bytes += change.bytes;
  ASSAY_ASSIGN(out.identity, executor_.keep(*workspace, keeps));
  return Possible<BuiltLayer>(std::move(out));
}

std::shared_ptr<Builder::Stage> Builder::entry(const std::string& key) {
  std::lock_guard lock(mutex_);
  auto& out = stages_[key];
  if (!out) out = std::make_shared<Stage>();
  return out;
}

Result<Possible<BuiltLayer>> Builder::stage(const Ecosystem& ecosystem, const RecipeStage& stage, const Recipe& recipe, const TreeView& view, const BuiltTree& below, int64_t& wall_us) {
  // The tree itself is no part of the key: only the inputs decide.
  Json key = {{"stage", to_json(Recipe{.ecosystem = recipe.ecosystem, .programs = {}, .stages = {stage}, .prepare = {}, .build = {}, .commands = {}, .date = ""})}};
  for (size_t i = 1; i < below.layers.size(); ++i) key["below"].push_back(below.layers[i].identity);
  for (const std::string& input : stage.inputs) key["inputs"][input] = sha256_hex(deciding_part(input, view.text(input)));
  const std::string name = json_identity(key), file = options_.index + "/" + name + ".json";
  const std::shared_ptr<Stage> known = entry(name);
  std::lock_guard lock(known->mutex);
  if (known->failed) return Possible<BuiltLayer>(*known->failed);
  if (!known->layer) known->layer = recall(executor_, file, stage.name);
  if (known->layer) {
    BuiltLayer out = *known->layer;
    out.shared = true;
    return Possible<BuiltLayer>(std::move(out));
  }
  ASSAY_ASSIGN(Possible<BuiltLayer> made, run(ecosystem, stage.name, stage.steps, stage.keeps, below, wall_us));
  if (!made.value) {
    known->failed = made.rejection;
    return made;
  }
  known->layer = *made.value;
  std::error_code error;
  std::filesystem::create_directories(options_.index, error);
  ASSAY_TRY(write_file(file, canonical_json({{"layer", made.value->identity}, {"bytes", made.value->bytes}})));
  return made;
}

Result<Possible<BuiltTree>> Builder::build(const Ecosystem& ecosystem, const Recipe& recipe, const TreeView& view, BuiltLayer tree) {
  ASSAY_ASSIGN(const auto missing, missing_program(recipe.programs));
  if (missing) return Possible<BuiltTree>(Rejection{"toolchain_missing:" + *missing, "the program " + *missing + " is not installed on this machine"});
  BuiltTree out;
  out.layers.push_back(std::move(tree));
  for (const RecipeStage& each : recipe.stages) {
    ASSAY_ASSIGN(Possible<BuiltLayer> made, stage(ecosystem, each, recipe, view, out, out.wall_us));
    if (!made.value) return Possible<BuiltTree>(std::move(made.rejection));
    out.layers.push_back(std::move(*made.value));
  }
  if (!recipe.prepare.empty()) {
    std::vector<RecipeStep> steps = recipe.prepare;
    // The tree stays what it was, and files that no step has changed keep their times: what was built of them stays newer. Without the refresh git,
    // whose index knows nothing of the layer's files, writes all of them again.
    steps.push_back({{"git", "-c", "safe.directory=*", "update-index", "-q", "--refresh"}, {}, false});
    steps.push_back({{"git", "-c", "safe.directory=*", "checkout", "-q", "--", "."}, {}, false});
    ASSAY_ASSIGN(Possible<BuiltLayer> made, run(ecosystem, "prepare", steps, {"work"}, out, out.wall_us));
    if (!made.value) return Possible<BuiltTree>(std::move(made.rejection));
    out.layers.push_back(std::move(*made.value));
  }
  return Possible<BuiltTree>(std::move(out));
}

}  // namespace assay
