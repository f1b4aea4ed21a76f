// PHP: packages of composer.lock, or resolved where there is none; tests by PHPUnit, the project's own or the host's.
#include "synth/build/recipe.h"

namespace assay::ecosystems::php {
namespace {

std::optional<Recipe> propose(const TreeView& tree, const std::string& date) {
  const auto json = parse_json(tree.text("composer.json"), "composer.json");
  const bool configured = tree.has("phpunit.xml") || tree.has("phpunit.xml.dist");
  if (!configured && !json.ok()) return std::nullopt;
  bool packages = false;
  if (json.ok() && json.value().is_object())
    for (const char* part : {"require", "require-dev"}) {
      const Json table = json.value().value(part, Json::object());
      for (const auto& [name, version] : table.items()) packages = packages || name.find('/') != std::string::npos;
    }
  Recipe out;
  out.ecosystem = "php";
  out.date = date;
  out.programs = {"php"};
  out.programs.push_back(packages ? "composer" : "phpunit");
  if (packages) {
    RecipeStage stage{"dependencies", {"composer.json"}, {}, {"work/repo/vendor"}};
    if (tree.has("composer.lock")) stage.inputs.push_back("composer.lock");
    stage.steps.push_back({{"composer", "install", "--no-interaction", "--no-progress", "--no-scripts", "--prefer-dist"}, {{"COMPOSER_CACHE_DIR", "/tmp/composer"}}, true});
    out.stages.push_back(std::move(stage));
  }
  TestCommand command;
  command.argv = {packages ? "vendor/bin/phpunit" : "phpunit", "--log-junit", "{report}", "--order-by=random", "--random-order-seed={seed}", "{tests}"};
  command.format = "junit";
  command.shuffles = true;
  command.canary = "phpunit";
  out.commands.push_back(std::move(command));
  return out;
}

TestFiles tests_of(const std::vector<std::string>& files) {
  std::vector<std::string> out;
  for (const std::string& file : files)
    if (file.ends_with("Test.php")) out.push_back(file);
  return {std::move(out), ""};
}

}  // namespace

Ecosystem make() { return {"php", {"php"}, {{"packagist", "https://repo.packagist.org", {"packagist.org", "api.github.com", "codeload.github.com"}, {}}}, propose, tests_of}; }

}  // namespace assay::ecosystems::php
