#include "synth/build/recipe.h"

#include <algorithm>
#include <filesystem>

#include "synth/mine/paths.h"

namespace assay {
namespace {

Json to_json(const RecipeStep& step) { return {{"argv", step.argv}, {"environment", step.environment}, {"network", step.network}}; }

Json to_json(const RecipeStage& stage) {
  Json steps = Json::array();
  for (const RecipeStep& step : stage.steps) steps.push_back(to_json(step));
  return {{"name", stage.name}, {"inputs", stage.inputs}, {"steps", steps}, {"keeps", stage.keeps}};
}

Result<RecipeStep> step_from_json(const Json& json, const std::string& where, const std::string& path) {
  RecipeStep out;
  JsonReader r(json, where, path);
  out.argv = r.texts("argv");
  for (const auto& [name, value] : r.object("environment").items()) {
    if (value.is_string()) out.environment[name] = value.get<std::string>();
    else r.fail("environment", "expected an object of texts");
  }
  out.network = r.boolean_or("network", false);
  if (out.argv.empty()) r.fail("argv", "expected a program");
  ASSAY_TRY(r.finish());
  return out;
}

Result<std::vector<RecipeStep>> steps_from_json(const Json& json, const std::string& where, const std::string& path) {
  std::vector<RecipeStep> out;
  for (size_t i = 0; i < json.size(); ++i) {
    ASSAY_ASSIGN(RecipeStep step, step_from_json(json[i], where, path + "[" + std::to_string(i) + "]"));
    out.push_back(std::move(step));
  }
  return out;
}

Result<RecipeStage> stage_from_json(const Json& json, const std::string& where, const std::string& path) {
  RecipeStage out;
  JsonReader r(json, where, path);
  out.name = r.text("name");
  out.inputs = r.texts("inputs");
  out.keeps = r.texts("keeps");
  const Json& steps = r.array("steps");
  ASSAY_TRY(r.finish());
  ASSAY_ASSIGN(out.steps, steps_from_json(steps, where, path + ".steps"));
  return out;
}

}  // namespace

bool TreeView::has(std::string_view path) const { return std::binary_search(paths.begin(), paths.end(), path); }

std::string TreeView::text(const std::string& path) const { return has(path) ? read(path).value_or("") : ""; }

Json to_json(const Recipe& recipe) {
  Json stages = Json::array(), prepare = Json::array(), commands = Json::array();
  for (const RecipeStage& stage : recipe.stages) stages.push_back(to_json(stage));
  for (const RecipeStep& step : recipe.prepare) prepare.push_back(to_json(step));
  for (const TestCommand& command : recipe.commands) commands.push_back(to_json(command));
  return {{"ecosystem", recipe.ecosystem}, {"programs", recipe.programs}, {"stages", stages}, {"prepare", prepare},
          {"build", recipe.build}, {"commands", commands}, {"date", recipe.date}};
}

Result<Recipe> recipe_from_json(const Json& json, const std::string& where) {
  Recipe out;
  JsonReader r(json, where, "$");
  out.ecosystem = r.text("ecosystem");
  out.programs = r.texts("programs");
  const Json &stages = r.array("stages"), &prepare = r.array("prepare"), &commands = r.array("commands");
  out.build = r.texts("build");
  out.date = r.text("date");
  ASSAY_TRY(r.finish());
  for (size_t i = 0; i < stages.size(); ++i) {
    ASSAY_ASSIGN(RecipeStage stage, stage_from_json(stages[i], where, "$.stages[" + std::to_string(i) + "]"));
    out.stages.push_back(std::move(stage));
  }
  ASSAY_ASSIGN(out.prepare, steps_from_json(prepare, where, "$.prepare"));
  for (size_t i = 0; i < commands.size(); ++i) {
    ASSAY_ASSIGN(TestCommand command, test_command_from_json(commands[i], where, "$.commands[" + std::to_string(i) + "]"));
    out.commands.push_back(std::move(command));
  }
  return out;
}

std::string first_ending(const std::vector<std::string>& files, const std::string& ending) {
  const auto found = std::find_if(files.begin(), files.end(), [&](const std::string& file) { return file.ends_with(ending); });
  return found == files.end() ? "" : *found;
}

std::optional<Proposal> propose_recipe(const TreeView& tree, const std::string& language, const std::string& date) {
  for (const Ecosystem& ecosystem : ecosystems::all()) {
    if (std::find(ecosystem.languages.begin(), ecosystem.languages.end(), language) == ecosystem.languages.end()) continue;
    if (auto recipe = ecosystem.propose(tree, date)) return Proposal{&ecosystem, std::move(*recipe)};
  }
  return std::nullopt;
}

std::vector<std::string> reached_tests(const TreeView& tree, const Ecosystem& ecosystem, const std::vector<std::string>& changed) {
  const auto is_run = [&](const std::string& path) { return !ecosystem.tests_of({path}).arguments.empty(); };
  std::vector<std::string> names, tests, naming;
  for (const std::string& path : changed)
    if (!is_run(path)) names.push_back(std::filesystem::path(path).stem().string());
  if (names.empty()) return {};
  for (const std::string& path : tree.paths) {
    if (tests.size() == kReachedTests) break;
    if (path_role(path) == PathRole::kTest && is_run(path)) tests.push_back(path);
  }
  std::copy_if(tests.begin(), tests.end(), std::back_inserter(naming), [&](const std::string& path) {
    const std::string text = tree.text(path);
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return text.find(name) != std::string::npos; });
  });
  std::vector<std::string> out = naming.empty() ? std::move(tests) : std::move(naming);
  std::erase_if(out, [&](const std::string& path) { return std::find(changed.begin(), changed.end(), path) != changed.end(); });
  return out;
}

}  // namespace assay
