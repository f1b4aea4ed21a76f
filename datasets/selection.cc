#include "datasets/selection.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "datasets/held_out.h"
#include "datasets/judgement.h"
#include "datasets/near_duplicates.h"
#include "envs/attack_report.h"
#include "envs/base/hash.h"
#include "envs/base/rng.h"
#include "envs/pass_rate.h"

namespace assay {
namespace {

const std::vector<std::string> kBalanceKeys = {"domain", "archetype", "difficulty", "specialist"};

template <typename T>
bool among(const T& value, const std::vector<T>& wanted) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

Status check_rules(const SelectionRules& rules) {
  if (rules.train_percent < 0 || rules.validation_percent < 0 || rules.train_percent + rules.validation_percent > 100)
    return input_error("the shares of train and validation must be at least 0 and together at most 100 percent");
  if (!(rules.near_threshold > 0 && rules.near_threshold <= 1)) return input_error("a threshold of alikeness must be above 0 and at most 1");
  if (rules.gram_words < 4) return input_error("runs of fewer than 4 words are in every text", "", "13 is usual");
  if (rules.most_per_task < 1) return input_error("at least one rollout a task must be allowed");
  for (const RolloutOutcome outcome : rules.outcomes)
    if (!has_verdict(outcome))
      return input_error(std::string("a rollout whose outcome is '") + outcome_name(outcome) + "' has no reward, so no dataset holds it", "", "assay list rollouts shows them");
  if (!rules.balance) return {};
  if (rules.balance->most < 1) return input_error("a group must be allowed at least one task");
  for (const std::string& key : rules.balance->by)
    if (std::find(kBalanceKeys.begin(), kBalanceKeys.end(), key) == kBalanceKeys.end()) return unknown_name("property to balance by", key, kBalanceKeys);
  return {};
}

// A draw that depends on the seed and the name alone.
uint64_t lot(uint64_t seed, const std::string& id) { return Rng(seed, "selection/" + id).next(); }

// What the policy said, and nothing else: two attempts that agree in it are one.
std::string said_digest(const Rollout& rollout) {
  Sha256 hash;
  const auto add = [&](const std::string& text) {
    hash.update(std::to_string(text.size()) + ":");
    hash.update(text);
  };
  for (const Message& message : rollout.messages) {
    if (message.role != Role::kAssistant) continue;
    add(message.text);
    add(message.reasoning);
    for (const ToolCall& call : message.tool_calls) {
      add(call.name);
      add(call.arguments);
    }
  }
  return hash.hex();
}

int64_t said_bytes(const Rollout& rollout) {
  size_t bytes = 0;
  for (const Message& message : rollout.messages) {
    if (message.role != Role::kAssistant) continue;
    bytes += message.text.size() + message.reasoning.size();
    for (const ToolCall& call : message.tool_calls) bytes += call.arguments.size();
  }
  return static_cast<int64_t>(bytes);
}

bool has_reasoning(const Rollout& rollout) {
  return std::any_of(rollout.messages.begin(), rollout.messages.end(), [](const Message& message) { return !message.reasoning.empty(); });
}

// "c3.all_different" and "all_different" are named by "all_different".
bool check_is(const std::string& check, const std::string& wanted) {
  return check == wanted || (check.ends_with(wanted) && check.size() > wanted.size() && check[check.size() - wanted.size() - 1] == '.');
}

bool failed_so(const Rollout& rollout, const std::vector<std::string>& failures) {
  return std::any_of(failures.begin(), failures.end(), [&](const std::string& wanted) {
    return rollout.stop == wanted || std::any_of(rollout.verdict.checks.begin(), rollout.verdict.checks.end(),
                                                 [&](const Check& check) { return !check.passed && check_is(check.name, wanted); });
  });
}

// The sets of a partition of 0 … size - 1, each named by its least member.
class Partition {
 public:
  int64_t add() {
    parent_.push_back(static_cast<int64_t>(parent_.size()));
    return parent_.back();
  }
  int64_t name(int64_t member) {
    int64_t& parent = parent_[static_cast<size_t>(member)];
    return parent == member ? member : parent = name(parent);
  }
  void join(int64_t a, int64_t b) {
    const int64_t first = name(a), second = name(b);
    parent_[static_cast<size_t>(std::max(first, second))] = std::min(first, second);
  }

 private:
  std::vector<int64_t> parent_;
};

// A task that has come so far, with what the rules among all need to know of it.
struct Candidate {
  SelectedTask task;
  std::string group;        // of the balance
  bool attacked = false;    // an attack was tried
  int64_t split_group = 0;
};

class Planner {
 public:
  Planner(Store& store, const SelectionRules& rules, const SelectionNeeds& needs)
      : store_(store), rules_(rules), needs_(needs), held_out_(static_cast<size_t>(rules.gram_words)), alike_(rules.near_threshold) {}

  Result<SelectionPlan> run() {
    for (const std::string& file : rules_.held_out) ASSAY_TRY(held_out_.add_file(file));
    plan_.held_out_texts = held_out_.texts();
    plan_.held_out_too_short = held_out_.too_short();
    ASSAY_ASSIGN(const std::vector<TaskRow> rows, store_.tasks({}));
    ASSAY_TRY(read_rollouts());
    for (const TaskRow& row : rows) {
      ++plan_.funnel.tasks.seen;
      Candidate candidate{.task = {.id = row.id}};
      ASSAY_ASSIGN(const std::optional<Loss> loss, look_at(row, candidate));
      if (loss) lose(*loss, row.id);
      else candidates_.push_back(std::move(candidate));
    }
    for (const auto& [task, left] : rollouts_) lose_rollouts(Loss::kTaskLost, static_cast<int64_t>(left.size()));   // of tasks that are not in the store
    balance();
    if (rules_.limit >= 0)
      while (candidates_.size() > static_cast<size_t>(rules_.limit)) drop_last();
    split();
    return std::move(plan_);
  }

 private:
  using Rollouts = std::vector<RolloutRow>;

  // The rows of each task, in the order of the store.
  Status read_rollouts() {
    if (!needs_.rollouts) return {};
    ASSAY_ASSIGN(Rollouts rows, store_.rollouts({}));
    plan_.funnel.rollouts.seen = static_cast<int64_t>(rows.size());
    for (RolloutRow& row : rows) rollouts_[row.task].push_back(std::move(row));
    return {};
  }

  void lose_rollouts(Loss loss, int64_t count = 1) {
    if (count > 0) plan_.funnel.rollouts.lost[loss] += count;
  }
  void lose(Loss loss, const std::string& task) {
    ++plan_.funnel.tasks.lost[loss];
    const auto found = rollouts_.find(task);
    if (found == rollouts_.end()) return;
    lose_rollouts(Loss::kTaskLost, static_cast<int64_t>(found->second.size()));
    rollouts_.erase(found);
  }

  Result<std::optional<Loss>> look_at(const TaskRow& row, Candidate& candidate) {
    if (!among(row.domain, rules_.domains) || !among(row.preset, rules_.presets) || !among(row.archetype, rules_.archetypes) ||
        !among(row.difficulty, rules_.difficulties))
      return std::optional(Loss::kRule);
    if (row.certificate.empty()) return std::optional(Loss::kUncertified);
    if (!row.sound) return std::optional(Loss::kUnsound);
    ASSAY_ASSIGN(const Task task, store_.task(row.id));
    ASSAY_ASSIGN(const Certificate certificate, store_.certificate(row.id));
    if (const std::optional<Loss> loss = of_task(task, certificate, candidate)) return loss;
    ASSAY_ASSIGN(std::optional<Loss> loss, of_observations(task, candidate));
    if (loss) return loss;
    if (const auto match = contamination_of(task)) {
      plan_.contaminations.push_back({task.id, "", match->where, match->words});
      return std::optional(Loss::kContaminated);
    }
    if (needs_.rollouts) {
      ASSAY_TRY(choose_rollouts(task, candidate));
      if (candidate.task.rollouts.empty()) return std::optional(Loss::kNoRollout);
    }
    return among_earlier(task, candidate);
  }

  std::optional<Loss> of_task(const Task& task, const Certificate& certificate, Candidate& candidate) const {
    // The row of the listing says so too; what is exported rests on the certificate itself.
    if (!certificate.sound || certificate.task != task.id) return Loss::kUnsound;
    const std::vector<std::string>& variants = task.provenance.variants;
    const bool wanted = rules_.variants.empty() || (variants.empty() && among<std::string>("none", rules_.variants)) ||
                        std::any_of(variants.begin(), variants.end(), [&](const std::string& variant) { return among(variant, rules_.variants); });
    const std::string specialist = needs_.specialist ? needs_.specialist(task, certificate) : "";
    if (!wanted || !among(specialist, rules_.specialists)) return Loss::kRule;
    if (certificate.chance_rate() > rules_.chance_at_most) return Loss::kChance;
    if (rules_.unique_only && !(certificate.solutions_exact && certificate.solutions == 1)) return Loss::kSolutions;
    if (needs_.takes && !needs_.takes(task)) return Loss::kFormat;
    const Json& origin = task.provenance.origin;
    if (!rules_.commit_statements && origin.is_object() && origin.value("statement_from", "") == "commit") return Loss::kStatement;
    if (rules_.balance)
      for (const std::string& key : rules_.balance->by)
        candidate.group += (key == "domain" ? task.provenance.domain : key == "archetype" ? task.archetype : key == "difficulty" ? std::to_string(task.difficulty) : specialist) + '\n';
    return std::nullopt;
  }

  Result<std::optional<Loss>> of_observations(const Task& task, Candidate& candidate) {
    ASSAY_ASSIGN(const Json observations, store_.observations(task.id));
    const std::string where = "task " + task.id;
    ASSAY_ASSIGN(const AttackReport attacks, newest_attack_report(observations, where));
    if (attacks.total().hits > 0) return std::optional(Loss::kAttacked);
    candidate.attacked = !attacks.catalogue.empty();
    if (!rules_.kept_by.empty()) {
      ASSAY_ASSIGN(const std::optional<PassRate> rate, newest_pass_rate(observations, rules_.kept_by, where));
      if (!rate) return std::optional(Loss::kNotMeasured);
      if (!rate->kept) return std::optional(Loss::kPassRate);
    }
    if (rules_.pass_rate) {
      ASSAY_ASSIGN(const std::optional<PassRate> rate, newest_pass_rate(observations, rules_.pass_rate->policy, where));
      if (!rate) return std::optional(Loss::kNotMeasured);
      const double passed = static_cast<double>(rate->passed) / static_cast<double>(rate->attempts);
      if (passed < rules_.pass_rate->low || passed > rules_.pass_rate->high) return std::optional(Loss::kPassRate);
    }
    return std::optional<Loss>();
  }

  std::optional<HeldOut::Match> contamination_of(const Task& task) const {
    if (held_out_.texts() == 0) return std::nullopt;
    for (const std::string* text : {&task.prompt, &task.system, &task.gold})
      if (auto match = held_out_.find(*text)) return match;
    return std::nullopt;
  }

  // ---- Rollouts of one task ----

  struct Choice {
    std::string id;
    size_t place = 0;      // among the task's, in the order of the store
    int64_t bytes = 0;
    uint64_t lot = 0;
  };

  Status choose_rollouts(const Task& task, Candidate& candidate) {
    const auto found = rollouts_.find(task.id);
    if (found == rollouts_.end()) return {};
    std::vector<Choice> choices;
    std::unordered_set<std::string> said;
    for (const RolloutRow& row : found->second) {
      Choice choice{row.id, choices.size(), 0, lot(rules_.seed, row.id)};
      std::optional<Loss> loss = of_row(row);
      if (!loss && !rules_.disputed) {
        ASSAY_ASSIGN(const Json observations, store_.observations(row.id));
        ASSAY_ASSIGN(const bool disputed, is_disputed(observations, row.passed, "rollout " + row.id));
        if (disputed) loss = Loss::kDisputed;
      }
      if (!loss && reads_rollouts()) {
        ASSAY_ASSIGN(loss, of_record(row, said, choice));
      }
      if (loss) lose_rollouts(*loss);
      else choices.push_back(std::move(choice));
    }
    rollouts_.erase(found);
    if (static_cast<int64_t>(choices.size()) > rules_.most_per_task) keep_preferred(choices);
    for (Choice& choice : choices) candidate.task.rollouts.push_back(std::move(choice.id));
    return {};
  }

  std::optional<Loss> of_row(const RolloutRow& row) const {
    if (!among(row.policy, rules_.policies)) return Loss::kRule;
    const RolloutOutcome outcome = outcome_of(row);
    if (!has_verdict(outcome)) return Loss::kNoVerdict;
    if (!among(outcome, rules_.outcomes)) return Loss::kOutcome;
    return std::nullopt;
  }

  bool reads_rollouts() const {
    return !rules_.failures.empty() || rules_.messages.low > 0 || rules_.messages.high < INT64_MAX || bounds_tokens() || rules_.reasoning == Reasoning::kThinking ||
           held_out_.texts() > 0 || rules_.duplicates != Duplicates::kKeep || (rules_.preference == Preference::kShortest && rules_.most_per_task < INT64_MAX);
  }
  bool bounds_tokens() const { return rules_.tokens.low > 0 || rules_.tokens.high < INT64_MAX; }

  Result<std::optional<Loss>> of_record(const RolloutRow& row, std::unordered_set<std::string>& said, Choice& choice) {
    ASSAY_ASSIGN(const Rollout rollout, store_.rollout(row.id));
    if (!rules_.failures.empty() && !row.passed && !failed_so(rollout, rules_.failures)) return std::optional(Loss::kFailure);
    if (!rules_.messages.holds(static_cast<int64_t>(rollout.messages.size()))) return std::optional(Loss::kMessages);
    if (bounds_tokens() && rollout.usage.completion_tokens == 0) return std::optional(Loss::kTokensUnknown);
    if (!rules_.tokens.holds(rollout.usage.completion_tokens)) return std::optional(Loss::kTokens);
    if (rules_.reasoning == Reasoning::kThinking && !has_reasoning(rollout)) return std::optional(Loss::kReasoning);
    for (const Message& message : rollout.messages)
      for (const std::string* text : {&message.text, &message.reasoning}) {
        if (held_out_.texts() == 0 || text->empty()) continue;
        const auto match = held_out_.find(*text);
        if (!match) continue;
        plan_.contaminations.push_back({row.task, row.id, match->where, match->words});
        return std::optional(Loss::kContaminatedRollout);
      }
    if (rules_.duplicates != Duplicates::kKeep && !said.insert(said_digest(rollout)).second) return std::optional(Loss::kRepeated);
    choice.bytes = said_bytes(rollout);
    return std::optional<Loss>();
  }

  void keep_preferred(std::vector<Choice>& choices) {
    const auto kept = static_cast<size_t>(rules_.most_per_task);
    lose_rollouts(Loss::kEnough, static_cast<int64_t>(choices.size() - kept));
    std::sort(choices.begin(), choices.end(), [&](const Choice& a, const Choice& b) {
      if (rules_.preference == Preference::kShortest) return std::tie(a.bytes, a.id) < std::tie(b.bytes, b.id);
      if (rules_.preference == Preference::kRandom) return std::tie(a.lot, a.id) < std::tie(b.lot, b.id);
      return a.place < b.place;
    });
    choices.resize(kept);
    std::sort(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) { return a.place < b.place; });
  }

  // ---- Among all ----

  // The loss, if an earlier task says the same; else what later tasks must know of this one.
  std::optional<Loss> among_earlier(const Task& task, Candidate& candidate) {
    const std::string words = sha256_hex(WordText(task.prompt).joined());
    const auto same = prompts_.find(words);
    if (same != prompts_.end() && rules_.duplicates != Duplicates::kKeep) return take_back(Loss::kDuplicate, candidate);
    std::vector<int64_t> alike;
    const bool compares = rules_.duplicates == Duplicates::kNear || rules_.split_unit == SplitUnit::kSimilar;
    if (compares && same == prompts_.end()) {
      alike = alike_.find(task.prompt);
      if (!alike.empty() && rules_.duplicates == Duplicates::kNear) return take_back(Loss::kNearDuplicate, candidate);
      (void)alike_.add(task.prompt);
    }
    // Groups and texts of alike_ are numbered alike: one for each prompt that is not the same as an earlier one.
    candidate.split_group = same != prompts_.end() ? same->second : groups_.add();
    prompts_.emplace(words, candidate.split_group);
    for (const int64_t other : alike) groups_.join(candidate.split_group, other);
    return std::nullopt;
  }

  std::optional<Loss> take_back(Loss loss, const Candidate& candidate) {
    lose_rollouts(Loss::kTaskLost, static_cast<int64_t>(candidate.task.rollouts.size()));
    return loss;
  }

  void balance() {
    if (!rules_.balance) return;
    std::map<std::string, std::vector<std::pair<uint64_t, size_t>>> groups;
    for (size_t i = 0; i < candidates_.size(); ++i) groups[candidates_[i].group].emplace_back(lot(rules_.seed, candidates_[i].task.id), i);
    std::vector<bool> keep(candidates_.size(), false);
    for (auto& [group, members] : groups) {
      std::sort(members.begin(), members.end());
      for (size_t i = 0; i < members.size() && static_cast<int64_t>(i) < rules_.balance->most; ++i) keep[members[i].second] = true;
    }
    std::vector<Candidate> kept;
    for (size_t i = 0; i < candidates_.size(); ++i) {
      if (keep[i]) kept.push_back(std::move(candidates_[i]));
      else lose_candidate(Loss::kBalance, candidates_[i]);
    }
    candidates_ = std::move(kept);
  }

  void lose_candidate(Loss loss, const Candidate& candidate) {
    ++plan_.funnel.tasks.lost[loss];
    lose_rollouts(Loss::kTaskLost, static_cast<int64_t>(candidate.task.rollouts.size()));
  }
  void drop_last() {
    lose_candidate(Loss::kLimit, candidates_.back());
    candidates_.pop_back();
  }

  // A group's split is that of the least id in it.
  void split() {
    std::unordered_map<int64_t, std::string> least;
    for (const Candidate& candidate : candidates_) {
      std::string& id = least[groups_.name(candidate.split_group)];
      if (id.empty() || candidate.task.id < id) id = candidate.task.id;
    }
    for (Candidate& candidate : candidates_) {
      candidate.task.split = split_of(least[groups_.name(candidate.split_group)], rules_.train_percent, rules_.validation_percent);
      plan_.never_attacked += !candidate.attacked;
      plan_.tasks.push_back(std::move(candidate.task));
    }
  }

  Store& store_;
  const SelectionRules& rules_;
  const SelectionNeeds& needs_;
  HeldOut held_out_;
  NearDuplicates alike_;
  Partition groups_;
  std::unordered_map<std::string, int64_t> prompts_;   // digest of a prompt's words -> split group
  std::unordered_map<std::string, Rollouts> rollouts_; // of tasks not looked at yet
  std::vector<Candidate> candidates_;
  SelectionPlan plan_;
};

}  // namespace

Result<SelectionPlan> plan_selection(Store& store, const SelectionRules& rules, const SelectionNeeds& needs) {
  ASSAY_TRY(check_rules(rules));
  return Planner(store, rules, needs).run();
}

std::string split_of(const std::string& name, int train_percent, int validation_percent) {
  const std::string digits = sha256_hex(name).substr(0, 8);
  uint32_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  const int place = static_cast<int>(number % 100);
  if (place < train_percent) return "train";
  return place < train_percent + validation_percent ? "validation" : "test";
}

Rollout without_reasoning(Rollout rollout) {
  for (Message& message : rollout.messages) message.reasoning.clear();
  rollout.turns.clear();
  return rollout;
}

}  // namespace assay
