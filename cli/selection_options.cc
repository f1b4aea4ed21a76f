#include "cli/selection_options.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <map>

#include "cli/selection.h"
#include "cli/specialist.h"
#include "cli/text.h"

namespace assay {
namespace {

constexpr size_t kShown = 20;   // contaminations

template <typename T>
bool parse(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// "LOW:HIGH" into two numbers, of which a missing one stays what it is.
template <typename T>
bool parse_range(std::string_view text, T& low, T& high) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view first = text.substr(0, colon), last = text.substr(colon + 1);
  return (first.empty() || parse(first, low)) && (last.empty() || parse(last, high)) && low <= high;
}

template <typename T>
Result<T> choice(const std::string& name, const std::map<std::string, T>& choices, const std::string& option) {
  const auto found = choices.find(name);
  if (found != choices.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [each, value] : choices) known.push_back(each);
  return unknown_name("choice", name, known, option);
}

// "random=0.1:0.9"; a policy's name may hold colons, and so stands before the last equals sign.
Result<PassBand> band_from_text(const std::string& text) {
  const size_t equals = text.rfind('=');
  PassBand band;
  if (equals == std::string::npos || equals == 0 || !parse_range(std::string_view(text).substr(equals + 1), band.low, band.high) || band.low < 0 || band.high > 1)
    return input_error("'" + text + "' is no policy with a range from 0 to 1", "--pass-rate", "--pass-rate random=0.1:0.9");
  band.policy = text.substr(0, equals);
  return band;
}

// "domain,difficulty=50".
Result<Balance> balance_from_text(const std::string& text) {
  const size_t equals = text.find('=');
  Balance balance;
  if (equals == std::string::npos || equals == 0 || !parse(std::string_view(text).substr(equals + 1), balance.most))
    return input_error("'" + text + "' is no group with a number", "--balance", "--balance domain,difficulty=50");
  for (size_t at = 0; at < equals;) {
    const size_t end = std::min(text.find(',', at), equals);
    balance.by.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return balance;
}

}  // namespace

Result<IntegerRange> range_from_text(const std::string& text, const std::string& option) {
  IntegerRange range;
  if (!text.empty() && !parse_range(text, range.low, range.high)) return input_error("'" + text + "' is no range", option, option + " 10:200, 10: or :200");
  return range;
}

void SelectionOptions::declare(CLI::App& app) {
  const auto list = [&](const char* name, std::vector<std::string>& into, const char* help) { return app.add_option(name, into, help)->delimiter(',')->allow_extra_args(false); };
  std::string known;
  for (const auto& [name, what] : specialists()) known += (known.empty() ? "" : ", ") + name;
  const char* tasks = "Which tasks";
  list("--domain", rules_.domains, "Only tasks of these domains")->group(tasks);
  list("--preset", rules_.presets, "Only tasks of these presets")->group(tasks);
  list("--archetype", rules_.archetypes, "Only tasks of these archetypes")->group(tasks);
  app.add_option("--specialist", rules_.specialists, "Only tasks for these specialists: " + known)->delimiter(',')->allow_extra_args(false)->group(tasks);
  list("--variant", rules_.variants, "Only tasks with one of these variants of the tools; none: without any")->group(tasks);
  declare_difficulties(app, rules_.difficulties, "Only tasks of these difficulties, as in 1,2,3");
  app.get_option("--difficulty")->group(tasks);
  app.add_option("--chance-at-most", rules_.chance_at_most, "Only tasks that a random chooser passes at most this often")->check(CLI::Range(0.0, 1.0))->group(tasks);
  app.add_flag("--one-solution", rules_.unique_only, "Only tasks certified to have one solution")->group(tasks);
  app.add_option("--kept-by", rules_.kept_by, "Only tasks that assay filter kept, by the policy it measured with")->group(tasks);
  app.add_option("--pass-rate", pass_rate_, "Only tasks that assay filter measured so, as in random=0.1:0.9")->group(tasks);
  app.add_flag("--commit-statements", rules_.commit_statements, "Tasks that know only a commit's message for a statement, too")->group(tasks);
  app.add_option("--balance", balance_, "At most so many tasks that agree in these, as in domain,difficulty=50 (domain, archetype, difficulty, specialist)")->group(tasks);

  const char* rollouts = "Which rollouts";
  list("--policy", rules_.policies, "Only rollouts of these policies")->group(rollouts);
  auto* passed = app.add_flag("--passed", passed_, "Only rollouts that passed (the default)")->group(rollouts);
  auto* all = app.add_flag("--all", all_, "All rollouts with a verdict")->excludes(passed)->group(rollouts);
  list("--outcome", outcomes_, "Only rollouts with these outcomes: passed, failed, timed_out")->excludes(passed)->excludes(all)->group(rollouts);
  app.add_flag("--disputed", rules_.disputed, "Those too of which another verifier says otherwise (assay verify --with)")->group(rollouts);
  list("--failure", rules_.failures, "Of those that did not pass, only these: how they ended or which check failed, as in limit:steps,all_different")->group(rollouts);
  app.add_option("--messages", messages_, "Only rollouts of so many messages, as in 4:40")->group(rollouts);
  app.add_option("--tokens", tokens_, "Only rollouts whose policy wrote so many tokens, as in 100:8000")->group(rollouts);
  app.add_option("--reasoning", reasoning_, "as-played; thinking: only rollouts with reasoning; non-thinking: without their reasoning")->group(rollouts);
  app.add_option("--per-task", most_per_task_, "At most so many rollouts a task")->check(CLI::PositiveNumber)->group(rollouts);
  app.add_option("--prefer", prefer_, "Which of a task's rollouts: stored (in the order of the store), shortest or random (by --seed)")->group(rollouts);

  const char* among_all = "Among all";
  app.add_option("--duplicates", duplicates_, "keep; exact: leave out repeated prompts and attempts; near: and prompts nearly the same")->group(among_all);
  app.add_option("--near", rules_.near_threshold, "What is nearly the same: Jaccard's coefficient of runs of five words")->check(CLI::Range(0.0, 1.0))->group(among_all);
  app.add_option("--decontaminate", rules_.held_out, "Leave out what shares a run of words with these held-out texts (JSON lines, or plain text)")->group(among_all);
  app.add_option("--gram", rules_.gram_words, "Words in such a run")->check(CLI::Range(4, 1000))->group(among_all);
  app.add_option("--train-percent", rules_.train_percent)->check(CLI::Range(0, 100))->group(among_all);
  app.add_option("--validation-percent", rules_.validation_percent, "The rest is test")->check(CLI::Range(0, 100))->group(among_all);
  app.add_option("--split-by", split_by_, "What stays in one split: prompt (tasks with the same prompt), similar (nearly the same, too)")->group(among_all);
}

Result<SelectionRules> SelectionOptions::rules(const Context& context) const {
  SelectionRules rules = rules_;
  if (all_) rules.outcomes.clear();
  if (!outcomes_.empty()) rules.outcomes.clear();
  for (const std::string& name : outcomes_) {
    ASSAY_ASSIGN(const RolloutOutcome outcome, outcome_named(name, "--outcome"));
    rules.outcomes.push_back(outcome);
  }
  // What failed in some way did not pass.
  if (!rules.failures.empty() && outcomes_.empty() && !all_) rules.outcomes = {RolloutOutcome::kFailed, RolloutOutcome::kTimedOut};
  std::vector<std::string> known;
  for (const auto& [name, what] : specialists()) known.push_back(name);
  for (const std::string& name : rules.specialists)
    if (std::find(known.begin(), known.end(), name) == known.end()) return unknown_name("specialist", name, known, "--specialist");
  if (!pass_rate_.empty()) {
    ASSAY_ASSIGN(rules.pass_rate, band_from_text(pass_rate_));
  }
  if (!balance_.empty()) {
    ASSAY_ASSIGN(rules.balance, balance_from_text(balance_));
  }
  ASSAY_ASSIGN(rules.messages, range_from_text(messages_, "--messages"));
  ASSAY_ASSIGN(rules.tokens, range_from_text(tokens_, "--tokens"));
  ASSAY_ASSIGN(rules.reasoning, choice<Reasoning>(reasoning_, {{"as-played", Reasoning::kAsPlayed}, {"thinking", Reasoning::kThinking}, {"non-thinking", Reasoning::kNonThinking}}, "--reasoning"));
  ASSAY_ASSIGN(rules.preference, choice<Preference>(prefer_, {{"stored", Preference::kStored}, {"shortest", Preference::kShortest}, {"random", Preference::kRandom}}, "--prefer"));
  ASSAY_ASSIGN(rules.duplicates, choice<Duplicates>(duplicates_, {{"keep", Duplicates::kKeep}, {"exact", Duplicates::kExact}, {"near", Duplicates::kNear}}, "--duplicates"));
  ASSAY_ASSIGN(rules.split_unit, choice<SplitUnit>(split_by_, {{"prompt", SplitUnit::kPrompt}, {"similar", SplitUnit::kSimilar}}, "--split-by"));
  if (most_per_task_ > 0) rules.most_per_task = most_per_task_;
  rules.limit = context.limit;
  rules.seed = context.seed;
  return rules;
}

void say_losses(const Context& context, const SelectionPlan& plan) {
  const std::string tasks = funnel_lines(plan.funnel.tasks, "task", "  "), rollouts = funnel_lines(plan.funnel.rollouts, "rollout", "  ");
  if (!tasks.empty() || !rollouts.empty()) context.say("left out:\n" + (tasks + rollouts).substr(0, (tasks + rollouts).size() - 1));
  for (size_t i = 0; i < plan.contaminations.size() && i < kShown; ++i) {
    const Contamination& c = plan.contaminations[i];
    context.say((c.rollout.empty() ? "  task " + short_id(c.task) : "  rollout " + short_id(c.rollout)) + " and " + printable(c.held_out) + ": \"" + printable(shortened(c.words, 200)) + "\"");
  }
  if (plan.contaminations.size() > kShown) context.say("  and " + count_text(static_cast<int64_t>(plan.contaminations.size() - kShown)) + " more (--json has all)");
  if (plan.held_out_too_short > 0)
    context.say(count_text(plan.held_out_too_short) + " held-out texts have fewer words than --gram and were passed over; " + count_text(plan.held_out_texts) + " were compared");
  if (plan.never_attacked > 0) context.say("never attacked: " + count_text(plan.never_attacked) + " tasks (" + context.command("attack") + ")");
}

OrderedJson selection_json(const SelectionPlan& plan) {
  OrderedJson contaminations = OrderedJson::array();
  for (const Contamination& c : plan.contaminations) contaminations.push_back({{"task", c.task}, {"rollout", c.rollout}, {"held_out", c.held_out}, {"words", c.words}});
  return {{"funnel", to_json(plan.funnel)}, {"contaminations", std::move(contaminations)}, {"held_out_texts", plan.held_out_texts},
          {"held_out_too_short", plan.held_out_too_short}, {"never_attacked", plan.never_attacked}};
}

}  // namespace assay
