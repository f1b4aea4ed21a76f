// Go: modules of go.mod in a shared module cache, and the standard library compiled once for all of them; tests of the packages that the
// test files belong to. What a run compiles is lost with its copy, so `go vet`, which would read all again, is left out.
#include <set>

#include "synth/build/recipe.h"

namespace assay::ecosystems::go {
namespace {

std::map<std::string, std::string> environment(bool vendored) {
  return {{"GOMODCACHE", std::string(kDependencies) + "/go"}, {"GOCACHE", kBuildDirectory}, {"GOTOOLCHAIN", "local"}, {"GOFLAGS", vendored ? "-mod=vendor" : "-mod=mod"}};
}

std::map<std::string, std::string> offline(bool vendored) {
  auto out = environment(vendored);
  out["GOPROXY"] = "off";
  return out;
}

// Outside of the module: what that requires may not be there yet.
std::map<std::string, std::string> without_module() {
  auto out = offline(false);
  out["GO111MODULE"] = "off";
  out["GOFLAGS"] = "";
  return out;
}

std::optional<Recipe> propose(const TreeView& tree, const std::string& date) {
  const std::string module = tree.text("go.mod");
  if (module.empty()) return std::nullopt;
  const bool vendored = tree.has("vendor/modules.txt");
  Recipe out;
  out.ecosystem = "go";
  out.date = date;
  out.programs = {"go"};
  out.stages.push_back({"standard_library", {}, {{{"go", "build", "std"}, without_module(), false}}, {std::string(kBuildDirectory).substr(1)}});
  if (!vendored && module.find("require") != std::string::npos) {
    RecipeStage stage{"dependencies", {"go.mod"}, {{{"go", "mod", "download"}, environment(false), true}}, {std::string(kDependencies).substr(1)}};
    if (tree.has("go.sum")) stage.inputs.push_back("go.sum");
    out.stages.push_back(std::move(stage));
  }
  out.prepare.push_back({{"go", "build", "./..."}, offline(vendored), false});
  TestCommand command;
  command.argv = {"go", "test", "-json", "-count=1", "-vet=off", "-shuffle={seed}", "{tests}"};
  command.environment = offline(vendored);
  command.format = "go_json";
  command.report = "output";
  command.shuffles = true;
  command.canary = "go";
  out.commands.push_back(std::move(command));
  return out;
}

TestFiles tests_of(const std::vector<std::string>& files) {
  std::set<std::string> packages;
  for (const std::string& file : files)
    if (file.ends_with("_test.go")) packages.insert(file.find('/') == std::string::npos ? "." : "./" + file.substr(0, file.rfind('/')));
  return {{packages.begin(), packages.end()}, first_ending(files, "_test.go")};
}

}  // namespace

Ecosystem make() { return {"go", {"go"}, {{"go", "https://proxy.golang.org", {"sum.golang.org", "storage.googleapis.com"}, {"GOPROXY"}}}, propose, tests_of}; }

}  // namespace assay::ecosystems::go
