#include "datasets/card.h"

#include <algorithm>
#include <cstdio>

#include "datasets/measured.h"
#include "datasets/templates.h"
#include "envs/base/version.h"

namespace assay {
namespace {

// Names come from users' files and endpoints: one line, no markup.
std::string plain(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
    if (std::string_view("|`<>[]*\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string percent(double fraction) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g%%", 100 * fraction);
  return text;
}

std::string list_of(const std::set<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : "; ") + plain(name);
  return list;
}

// The size categories of dataset hubs.
std::string size_category(int64_t rows) {
  const std::pair<int64_t, const char*> bounds[] = {
      {1'000, "n<1K"}, {10'000, "1K<n<10K"}, {100'000, "10K<n<100K"}, {1'000'000, "100K<n<1M"}, {10'000'000, "1M<n<10M"}};
  for (const auto& [bound, name] : bounds)
    if (rows < bound) return name;
  return "10M<n<100M";
}

// What the rows could not hold, and what the store could not give.
std::string dropped_lines(const ExportReport& report) {
  std::string lines;
  for (const auto& [content, rows] : report.dropped) lines += std::string("- ") + content_name(content) + ": in " + std::to_string(rows) + " rows\n";
  if (!lines.empty()) lines = "\nThe store holds more of these rollouts, for which this format has no place:\n\n" + lines;
  if (report.not_held) lines += "\nLeft out because this format cannot hold them: " + std::to_string(report.not_held) + " rollouts.\n";
  if (report.without_tokens) lines += "\nOf " + std::to_string(report.without_tokens) + " rollouts no tokens were recorded: their rows are without the columns that carry them.\n";
  return lines;
}

std::string shell_quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// Replaces every @NAME@ once, left to right, so that what a blank is filled with is never read as another blank.
std::string filled(std::string_view text, const std::map<std::string, std::string>& blanks) {
  std::string out;
  while (!text.empty()) {
    const size_t open = text.find('@');
    const size_t close = open == std::string_view::npos ? open : text.find('@', open + 1);
    if (close == std::string_view::npos) break;
    const auto blank = blanks.find(std::string(text.substr(open + 1, close - open - 1)));
    out += text.substr(0, open);
    if (blank == blanks.end()) {
      out += '@';
      text.remove_prefix(open + 1);
      continue;
    }
    out += blank->second;
    text.remove_prefix(close + 1);
  }
  return out += text;
}

std::string_view card_template() {
  for (const EmbeddedTemplate& file : embedded_templates())
    if (file.name == "card.md") return file.text;
  ASSAY_ASSERT(!"card.md is embedded");
}

std::string split_groups(const SelectionRules& rules) {
  const std::string same = "those with the same words in their prompts";
  if (rules.split_unit == SplitUnit::kPrompt) return same;
  char text[160];
  std::snprintf(text, sizeof text, ", those that are nearly the same (Jaccard's coefficient of runs of five words at least %.3g), and what these are nearly the same as", rules.near_threshold);
  return same + text;
}

std::string funnel_table(const SelectionFunnel& funnel) {
  std::string table;
  const auto add = [&](const SelectionFunnel::Stage& stage, const std::string& noun) {
    if (stage.seen == 0) return;
    const auto line = [&](int64_t count, const std::string& what) { table += "| " + noun + " | " + std::to_string(count) + " | " + what + " |\n"; };
    line(stage.seen, "in the store");
    for (const auto& [loss, count] : stage.lost) line(count, std::string("left out: ") + loss_words(loss));
    line(stage.left(), "in this dataset");
  };
  add(funnel.tasks, "tasks");
  add(funnel.rollouts, "rollouts");
  return table;
}

}  // namespace

void Card::add(const ExportItem& item) {
  Level& level = levels_[item.task.difficulty];
  ++level.rows;
  if (item.rollout) {
    PolicyCount& count = policies_[item.rollout->policy];
    ++count.rows;
    ++count.outcomes[outcome_of(*item.rollout)];
  }
  if (item.task.id == last_task_) return;
  last_task_ = item.task.id;
  const Certificate& certificate = item.certificate;
  ++tasks_;
  ++level.tasks;
  if (const auto chance = measured(certificate).chance_rate) {
    ++level.chances;
    level.chance_sum += *chance;
    level.chance_high = std::max(level.chance_high, *chance);
  }
  unique_ += certificate.solutions_exact && certificate.solutions == 1;
  for (const MutantClaim& mutant : certificate.mutants) {
    const bool killed = mutant.outcome == "killed", survived = mutant.outcome == "survived";
    mutants_ += killed || survived;
    killed_ += killed;
    survived_ += survived;
  }
  versions_.insert(certificate.versions);
  domains_.insert(item.task.provenance.domain);
}

std::string Card::mean_chance(const Level& level) { return level.chances ? percent(level.chance_sum / static_cast<double>(level.chances)) : "–"; }
std::string Card::highest_chance(const Level& level) { return level.chances ? percent(level.chance_high) : "–"; }

std::string Card::difficulty_lines() const {
  std::string lines;
  for (const auto& [difficulty, level] : levels_)
    lines += "| " + std::to_string(difficulty) + " | " + std::to_string(level.tasks) + " | " + std::to_string(level.rows) + " | " +
             mean_chance(level) + " | " + highest_chance(level) + " |\n";
  return lines;
}

std::string Card::policy_table() const {
  if (policies_.empty()) return "";
  std::string table = "\n| policy | rows | passed | failed | timed out |\n|---|---|---|---|---|\n";
  for (const auto& [policy, count] : policies_) {
    table += "| " + plain(policy) + " | " + std::to_string(count.rows) + " | ";
    for (const RolloutOutcome outcome : {RolloutOutcome::kPassed, RolloutOutcome::kFailed, RolloutOutcome::kTimedOut}) {
      const auto found = count.outcomes.find(outcome);
      table += std::to_string(found == count.outcomes.end() ? 0 : found->second) + " |" + (outcome == RolloutOutcome::kTimedOut ? "\n" : " ");
    }
  }
  return table;
}

std::string Card::text(const Format& format, const ExportOptions& options, const ExportReport& report, const RowFiles& files,
                       const std::string& store) const {
  const SelectionRules& rules = options.select;
  int64_t rows = 0;
  std::string data_files, splits;
  for (const std::string split : {"train", "validation", "test"}) {
    const auto count = report.rows.find(split);
    if (count == report.rows.end()) continue;
    rows += count->second;
    data_files += "  - split: " + split + "\n    path: " + files.at(split) + "\n";
    splits += "| " + split + " | " + std::to_string(count->second) + " |\n";
  }
  Level all;
  for (const auto& [difficulty, level] : levels_) {
    all.chances += level.chances;
    all.chance_sum += level.chance_sum;
    all.chance_high = std::max(all.chance_high, level.chance_high);
  }
  return filled(card_template(), {
      {"SIZE", size_category(rows)},
      {"DATA_FILES", data_files},
      {"TITLE", "Certified tasks: " + list_of(domains_)},
      {"ROWS", std::to_string(rows)},
      {"FORMAT", format.name},
      {"SUMMARY", format.summary},
      {"USAGE", format.usage},
      {"DROPPED", dropped_lines(report)},
      {"SPLITS", splits},
      {"TRAIN", std::to_string(rules.train_percent)},
      {"VALIDATION_END", std::to_string(rules.train_percent + rules.validation_percent)},
      {"SPLIT_GROUPS", split_groups(rules)},
      {"FUNNEL", funnel_table(report.plan.funnel)},
      {"DIFFICULTIES", difficulty_lines()},
      {"POLICIES", policy_table()},
      {"TASKS", std::to_string(tasks_)},
      {"MUTANTS", std::to_string(mutants_)},
      {"KILLED", std::to_string(killed_)},
      {"SURVIVED", std::to_string(survived_)},
      {"CHANCE_MEAN", mean_chance(all)},
      {"CHANCE_HIGH", highest_chance(all)},
      {"UNIQUE", std::to_string(unique_)},
      {"VERSIONS", list_of(versions_)},
      {"STORE_SHELL", shell_quoted(store)},
      {"VERSION", build_info().version},
  });
}

}  // namespace assay
