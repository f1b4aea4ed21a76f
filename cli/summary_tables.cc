#include "cli/summary_tables.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "cli/text.h"

namespace assay {
namespace {

std::string whole(double value) { return count_text(std::llround(value)); }
std::string range_of(const Range& range, std::string (*text)(double)) {
  return range.count == 0 ? "-" : range_text(text(range.low), text(range.high));
}
std::string percent(double value) { return percent_text(value); }

OrderedJson range_json(const Range& range) {
  return range.count == 0 ? OrderedJson() : OrderedJson::array({range.low, range.high});
}

PolicySummary sum(const std::vector<PolicySummary>& summaries, const std::string& policy) {
  PolicySummary total;
  double calls = 0;
  for (const PolicySummary& s : summaries) {
    if (s.policy != policy) continue;
    total.rollouts += s.rollouts;
    total.scored += s.scored;
    total.passed += s.passed;
    total.failed += s.failed;
    calls += s.mean_calls * static_cast<double>(s.rollouts);
  }
  total.mean_calls = total.rollouts ? calls / static_cast<double>(total.rollouts) : 0;
  return total;
}

std::string one_digit(double value) {
  std::string text = std::to_string(std::llround(value * 10));
  if (text.size() < 2) text.insert(0, "0");
  return text.insert(text.size() - 1, ".");
}

}  // namespace

void Range::add(double value) {
  low = count ? std::min(low, value) : value;
  high = count ? std::max(high, value) : value;
  ++count;
}

void TaskGroup::add(const TaskRow& row) {
  ++tasks;
  sound += row.sound;
  const Measured known = measured(row);
  if (known.chance_rate) chance_rate.add(*known.chance_rate);
  if (!known.calls_high) return;
  calls_low.add(static_cast<double>(*known.calls_low));
  calls_high.add(static_cast<double>(*known.calls_high));
}

std::string difficulty_text(int difficulty) { return difficulty == 0 ? "-" : std::to_string(difficulty); }

std::string chance_text(const Measured& measured) { return measured.chance_rate ? percent_text(*measured.chance_rate) : "-"; }

std::string calls_text(const Measured& measured) { return measured.calls_high ? range_text(count_text(*measured.calls_low), count_text(*measured.calls_high)) : "-"; }

std::string tasks_table(const TaskGroups& groups, const std::string& indent) {
  const bool with_solutions =
      std::any_of(groups.begin(), groups.end(), [](const auto& item) { return item.second.solutions.count > 0; });
  std::vector<std::string> headers = {"preset", "difficulty", "tasks", "certified", "chance rate", "calls needed", "calls of the gold"};
  if (with_solutions) headers.push_back("solutions");
  TextTable table(headers);
  for (const auto& [key, group] : groups) {
    std::vector<std::string> cells = {key.first, difficulty_text(key.second), count_text(group.tasks), count_text(group.sound),
                                      range_of(group.chance_rate, percent), range_of(group.calls_low, whole),
                                      range_of(group.calls_high, whole)};
    if (with_solutions) cells.push_back(range_of(group.solutions, whole) + (group.solutions_exact ? "" : "+"));
    table.add(std::move(cells));
  }
  return table.text(indent);
}

OrderedJson tasks_json(const TaskGroups& groups) {
  OrderedJson rows = OrderedJson::array();
  for (const auto& [key, group] : groups) {
    OrderedJson row{{"preset", key.first}, {"difficulty", key.second}, {"tasks", group.tasks}, {"sound", group.sound},
                    {"chance_rate", range_json(group.chance_rate)}, {"calls_low", range_json(group.calls_low)},
                    {"calls_high", range_json(group.calls_high)}};
    if (group.solutions.count) {
      row["solutions"] = range_json(group.solutions);
      row["solutions_exact"] = group.solutions_exact;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string pass_table(const std::vector<PolicySummary>& summaries, const std::string& indent) {
  std::set<int> difficulties;
  std::vector<std::string> policies;
  for (const PolicySummary& s : summaries) {
    difficulties.insert(s.difficulty);
    if (std::find(policies.begin(), policies.end(), s.policy) == policies.end()) policies.push_back(s.policy);
  }
  std::vector<std::string> headers = {"policy"};
  for (int difficulty : difficulties) headers.push_back(difficulty ? "difficulty " + std::to_string(difficulty) : "fixed");
  for (const char* name : {"all", "rollouts", "failed", "mean calls"}) headers.push_back(name);
  TextTable table(headers);
  for (const std::string& policy : policies) {
    std::vector<std::string> cells = {printable(policy)};
    for (int difficulty : difficulties) {
      auto it = std::find_if(summaries.begin(), summaries.end(),
                             [&](const PolicySummary& s) { return s.policy == policy && s.difficulty == difficulty; });
      cells.push_back(it == summaries.end() ? "-" : percent_text(it->passed, it->scored));
    }
    const PolicySummary total = sum(summaries, policy);
    cells.insert(cells.end(), {percent_text(total.passed, total.scored), count_text(total.rollouts), count_text(total.failed),
                               one_digit(total.mean_calls)});
    table.add(std::move(cells));
  }
  return table.text(indent);
}

OrderedJson pass_json(const std::vector<PolicySummary>& summaries) {
  OrderedJson rows = OrderedJson::array();
  for (const PolicySummary& s : summaries)
    rows.push_back({{"policy", s.policy}, {"difficulty", s.difficulty}, {"tasks", s.tasks}, {"rollouts", s.rollouts},
                    {"scored", s.scored}, {"passed", s.passed}, {"failed", s.failed},
                    {"pass_rate", s.scored ? OrderedJson(static_cast<double>(s.passed) / static_cast<double>(s.scored)) : OrderedJson()},
                    {"mean_calls", s.mean_calls}});
  return rows;
}

}  // namespace assay
