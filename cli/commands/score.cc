// assay score: a trainer's log-probabilities beside what the engine recorded, and what of it would be trained on.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <numeric>

#include "cli/command.h"
#include "cli/lines.h"
#include "cli/text.h"
#include "datasets/rl/advantage.h"
#include "datasets/rl/kl.h"
#include "datasets/rl/language_consistency.h"
#include "datasets/rl/length_penalty.h"
#include "datasets/rl/off_policy_mask.h"
#include "datasets/rl/rollout_score.h"
#include "datasets/store.h"

namespace assay::commands::score {
namespace {

constexpr size_t kLineBytes = size_t{64} << 20;
constexpr size_t kShownGroups = 20;

struct Options {
  std::string file, advantage = "mean", language;
  double delta = 0;
  bool full = false;
  int64_t length_limit = 0, length_margin = 0;
};

// What becomes of a sequence, in the order of the table.
enum Fate : size_t { kTrained, kNoSignal, kOffPolicy, kUnscored, kFates };
constexpr const char* kFateNames[kFates] = {"trained", "no_signal", "off_policy", "unscored"};
constexpr const char* kFateReasons[kFates] = {"trained on", "dropped: all rewards of the group are equal", "masked: A < 0 and mean log(π_old / π) > δ",
                                              "left out: the rollout was not scored"};

struct Count {
  int64_t sequences = 0, tokens = 0;
};

struct Group {
  std::string task, policy;
  uint64_t seed = 0;
  std::vector<std::string> rollouts;  // that were scored
  std::vector<double> rewards, advantages;
  bool signal = false;
  int64_t unscored = 0;
  Count masked;
  OrderedJson joined = OrderedJson::array();

  double mean_reward() const {
    return rewards.empty() ? 0 : std::accumulate(rewards.begin(), rewards.end(), 0.0) / static_cast<double>(rewards.size());
  }
};

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.5g", value);
  return text;
}

class Scoring {
 public:
  Scoring(const Options& options, const AdvantageForm& form, std::optional<Language> language, Store& store)
      : options_(options), form_(form), language_(std::move(language)), store_(store), kl_(kl_estimators().size()) {}

  Status add(const TrainerTokens& trainer, const std::string& where) {
    auto found = store_.rollout(trainer.rollout);
    if (!found.ok()) return input_error(found.error().what + " in " + store_.path(), where, found.error().hint);
    Rollout rollout = std::move(found).value();
    const auto [first, is_new] = places_.emplace(rollout.id, where);
    if (!is_new) return input_error("rollout " + short_id(rollout.id) + " stands twice, first at " + first->second, where, "keep one of the lines");
    ASSAY_ASSIGN(rollout.turns, store_.turns(rollout.id));
    ASSAY_ASSIGN(const std::vector<SequenceScore> scores, score_sequences(rollout, trainer, options_.full ? TrainerVocabulary::kFull : TrainerVocabulary::kKept, where));
    ASSAY_ASSIGN(Group* const group, group_of(rollout));
    take(rollout, scores, *group);
    return {};
  }

  int report(const Context& context) const {
    context.say(count_text(static_cast<int64_t>(places_.size())) + " rollouts of " + count_text(static_cast<int64_t>(groups_.size())) + " groups; A = " + form_.formula + "; δ = " +
                number_text(options_.delta) + "; log-probabilities " + (options_.full ? "over the whole vocabulary" : "under the kept sets"));
    TextTable fates({"what becomes of it", "sequences", "tokens"});
    OrderedJson counts;
    for (size_t fate = 0; fate < kFates; ++fate) {
      fates.add({kFateReasons[fate], count_text(counts_[fate].sequences), count_text(counts_[fate].tokens)});
      counts[kFateNames[fate]] = {{"sequences", counts_[fate].sequences}, {"tokens", counts_[fate].tokens}};
    }
    context.say(fates.text("  "));
    const OrderedJson kl = report_kl(context);
    context.say("\n" + groups_text());
    context.result({{"file", options_.file}, {"advantage", form_.name}, {"delta", options_.delta}, {"vocabulary", options_.full ? "full" : "kept"},
                    {"counts", counts}, {"kl", kl}, {"groups", groups_json()}});
    return kDone;
  }

 private:
  Result<double> reward_of(const RolloutRow& row) {
    if (!language_ && options_.length_limit == 0) return row.reward;
    ASSAY_ASSIGN(const Rollout rollout, store_.rollout(row.id));
    double reward = row.reward;
    if (options_.length_limit > 0) reward += overlong_penalty(rollout.usage.completion_tokens, options_.length_limit, options_.length_margin);
    std::string written;
    for (const Message& message : rollout.messages)
      if (message.role == Role::kAssistant) written += message.reasoning + "\n" + message.text + "\n";
    return language_ ? reward + language_->consistency(written) : reward;
  }

  // All attempts count, also those that the trainer did not send.
  Result<Group*> group_of(const Rollout& rollout) {
    const auto [at, is_new] = groups_.try_emplace({rollout.task, rollout.policy, rollout.seed});
    Group& group = at->second;
    if (!is_new) return &group;
    group.task = rollout.task;
    group.policy = rollout.policy;
    group.seed = rollout.seed;
    RolloutFilter filter;
    filter.task = rollout.task;
    filter.policy = rollout.policy;
    filter.seed = rollout.seed;
    ASSAY_ASSIGN(const std::vector<RolloutRow> rows, store_.rollouts(filter));
    for (const RolloutRow& row : rows) {
      group.unscored += !row.scored;
      if (!row.scored) continue;
      ASSAY_ASSIGN(const double reward, reward_of(row));
      group.rollouts.push_back(row.id);
      group.rewards.push_back(reward);
    }
    group.advantages = form_.of(group.rewards);
    group.signal = has_signal(group.rewards);
    return &group;
  }

  void take(const Rollout& rollout, const std::vector<SequenceScore>& scores, Group& group) {
    const auto member = static_cast<size_t>(std::find(group.rollouts.begin(), group.rollouts.end(), rollout.id) - group.rollouts.begin());
    const bool scored = member < group.rollouts.size();
    OrderedJson json = {{"rollout", rollout.id}, {"reward", scored ? OrderedJson(group.rewards[member]) : OrderedJson()},
                        {"advantage", scored ? OrderedJson(group.advantages[member]) : OrderedJson()}, {"sequences", OrderedJson::array()}};
    for (const SequenceScore& score : scores) {
      const Fate fate = !scored ? kUnscored : !group.signal ? kNoSignal
                        : is_off_policy(group.advantages[member], score.mean_log_ratio, options_.delta) ? kOffPolicy : kTrained;
      counts_[fate].sequences += 1;
      counts_[fate].tokens += score.tokens;
      if (fate == kOffPolicy) ++group.masked.sequences, group.masked.tokens += score.tokens;
      if (!score.kl.empty()) kl_tokens_ += score.tokens;
      for (size_t i = 0; i < score.kl.size(); ++i) kl_[i] += score.kl[i];
      json["sequences"].push_back({{"first_turn", score.first_turn}, {"last_turn", score.last_turn}, {"tokens", score.tokens},
                                   {"mean_log_ratio", score.mean_log_ratio}, {"fate", kFateNames[fate]}});
    }
    group.joined.push_back(std::move(json));
  }

  OrderedJson report_kl(const Context& context) const {
    OrderedJson json = {{"tokens", kl_tokens_}};
    if (kl_tokens_ == 0) return json;
    TextTable table({"KL(π || π_ref)", "mean a token", "of"});
    for (size_t i = 0; i < kl_.size(); ++i) {
      const KlEstimator& estimator = kl_estimators()[i];
      const double mean = kl_[i] / static_cast<double>(kl_tokens_);
      table.add({estimator.name, number_text(mean), estimator.formula});
      json[estimator.name] = mean;
    }
    context.say("\n" + table.text("  ") + "\n  over " + count_text(kl_tokens_) + " tokens, masked ones too; r = π_ref / π");
    return json;
  }

  std::string groups_text() const {
    TextTable table({"task", "policy", "attempts", "not scored", "mean reward", "group", "masked sequences"});
    size_t shown = 0;
    for (const auto& [key, group] : groups_) {
      if (++shown > kShownGroups) break;
      table.add({short_id(group.task), printable(shortened(group.policy, 40)), count_text(static_cast<int64_t>(group.rewards.size())), count_text(group.unscored),
                 number_text(group.mean_reward()), group.signal ? "kept" : "dropped", count_text(group.masked.sequences)});
    }
    const size_t more = groups_.size() - std::min(groups_.size(), kShownGroups);
    return table.text("  ") + (more > 0 ? "\n  and " + count_text(static_cast<int64_t>(more)) + " more groups; --json prints all" : "");
  }

  OrderedJson groups_json() const {
    OrderedJson groups = OrderedJson::array();
    for (const auto& [key, group] : groups_)
      groups.push_back({{"task", group.task}, {"policy", group.policy}, {"seed", group.seed}, {"attempts", group.rewards.size()}, {"unscored", group.unscored},
                        {"mean_reward", group.mean_reward()}, {"signal", group.signal}, {"rollouts", group.joined}});
    return groups;
  }

  const Options& options_;
  const AdvantageForm& form_;
  const std::optional<Language> language_;
  Store& store_;
  std::map<std::string, std::string> places_;  // of rollouts in the file
  std::map<std::tuple<std::string, std::string, uint64_t>, Group> groups_;
  Count counts_[kFates];
  std::vector<double> kl_;
  int64_t kl_tokens_ = 0;
};

Status read_lines(const Options& options, Scoring& scoring, const Context& context) {
  ASSAY_ASSIGN(const auto file, open_lines(options.file));
  LineReader lines(file.get(), kLineBytes, context.cancelled);
  int64_t read = 0;
  for (std::string line;;) {
    const LineReader::Outcome outcome = lines.next(line);
    const std::string where = options.file + ":" + std::to_string(lines.number());
    if (context.stopped()) return input_error("interrupted", where);
    if (outcome == LineReader::Outcome::kFailed) return input_error(std::strerror(errno), options.file);
    if (outcome == LineReader::Outcome::kTooLong) return make_error(Boundary::kLimit, "longer than " + bytes_text(kLineBytes), where);
    if (outcome == LineReader::Outcome::kEnd) break;
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    ASSAY_ASSIGN(const Json json, parse_json(line, where));
    ASSAY_ASSIGN(const TrainerTokens trainer, trainer_tokens_from_json(json, where));
    ASSAY_TRY(scoring.add(trainer, where));
    ++read;
  }
  if (read == 0) return input_error("no line", options.file, R"(lines of {"rollout": ID, "tokens": […], "log_probabilities": […]})");
  return {};
}

Result<int> run(const Options& options, const Context& context) {
  ASSAY_ASSIGN(const AdvantageForm* const form, advantage_form(options.advantage));
  if (options.length_margin > options.length_limit)
    return input_error("the margin is longer than the limit", "--length-margin", "from --length-limit less --length-margin on, the penalty grows");
  std::optional<Language> language;
  if (!options.language.empty()) {
    ASSAY_ASSIGN(language, Language::named(options.language));
  }
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kMustExist, system_clock()));
  Scoring scoring(options, *form, std::move(language), *store);
  ASSAY_TRY(read_lines(options, scoring, context));
  return scoring.report(context);
}

}  // namespace

Command make() {
  return {"score", "Join a trainer's log-probabilities, and say what would be masked and why", 65, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            app.add_option("--logprobs", options->file,
                           "JSON lines, or - : {\"rollout\": ID, \"tokens\": [sampled ids, turn after turn], \"log_probabilities\": [natural, of each], "
                           "\"reference_log_probabilities\": [the same of the reference policy; optional]}")->required();
            app.add_option("--delta", options->delta, "Mask failed sequences whose mean log(π_old / π) is above this")->required();
            std::string names;
            for (const AdvantageForm& form : advantage_forms()) names += (names.empty() ? "" : "; ") + std::string(form.name) + ": " + form.formula + " (" + form.source + ")";
            app.add_option("--advantage", options->advantage, "Of each group. " + names);
            app.add_flag("--full", options->full, "The log-probabilities are over the whole vocabulary, not under the kept sets");
            app.add_option("--length-limit", options->length_limit, "Sampled tokens from which on a reward loses 1 (arXiv 2503.14476)")->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
            app.add_option("--length-margin", options->length_margin, "… and how many tokens before it the loss begins")->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
            app.add_option("--language", options->language, "Add to each reward the share of words in this language, told by its script (arXiv 2501.12948)");
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::score
