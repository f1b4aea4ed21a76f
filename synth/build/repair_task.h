// From a mined candidate to a certified task: tree, recipe, layers, acceptance, task. The archetype is called "repair".
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "envs/certificate.h"
#include "envs/environment.h"
#include "envs/message.h"
#include "envs/task.h"
#include "synth/build/acceptance.h"
#include "synth/build/builder.h"
#include "synth/build/recipe_book.h"
#include "synth/leaks.h"
#include "synth/mine/candidate.h"
#include "synth/mine/git_repository.h"
#include "synth/patch_proof.h"

namespace assay {

inline constexpr const char* kRepairArchetype = "repair";
inline constexpr int kRepairVersion = 2;

struct RepairOptions {
  std::string layers;     // the host's folder of the executor's layers, to be searched for leaks; empty: they are not, and the certificate says so
  size_t mutants = 8;     // of the gold patch, to measure how much the tests accept
  int rounds = 3;         // of each state
  RecipeBook* recipes = nullptr;   // borrowed: what to try where the proposed recipe fails; null: nothing
  RunLimits limits = {.wall_ms = 10 * 60'000, .cpu_ms = 20 * 60'000, .memory_bytes = int64_t{4} << 30, .processes = 512, .output_bytes = 64 << 20,
                      .file_bytes = int64_t{1} << 30, .disk_bytes = int64_t{2} << 30, .files = 200'000, .open_files = 4096};   // of each test run
};

struct RepairTask {
  Task task;
  std::shared_ptr<const Environment> environment;
  Certificate certificate;
  Recipe recipe;
  BuiltTree built;
  Acceptance acceptance;
  PatchProof proof;       // what the tests say of cheats and mutants
  LeakSearch leaks;
  int64_t tree_bytes = 0;
  bool found = false;     // the recipe is RepairOptions::recipes's
};

// What an agent is given to work with: a shell, files, a search and a way to end; equal for all repositories.
std::vector<ToolSpec> repair_tools();

// The gold trajectory of a repair task, over repair_tools(): its patch is written, applied, and the tree handed in. Assistant messages alone.
Conversation repair_gold(const Task& task);

// The tree of a commit as recipes see it. `repository` must outlive it.
Result<TreeView> tree_view(const GitRepository& repository, const std::string& commit);

// The whole way. Reasons: "tree:CODE" (git_reason), "no_recipe", "no_tests" (the test patch has no file that the runner takes), and
// those of Builder and accept(). A function of its arguments but for what registries answer.
Result<Possible<RepairTask>> make_repair_task(Executor& executor, Builder& builder, const GitRepository& repository, const Candidate& candidate, const RepairOptions& options);

}  // namespace assay
