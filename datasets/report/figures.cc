#include "datasets/report/figures.h"

#include <algorithm>

#include "datasets/report/estimates.h"

namespace assay {
namespace {

constexpr const char* kInterval = "Wilson 95% over tasks as clusters, with as many effective attempts as the variance between tasks leaves";

OrderedJson interval_json(const Estimate& estimate) { return {{"mean", estimate.mean}, {"low", estimate.low}, {"high", estimate.high}}; }

std::vector<Tally> values_of(const std::map<size_t, Tally>& tallies) {
  std::vector<Tally> out;
  for (const auto& [task, tally] : tallies) out.push_back(tally);
  return out;
}

// 1 to 8, then powers of two, and the most there is.
std::vector<int64_t> ks_up_to(int64_t most) {
  std::vector<int64_t> out;
  for (int64_t k = 1; k < most; k += k < 8 ? 1 : k) out.push_back(k);
  if (most > 0) out.push_back(most);
  return out;
}

OrderedJson pass_of(const StoreFacts& facts, int64_t policy) {
  std::map<size_t, Tally> tallies;
  std::map<int, std::map<size_t, Tally>> levels;
  int64_t attempts = 0;
  for (const AttemptFacts& attempt : facts.attempts) {
    if (attempt.policy != policy || !has_verdict(attempt.outcome)) continue;
    ++attempts;
    for (Tally* tally : {&tallies[attempt.task], &levels[facts.tasks[attempt.task].difficulty][attempt.task]}) {
      ++tally->attempts;
      tally->passed += attempt.outcome == RolloutOutcome::kPassed;
    }
  }
  const std::vector<Tally> all = values_of(tallies);
  int64_t most = 0;
  for (const Tally& tally : all) most = std::max(most, tally.attempts);
  OrderedJson at = OrderedJson::array(), by_difficulty = OrderedJson::array();
  for (const int64_t k : ks_up_to(most)) {
    const Estimate any = estimate(all, k, pass_at_k);
    at.push_back({{"k", k}, {"tasks", any.tasks}, {"any", interval_json(any)}, {"all", interval_json(estimate(all, k, pass_all_k))}});
  }
  for (const auto& [difficulty, level] : levels) {
    const Estimate once = estimate(values_of(level), 1, pass_at_k);
    by_difficulty.push_back({{"difficulty", difficulty}, {"tasks", once.tasks}, {"attempts", once.attempts}, {"mean", once.mean}, {"low", once.low}, {"high", once.high}});
  }
  return {{"policy", facts.policies.texts()[static_cast<size_t>(policy)]}, {"attempts", attempts}, {"tasks", all.size()}, {"at", std::move(at)}, {"by_difficulty", std::move(by_difficulty)}};
}

// The value below which a share of them lies: the nearest rank.
template <typename T>
T quantile(const std::vector<T>& sorted, double share) {
  return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5)];
}

template <typename T>
OrderedJson five_numbers(std::vector<T> values) {
  OrderedJson out = OrderedJson::array();
  std::sort(values.begin(), values.end());
  if (!values.empty())
    for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) out.push_back(quantile(values, share));
  return out;
}

OrderedJson calibration(const StoreFacts& facts) {
  struct Level {
    int64_t tasks = 0, in_band = 0, outside = 0, no_band = 0;
    std::vector<double> chance;
    std::vector<int64_t> calls;
  };
  std::map<int, Level> levels;
  for (const TaskFacts& task : facts.tasks) {
    if (task.difficulty == 0 || !task.certified) continue;
    Level& level = levels[task.difficulty];
    ++level.tasks;
    ++(!task.in_band ? level.no_band : *task.in_band ? level.in_band : level.outside);
    if (task.chance_rate) level.chance.push_back(*task.chance_rate);
    if (task.calls) level.calls.push_back(*task.calls);
  }
  OrderedJson out = OrderedJson::array();
  for (auto& [difficulty, level] : levels)
    out.push_back({{"difficulty", difficulty}, {"tasks", level.tasks}, {"in_band", level.in_band}, {"outside", level.outside}, {"no_band", level.no_band},
                   {"chance", five_numbers(std::move(level.chance))}, {"calls", five_numbers(std::move(level.calls))}});
  return out;
}

OrderedJson funnel(const StoreFacts& facts) {
  int64_t sound = 0, unsound = 0, uncertified = 0, attacked = 0;
  std::map<std::string, int64_t> problems, stops, kinds;
  for (const TaskFacts& task : facts.tasks) {
    ++(!task.certified ? uncertified : task.sound ? sound : unsound);
    attacked += task.attacked;
    if (task.certified && !task.sound) ++problems[task.problem];
  }
  for (const AttemptFacts& attempt : facts.attempts) {
    ++stops[facts.stops.texts()[static_cast<size_t>(attempt.stop)]];
    for (const int64_t kind : attempt.kinds) ++kinds[facts.kinds.texts()[static_cast<size_t>(kind)]];
  }
  return {{"candidates", {{"certified", facts.certified_candidates}, {"lost", facts.lost_candidates}}},
          {"mined", facts.mined},
          {"tasks", {{"sound", sound}, {"unsound", unsound}, {"uncertified", uncertified}, {"attacked", attacked}, {"problems", problems}}},
          {"stops", stops},
          {"kinds", kinds}};
}

OrderedJson throughput_of(const StoreFacts& facts, int64_t policy) {
  AttemptFacts sum;
  std::vector<int64_t> walls;
  for (const AttemptFacts& attempt : facts.attempts) {
    if (attempt.policy != policy) continue;
    for (int64_t AttemptFacts::*member : {&AttemptFacts::steps, &AttemptFacts::calls, &AttemptFacts::failed_calls, &AttemptFacts::prompt_tokens,
                                          &AttemptFacts::completion_tokens, &AttemptFacts::policy_us, &AttemptFacts::tool_us, &AttemptFacts::wall_us})
      sum.*member += attempt.*member;
    walls.push_back(attempt.wall_us);
  }
  std::sort(walls.begin(), walls.end());
  return {{"policy", facts.policies.texts()[static_cast<size_t>(policy)]}, {"attempts", walls.size()}, {"steps", sum.steps}, {"calls", sum.calls},
          {"failed_calls", sum.failed_calls}, {"prompt_tokens", sum.prompt_tokens}, {"completion_tokens", sum.completion_tokens}, {"policy_us", sum.policy_us},
          {"tool_us", sum.tool_us}, {"wall_us", sum.wall_us}, {"wall_us_median", quantile(walls, 0.5)}, {"wall_us_p95", quantile(walls, 0.95)}};
}

}  // namespace

OrderedJson report_figures(const StoreFacts& facts) {
  OrderedJson outcomes = OrderedJson::object(), pass = OrderedJson::array(), throughput = OrderedJson::array();
  for (const std::string& name : outcome_names()) outcomes[name] = 0;
  for (const AttemptFacts& attempt : facts.attempts) outcomes[outcome_name(attempt.outcome)] = outcomes[outcome_name(attempt.outcome)].get<int64_t>() + 1;
  for (size_t policy = 0; policy < facts.policies.texts().size(); ++policy) {
    pass.push_back(pass_of(facts, static_cast<int64_t>(policy)));
    throughput.push_back(throughput_of(facts, static_cast<int64_t>(policy)));
  }
  return {{"format", "assay-report/1"}, {"tasks", facts.tasks.size()}, {"attempts", facts.attempts.size()}, {"outcomes", std::move(outcomes)},
          {"interval", kInterval}, {"pass", std::move(pass)}, {"calibration", calibration(facts)}, {"funnel", funnel(facts)},
          {"throughput", std::move(throughput)}, {"runs", facts.runs}};
}

}  // namespace assay
