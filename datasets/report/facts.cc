#include "datasets/report/facts.h"

#include <algorithm>
#include <set>

#include "datasets/measured.h"
#include "envs/attack_report.h"

namespace assay {
namespace {

std::string without_number(const std::string& check) {
  const size_t dot = check.find('.');
  const bool numbered = dot != std::string::npos && dot > 1 && check[0] == 'c' && std::all_of(check.begin() + 1, check.begin() + static_cast<int64_t>(dot), [](char c) { return c >= '0' && c <= '9'; });
  return numbered ? check.substr(dot + 1) : check;
}

std::optional<std::pair<double, double>> pair_of(const Json& level, const char* member) {
  const auto found = level.find(member);
  if (found == level.end() || !found->is_array() || found->size() != 2 || !(*found)[0].is_number() || !(*found)[1].is_number()) return {};
  return std::pair((*found)[0].get<double>(), (*found)[1].get<double>());
}

// The levels of domains, from the sources that the store keeps.
class Bands {
 public:
  static Result<Bands> read(Store& store) {
    Bands out;
    ASSAY_ASSIGN(const Json kept, store.observations_named("source"));
    for (const Json& each : kept) {
      const Json& value = each.at("value");
      if (!value.is_object() || !value.contains("text") || !value["text"].is_string()) continue;
      ASSAY_ASSIGN(out.sources_[each.at("subject").get<std::string>()], parse_json(value["text"].get<std::string>(), store.path() + ": " + each.at("subject").get<std::string>()));
    }
    return out;
  }

  Band of(const Task& task) const {
    const auto source = sources_.find("domain " + task.provenance.domain + " " + task.provenance.domain_version);
    if (source == sources_.end() || task.provenance.preset != "difficulty") return {};
    const Json::json_pointer path = Json::json_pointer() / "archetypes" / task.archetype / "levels" / std::to_string(task.difficulty);
    if (!source->second.contains(path) || !source->second.at(path).is_object()) return {};
    const Json& level = source->second.at(path);
    return {pair_of(level, "chance"), pair_of(level, "calls")};
  }

 private:
  std::map<std::string, Json> sources_;
};

bool lies_in(const Band& band, const TaskFacts& task) {
  if (band.chance && !(task.chance_rate && *task.chance_rate >= band.chance->first && *task.chance_rate < band.chance->second)) return false;
  if (!band.calls) return true;
  const double calls = static_cast<double>(task.calls.value_or(-1));
  return calls >= band.calls->first && calls <= band.calls->second;
}

Result<TaskFacts> task_facts(Store& store, const TaskRow& row, const Bands& bands, StoreFacts& facts) {
  TaskFacts out{.id = row.id, .domain = facts.domains.number(row.domain), .archetype = facts.archetypes.number(row.archetype), .difficulty = row.difficulty};
  if (row.certificate.empty()) return out;
  ASSAY_ASSIGN(const Certificate certificate, store.certificate(row.id));
  ASSAY_ASSIGN(const Task task, store.task(row.id));
  out.certified = true;
  out.sound = certificate.sound;
  if (!certificate.sound) out.problem = certificate.problems.empty() ? "not sound" : certificate.problems[0];
  const Measured known = measured(certificate);
  out.chance_rate = known.chance_rate;
  const auto plain = certificate.measures.find("plain_calls");
  out.calls = plain == certificate.measures.end() ? known.calls_high : plain->second;
  out.band = bands.of(task);
  if (out.band.known()) out.in_band = lies_in(out.band, out);
  return out;
}

int64_t policy_us(const Rollout& rollout) {
  if (rollout.times.empty()) return std::max<int64_t>(0, rollout.wall_us - rollout.tool_us);
  int64_t sum = 0;
  for (const StepTime& time : rollout.times) sum += time.policy_us;
  return sum;
}

AttemptFacts attempt_facts(const Rollout& rollout, size_t task, StoreFacts& facts) {
  AttemptFacts out{.id = rollout.id, .task = task, .policy = facts.policies.number(rollout.policy), .stop = facts.stops.number(rollout.stop),
                   .seed = rollout.seed, .sample = rollout.sample, .outcome = outcome_of(rollout),
                   .steps = rollout.steps, .calls = rollout.calls, .failed_calls = rollout.failed_calls,
                   .prompt_tokens = rollout.usage.prompt_tokens, .completion_tokens = rollout.usage.completion_tokens,
                   .policy_us = policy_us(rollout), .tool_us = rollout.tool_us, .wall_us = rollout.wall_us};
  for (const std::string& kind : failure_kinds(rollout)) out.kinds.push_back(facts.kinds.number(kind));
  return out;
}

Status read_candidates(Store& store, StoreFacts& facts) {
  ASSAY_ASSIGN(const Json runs, store.observations("store"));
  for (const Json& run : runs) {
    const Json& value = run.at("value");
    if (run.at("name") == "rollout") facts.runs.push_back(value);
    if (run.at("name") != "synth" || !value.is_object() || !value.contains("funnel")) continue;
    for (const auto& [archetype, funnel] : value["funnel"].items()) {
      facts.certified_candidates += funnel.value("certified", int64_t{0});
      for (const auto& [reason, count] : funnel.at("lost").items()) facts.lost_candidates[reason] += count.get<int64_t>();
    }
  }
  ASSAY_ASSIGN(const Json built, store.observations_named("build"));
  std::map<std::string, std::string> endings;
  for (const Json& each : built) endings[each.at("subject")] = each.at("value").value("reason", "");
  for (const auto& [candidate, reason] : endings) ++facts.mined[reason];
  return {};
}

Result<std::set<std::string>> attacked_tasks(Store& store) {
  ASSAY_ASSIGN(const Json attacks, store.observations_named(kAttackObservation));
  std::set<std::string> out;
  for (const Json& each : attacks) {
    const std::string task = each.at("subject");
    ASSAY_ASSIGN(const AttackReport report, attack_report_from_json(each.at("value"), store.path() + ": attack on " + task));
    if (report.total().hits > 0) out.insert(task);
    else out.erase(task);
  }
  return out;
}

}  // namespace

std::vector<std::string> failure_kinds(const Rollout& rollout) {
  if (rollout.status == RolloutStatus::kFailed) return {boundary_name(rollout.failure ? rollout.failure->boundary : Boundary::kInternal)};
  std::set<std::string> kinds;
  for (const Check& check : rollout.verdict.checks)
    if (!check.passed) kinds.insert(without_number(check.name));
  return {kinds.begin(), kinds.end()};
}

int64_t Names::number(const std::string& text) {
  const auto [found, added] = numbers_.emplace(text, static_cast<int64_t>(texts_.size()));
  if (added) texts_.push_back(text);
  return found->second;
}

Result<StoreFacts> read_facts(Store& store, const std::vector<TaskRow>& tasks, const std::vector<std::string>& policies, const std::function<Status()>& step) {
  StoreFacts facts;
  ASSAY_TRY(read_candidates(store, facts));
  ASSAY_ASSIGN(const Bands bands, Bands::read(store));
  ASSAY_ASSIGN(const std::set<std::string> attacked, attacked_tasks(store));
  std::map<std::string, size_t> places;
  for (const TaskRow& row : tasks) {
    ASSAY_ASSIGN(TaskFacts task, task_facts(store, row, bands, facts));
    task.attacked = attacked.contains(row.id);
    places[row.id] = facts.tasks.size();
    facts.tasks.push_back(std::move(task));
    ASSAY_TRY(step());
  }
  ASSAY_ASSIGN(const std::vector<RolloutRow> rows, store.rollouts({}));
  for (const RolloutRow& row : rows) {
    const auto place = places.find(row.task);
    if (place == places.end() || (!policies.empty() && std::find(policies.begin(), policies.end(), row.policy) == policies.end())) continue;
    ASSAY_ASSIGN(const Rollout rollout, store.rollout(row.id));
    facts.attempts.push_back(attempt_facts(rollout, place->second, facts));
    ASSAY_TRY(step());
  }
  return facts;
}

}  // namespace assay
