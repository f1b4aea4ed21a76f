// Java with Gradle: the host's gradle, never a wrapper that the tree brings. Artifacts in a shared Gradle home, then offline.
#include "synth/build/recipe.h"

namespace assay::ecosystems::gradle {
namespace {

const std::string kHome = std::string(kDependencies) + "/gradle";

std::optional<Recipe> propose(const TreeView& tree, const std::string& date) {
  if (!tree.has("build.gradle") && !tree.has("build.gradle.kts")) return std::nullopt;
  Recipe out;
  out.ecosystem = "gradle";
  out.date = date;
  out.programs = {"gradle", "javac"};
  RecipeStage stage{"dependencies", {}, {}, {std::string(kDependencies).substr(1)}};
  for (const std::string& path : tree.paths)
    if (path.ends_with(".gradle") || path.ends_with(".gradle.kts") || path.ends_with("gradle.properties") || path.ends_with("libs.versions.toml")) stage.inputs.push_back(path);
  stage.steps.push_back({{"gradle", "--no-daemon", "-q", "-g", kHome, "testClasses"}, {}, true});
  out.stages.push_back(std::move(stage));
  out.build = {"gradle", "--no-daemon", "-q", "--offline", "-g", kHome, "testClasses"};
  out.prepare.push_back({out.build, {}, false});
  TestCommand command;
  command.argv = {"sh", "-c", "gradle --no-daemon --offline --continue -g \"$0\" test; status=$?; find . -path '*/test-results/*/TEST-*.xml' -exec cat {} + > \"$1\"; exit $status", kHome, "{report}"};
  command.format = "junit";
  command.canary = (tree.text("build.gradle") + tree.text("build.gradle.kts")).find("jupiter") == std::string::npos ? "junit4" : "junit5";
  out.commands.push_back(std::move(command));
  return out;
}

TestFiles tests_of(const std::vector<std::string>& files) { return {{}, first_ending(files, ".java")}; }

}  // namespace

Ecosystem make() {
  return {"gradle", {"java", "kotlin"}, {{"maven", "https://repo.maven.apache.org/maven2/", {"repo1.maven.org", "plugins.gradle.org", "plugins-artifacts.gradle.org"}, {}}}, propose, tests_of};
}

}  // namespace assay::ecosystems::gradle
