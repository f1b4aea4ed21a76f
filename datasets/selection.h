// Which tasks and rollouts of a store go into a dataset, and into which split: one plan, made before anything is written, with a
// count for each reason why something is left out. A pure function of the store and the rules.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "datasets/rollout_outcome.h"
#include "datasets/selection_funnel.h"
#include "datasets/store.h"

namespace assay {

struct IntegerRange {   // closed
  int64_t low = 0, high = INT64_MAX;
  bool holds(int64_t value) const { return low <= value && value <= high; }
};

struct PassBand {   // closed; of the newest measurement with this policy (envs/pass_rate.h)
  std::string policy;
  double low = 0, high = 1;
};

// "thinking" takes rollouts with reasoning in them; "non_thinking" takes all, and what is written has none.
enum class Reasoning { kAsPlayed, kThinking, kNonThinking };
// Which rollouts of a task come first when it has more than are wanted: in the order of the store, what their policy wrote shortest
// (bytes of texts, reasoning and arguments), or by hash of seed and id.
enum class Preference { kStored, kShortest, kRandom };
enum class Duplicates { kKeep, kExact, kNear };   // near: exact, too
enum class SplitUnit { kPrompt, kSimilar };

struct Balance {
  std::vector<std::string> by;   // "domain", "archetype", "difficulty", "specialist": tasks that agree in all of them are a group
  int64_t most = 0;              // tasks of a group, chosen by hash of seed and id
};

struct SelectionRules {
  // Tasks. An empty list takes all.
  std::vector<std::string> domains, presets, archetypes, specialists;
  std::vector<std::string> variants;   // any of these; "none": tasks without one
  std::vector<int> difficulties;
  double chance_at_most = 1;           // of the certificate
  bool unique_only = false;            // the certificate counts exactly one solution
  std::string kept_by;                 // kept by a filter with this policy
  std::optional<PassBand> pass_rate;
  bool commit_statements = false;      // tasks whose statement was made from a commit's message, too

  // Rollouts, where they are asked for.
  std::vector<std::string> policies;
  std::vector<RolloutOutcome> outcomes = {RolloutOutcome::kPassed};   // empty: all with a verdict
  std::vector<std::string> failures;   // of those that did not pass: how it ended ("gave_up", "limit:steps") or what failed ("shape", "all_different")
  bool disputed = false;               // those that a later judgement contradicts, too (datasets/judgement.h)
  IntegerRange messages, tokens;       // tokens: written by the policy, as it reported them
  Reasoning reasoning = Reasoning::kAsPlayed;
  int64_t most_per_task = INT64_MAX;
  Preference preference = Preference::kStored;

  // Among all.
  Duplicates duplicates = Duplicates::kKeep;   // of tasks by their prompts, of rollouts of a task by what the policy said
  double near_threshold = 0.8;                 // Jaccard's coefficient (datasets/near_duplicates.h)
  std::vector<std::string> held_out;           // files of texts that must not be in the dataset (datasets/held_out.h)
  int64_t gram_words = 13;
  std::optional<Balance> balance;
  int64_t limit = -1;                          // tasks, the first in the order of the store; negative: no limit
  uint64_t seed = 0;

  // Percent; the rest is test. A split is given to groups of tasks: those with the same words in their prompts, or also those that are
  // nearly the same, and all that these are nearly the same as.
  int train_percent = 90, validation_percent = 5;
  SplitUnit split_unit = SplitUnit::kPrompt;
};

// What the dataset is for.
struct SelectionNeeds {
  bool rollouts = false;                                // else tasks alone
  std::function<bool(const Task&)> takes;               // null: every task
  // A task's specialist domain, or "" (rules that name none do without it).
  std::function<std::string(const Task&, const Certificate&)> specialist;
};

struct SelectedTask {
  std::string id, split;               // "train", "validation" or "test"
  std::vector<std::string> rollouts;   // ids, in the order of the store
};

struct Contamination {
  std::string task, rollout;   // rollout: empty where the task itself is
  std::string held_out;        // "gsm8k.jsonl:17"
  std::string words;           // in common
};

struct SelectionPlan {
  std::vector<SelectedTask> tasks;   // in the order of the store
  SelectionFunnel funnel;
  std::vector<Contamination> contaminations;
  int64_t held_out_texts = 0, held_out_too_short = 0;
  int64_t never_attacked = 0;        // of the tasks left
};

// Fails on rules that contradict themselves, on files that cannot be read, and on damage in the store. Nothing left is no failure.
// Rollouts are read only where a rule asks for what is in them. Memory: a few hundred bytes a task and rollout, a few KB a task where
// near duplicates are looked for, and the held-out texts.
Result<SelectionPlan> plan_selection(Store& store, const SelectionRules& rules, const SelectionNeeds& needs);

// "train", "validation" or "test": a function of the name alone, so more percent for train takes from the others' ends.
std::string split_of(const std::string& name, int train_percent, int validation_percent);

// The rollout as the non-thinking form has it: no reasoning in its messages, and no token records, which hold it too.
Rollout without_reasoning(Rollout rollout);

}  // namespace assay
