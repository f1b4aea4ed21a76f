#include "synth/build/recipe_book.h"

#include <algorithm>

#include "envs/base/utf8.h"
#include "synth/mine/paths.h"

namespace assay {
namespace {

constexpr size_t kRecipeBytes = 64 << 10;
constexpr size_t kPaths = 400, kFileBytes = 6'000, kFilesBytes = 40'000;   // of the tree, that a model is shown

constexpr const char* kSystem =
    "You mend the recipe by which a project is built and its tests are run in a sandbox. A recipe is a JSON object:\n"
    "- \"stages\": run once and kept as layers: \"name\", \"inputs\" (files of the tree that decide the outcome), \"steps\", \"keeps\" (paths without the first slash that outlive the steps)\n"
    "- \"prepare\": steps that run once for this tree, without a network\n"
    "- \"build\": one command (a list of words, or an empty list) that runs after each patch\n"
    "- \"commands\": how tests are run. {tests}, {report} and {seed} are replaced; \"format\", \"report\" and \"canary\" must go on fitting the runner\n"
    "- \"programs\": of the machine that have to be there; \"ecosystem\" and \"date\" stay as they are\n"
    "A step is {\"argv\": [words], \"environment\": {names: texts}, \"network\": true or false}; only stages' steps that say so reach the ecosystem's package registries, and nothing else can be reached. "
    "No shell reads argv. The tree lies at /work/repo, where steps run; /work/deps is for packages, /work/build for build directories.\n"
    "You can change the recipe only: files of the tree, its sources and tests, are put back after your steps.\n"
    "Answer with the whole mended recipe as one ```json block.";

// The object that a reply holds: its first brace to its last.
Result<Recipe> recipe_in(const std::string& reply, const Recipe& before) {
  const size_t begin = reply.find('{'), end = reply.rfind('}');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return input_error("no JSON object in the reply", "reply");
  ASSAY_ASSIGN(const Json json, parse_json(std::string_view(reply).substr(begin, end + 1 - begin), "reply", {.bytes = kRecipeBytes}));
  ASSAY_ASSIGN(Recipe recipe, recipe_from_json(json, "reply"));
  if (recipe.ecosystem != before.ecosystem || recipe.date != before.date) return input_error("ecosystem and date stay as they are", "reply");
  if (recipe.commands.empty()) return input_error("a recipe without commands runs no test", "reply");
  const auto reaches_out = [](const RecipeStep& step) { return step.network; };
  if (std::any_of(recipe.prepare.begin(), recipe.prepare.end(), reaches_out)) return input_error("only stages have a network", "reply: $.prepare");
  if (to_json(recipe) == to_json(before)) return input_error("this is the recipe that failed", "reply");
  return recipe;
}

std::string failure_text(const Rejection& why) { return "It ended as " + why.reason + ". What was said last:\n```\n" + with_replacements(why.detail) + "\n```\n"; }

std::string tree_text(const TreeView& tree) {
  std::string out = "Files of the tree:\n", files;
  for (size_t i = 0; i < std::min(tree.paths.size(), kPaths); ++i) out += with_replacements(tree.paths[i]) + "\n";
  if (tree.paths.size() > kPaths) out += "… and " + std::to_string(tree.paths.size() - kPaths) + " more\n";
  for (const std::string& path : tree.paths)
    if (path_role(path) == PathRole::kConfig && files.size() < kFilesBytes) files += "\n" + with_replacements(path) + ":\n```\n" + with_replacements(tree.text(path).substr(0, kFileBytes)) + "\n```\n";
  return out + files;
}

Message message_of(Role role, std::string text) {
  Message out;
  out.role = role;
  out.text = std::move(text);
  return out;
}

}  // namespace

bool is_of_recipe(const std::string& reason) {
  return reason.ends_with("_failed") || reason.find("_limit:") != std::string::npos || reason.starts_with("gold_unbelievable:") || reason.starts_with("toolchain_missing:");
}

Status RecipeBook::add(const Json& line, const std::string& where) {
  JsonReader r(line, where, "$");
  const std::string repository = r.text("repository");
  const Json& recipe = r.object("recipe");
  ASSAY_TRY(r.finish());
  ASSAY_ASSIGN(Recipe read, recipe_from_json(recipe, where));
  std::lock_guard lock(mutex_);
  known_[repository].push_back(std::move(read));
  return {};
}

Json RecipeBook::line(const std::string& repository, const Recipe& recipe) { return {{"repository", repository}, {"recipe", to_json(recipe)}}; }

void RecipeBook::ask(Policy& policy, int turns, uint64_t seed) {
  policy_ = &policy;
  turns_ = turns;
  seed_ = seed;
}

Result<std::optional<Recipe>> RecipeBook::after(const RecipeFailure& failure, size_t attempt) {
  std::lock_guard lock(mutex_);
  const auto& known = known_[failure.candidate.repository];
  if (attempt < known.size()) return std::optional(known[attempt]);
  return ask_model(failure);
}

Result<std::optional<Recipe>> RecipeBook::ask_model(const RecipeFailure& failure) {
  if (!policy_) return std::optional<Recipe>();
  Conversation& said = conversations_[failure.candidate.id];
  if (said.empty()) {
    said = {message_of(Role::kSystem, kSystem),
            message_of(Role::kUser, "Project: " + failure.candidate.repository + " (" + failure.candidate.language + ")\n\nThe recipe:\n```json\n" + to_json(failure.recipe).dump(1) + "\n```\n" +
                                        failure_text(failure.why) + "\n" + tree_text(failure.tree))};
  } else {
    said.push_back(message_of(Role::kUser, failure_text(failure.why)));
  }
  const TaskView view;   // no tools: the answer is the message
  while (static_cast<int>(std::count_if(said.begin(), said.end(), [](const Message& each) { return each.role == Role::kAssistant; })) < turns_) {
    policy_->ask({.rollout = 0, .task = &view, .conversation = &said, .seed = seed_, .step = static_cast<int64_t>(said.size()) / 2 - 1});
    const std::vector<Action> actions = policy_->answer();
    if (actions.empty()) return std::optional<Recipe>();
    if (!actions[0].message.ok()) return actions[0].message.error();
    said.push_back(*actions[0].message);
    Result<Recipe> recipe = recipe_in(said.back().text, failure.recipe);
    if (recipe.ok()) return std::optional(std::move(*recipe));
    said.push_back(message_of(Role::kUser, "That is not a recipe that could be tried: " + recipe.error().text()));
  }
  return std::optional<Recipe>();
}

}  // namespace assay
