// How a tree becomes a place where its tests run: pure data, made from the tree alone, replayable without any model. One file an
// ecosystem in synth/build/ecosystems/, which defines `Ecosystem make()`.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "envs/base/json.h"
#include "synth/build/tree_view.h"
#include "verifiers/test_plan.h"

namespace assay {

// The places inside. What lies in kDependencies and kTools is shared by tasks, what lies in the tree is not.
inline constexpr const char* kTools = "/work/tools";
inline constexpr const char* kDependencies = "/work/deps";
inline constexpr const char* kBuildDirectory = "/work/build";   // of build systems that build outside of the tree

struct RecipeStep {
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;
  bool network = false;   // may reach the ecosystem's registries
};

// Steps whose outcome is kept as a layer and shared by every tree with the same inputs.
struct RecipeStage {
  std::string name;                  // "dependencies"
  std::vector<std::string> inputs;   // files of the tree of which a part (manifest.h) decides the outcome: it, the steps and the stages below are its identity
  std::vector<RecipeStep> steps;     // run in the tree, so that metadata can be computed; only `keeps` outlives them
  std::vector<std::string> keeps;    // "work/deps": what the layer holds
};

struct Recipe {
  std::string ecosystem;                 // "python"
  std::vector<std::string> programs;     // of the host that must be there: "cargo"
  std::vector<RecipeStage> stages;       // lowest first
  std::vector<RecipeStep> prepare;       // offline, once a task: what is compiled before any patch; changes of the tree's files are put back
  std::vector<std::string> build;        // TestPlan::build: what a patch makes necessary
  std::vector<TestCommand> commands;     // `files` are filled in by tests_of()
  std::string date;                      // packages are pinned as of it where the registry allows: ISO 8601, UTC
};

Json to_json(const Recipe& recipe);
Result<Recipe> recipe_from_json(const Json& json, const std::string& where);

// A public registry and how an ecosystem's tools are told of another.
struct Registry {
  std::string name;                       // "pypi": what a user's setting is called
  std::string url;                        // the public one: "https://pypi.org/simple"
  std::vector<std::string> hosts;         // more hosts that the public one sends its users to
  std::vector<std::string> variables;     // environment variables that are set to its URL in steps with network
};

struct TestFiles {
  std::vector<std::string> arguments;     // TestCommand::files: the files, their packages, or none where the runner takes none
  std::string beside;                     // TestCommand::beside
};

// The first of `files` with this ending, as TestFiles::beside.
std::string first_ending(const std::vector<std::string>& files, const std::string& ending);

struct Ecosystem {
  std::string name;
  std::vector<std::string> languages;     // as mined: Candidate::language
  std::vector<Registry> registries;
  // Nothing if the tree is none of this ecosystem's, or has no tests that it could run.
  std::function<std::optional<Recipe>(const TreeView& tree, const std::string& date)> propose;
  // How a command is told to run these test files, paths from the root of the tree.
  std::function<TestFiles(const std::vector<std::string>& files)> tests_of;
};

namespace ecosystems {
std::span<const Ecosystem> all();  // generated from the folder
}

// The first ecosystem of this language that proposes something, in order of `all()`.
struct Proposal {
  const Ecosystem* ecosystem = nullptr;
  Recipe recipe;
};
std::optional<Proposal> propose_recipe(const TreeView& tree, const std::string& language, const std::string& date);

// Tests of a tree that a change reaches through files that no runner takes (fixtures, data, helpers): those that name such a file by
// its name without extension, all tests if none does; never one of `changed` itself. At most kReachedTests are looked at.
inline constexpr size_t kReachedTests = 300;
std::vector<std::string> reached_tests(const TreeView& tree, const Ecosystem& ecosystem, const std::vector<std::string>& changed);

}  // namespace assay
