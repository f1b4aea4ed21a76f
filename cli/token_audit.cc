#include "cli/token_audit.h"

#include <CLI/CLI.hpp>

#include <set>

#include "cli/progress.h"
#include "cli/text.h"
#include "engine/checkpoint/identity.h"
#include "engine/runtime/replay.h"

namespace assay {
namespace {

struct Recorded {
  std::string rollout;
  double temperature = 1;
  std::vector<TokenTurn> turns;
};

// The descriptor of a policy says its temperature where it is not 1 (engine/policies/dsa.cc).
double temperature_of(const std::string& policy) {
  constexpr std::string_view kName = "+temperature=";
  const size_t at = policy.find(kName);
  return at == std::string::npos ? 1.0 : std::strtod(policy.c_str() + at + kName.size(), nullptr);
}

Result<std::vector<Recorded>> recorded_with(Store& store, TaskSelection& selection, const std::string& weights, int64_t limit) {
  selection.sound_only = false;
  ASSAY_ASSIGN(const std::vector<TaskRow> tasks, select_tasks(store, selection, -1));
  std::set<std::string> selected;
  for (const TaskRow& task : tasks) selected.insert(task.id);
  ASSAY_ASSIGN(const std::vector<RolloutRow> rows, store.rollouts({}));
  std::vector<Recorded> found;
  for (const RolloutRow& row : rows) {
    if (static_cast<int64_t>(found.size()) == limit) break;
    if (!selected.contains(row.task) || !row.policy.starts_with("dsa:" + weights.substr(0, 16))) continue;
    ASSAY_ASSIGN(std::vector<TokenTurn> turns, store.turns(row.id));
    if (!turns.empty() && turns[0].policy_version == weights) found.push_back({row.id, temperature_of(row.policy), std::move(turns)});
  }
  return found;
}

int64_t longest_sequence(const std::vector<Recorded>& recorded) {
  int64_t longest = 1;
  for (const Recorded& rollout : recorded)
    for (const TokenTurn& turn : rollout.turns)
      longest = std::max(longest, turn.shared + static_cast<int64_t>(turn.prompt.size() + turn.sampled.size()) - 1);
  return longest;
}

// What came out otherwise, or an error that says why nothing did.
Result<std::vector<std::string>> differences(LoadedModel& loaded, const Recorded& recorded, int64_t chunk) {
  ASSAY_ASSIGN(const std::vector<ReplayedTurn> replayed, replay(*loaded.model, *loaded.cache, recorded.turns, {recorded.temperature, chunk}));
  std::vector<std::string> found;
  for (size_t i = 0; i < replayed.size(); ++i) {
    const std::string turn = "turn " + std::to_string(i);
    if (replayed[i].selection_digest != recorded.turns[i].selection_digest) found.push_back(turn + ": other tokens were attended to");
    if (replayed[i].full_log_probabilities != recorded.turns[i].full_log_probabilities) found.push_back(turn + ": log-probabilities are others");
  }
  return found;
}

}  // namespace

void TokenAudit::declare(CLI::App& app) {
  auto* tokens = app.add_option("--tokens", model.directory, "Compute recorded tokens again with this checkpoint: log-probabilities and attended tokens, bit for bit");
  app.add_option("--backend", model.backend, "With --tokens: what sampled (assay doctor); bits differ between backends")->needs(tokens);
}

Result<int> TokenAudit::run(TaskSelection& selection, const Context& context) const {
  ASSAY_ASSIGN(const std::string weights, checkpoint_identity(model.directory));
  ASSAY_ASSIGN(const std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kMustExist, system_clock()));
  ASSAY_ASSIGN(const std::vector<Recorded> recorded, recorded_with(*store, selection, weights, context.limit));
  if (recorded.empty()) return input_error("no rollout here was sampled with these weights (" + weights.substr(0, 16) + ")", model.directory, context.command("list rollouts"));
  ASSAY_ASSIGN(LoadedModel loaded, load_model(model, longest_sequence(recorded), 0, context));
  Progress progress("audit", static_cast<int64_t>(recorded.size()), system_clock());
  OrderedJson findings = OrderedJson::array();
  int64_t audited = 0, turns = 0;
  for (const Recorded& rollout : recorded) {
    if (context.stopped()) break;
    const Result<std::vector<std::string>> found = differences(loaded, rollout, model.chunk);
    const std::vector<std::string> lines = found.ok() ? *found : std::vector{found.error().text()};
    if (!lines.empty()) {
      context.say("rollout " + short_id(rollout.rollout) + (found.ok() ? ": differs" : ": cannot be audited"));
      for (const std::string& line : lines) context.say("  " + printable(line));
      findings.push_back({{"rollout", rollout.rollout}, {"differences", lines}});
    }
    ++audited;
    turns += static_cast<int64_t>(rollout.turns.size());
    progress.add(1, lines.empty() ? 0 : 1);
  }
  const bool interrupted = audited < static_cast<int64_t>(recorded.size());
  context.say(count_text(audited) + " rollouts of " + count_text(turns) + " turns computed again on " + loaded.device->name() + " in " + duration_text(progress.seconds()) + ": " +
              count_text(static_cast<int64_t>(findings.size())) + " differ" + (interrupted ? "; interrupted" : ""));
  const bool whole = findings.empty() && !interrupted;
  context.result({{"audited", audited}, {"turns", turns}, {"backend", loaded.device->name()}, {"interrupted", interrupted}, {"findings", std::move(findings)}});
  return whole ? kDone : kSomeFailed;
}

}  // namespace assay
