// Java with Maven: plugins and artifacts in a shared local repository, then offline. Surefire writes one JUnit file a class; they are
// read one after another.
#include "synth/build/recipe.h"

namespace assay::ecosystems::maven {
namespace {

const std::string kRepository = "-Dmaven.repo.local=" + std::string(kDependencies) + "/maven";

std::optional<Recipe> propose(const TreeView& tree, const std::string& date) {
  if (!tree.has("pom.xml")) return std::nullopt;
  Recipe out;
  out.ecosystem = "maven";
  out.date = date;
  out.programs = {"mvn", "javac"};
  RecipeStage stage{"dependencies", {}, {}, {std::string(kDependencies).substr(1)}};
  for (const std::string& path : tree.paths)
    if (path == "pom.xml" || path.ends_with("/pom.xml")) stage.inputs.push_back(path);
  stage.steps.push_back({{"mvn", "-B", "-q", kRepository, "-DskipTests", "test", "dependency:go-offline"}, {}, true});
  out.stages.push_back(std::move(stage));
  out.build = {"mvn", "-B", "-q", "-o", kRepository, "test-compile"};
  out.prepare.push_back({out.build, {}, false});
  TestCommand command;
  command.argv = {"sh", "-c", "mvn -B -o \"$0\" -Dmaven.test.failure.ignore=false --fail-at-end test; status=$?; find . -path '*/surefire-reports/TEST-*.xml' -exec cat {} + > \"$1\"; exit $status",
                  kRepository, "{report}"};
  command.format = "junit";
  command.canary = tree.text("pom.xml").find("jupiter") == std::string::npos ? "junit4" : "junit5";
  out.commands.push_back(std::move(command));
  return out;
}

TestFiles tests_of(const std::vector<std::string>& files) { return {{}, first_ending(files, ".java")}; }

}  // namespace

Ecosystem make() { return {"maven", {"java", "kotlin"}, {{"maven", "https://repo.maven.apache.org/maven2/", {"repo1.maven.org"}, {}}}, propose, tests_of}; }

}  // namespace assay::ecosystems::maven
