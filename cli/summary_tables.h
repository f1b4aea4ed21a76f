// The tables that several verbs end with: tasks by difficulty, pass rate by policy.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "datasets/measured.h"
#include "datasets/store.h"

namespace assay {

// Least and greatest of what was added.
struct Range {
  double low = 0, high = 0;
  int64_t count = 0;
  void add(double value);
};

struct TaskGroup {  // tasks of one preset and difficulty
  int64_t tasks = 0, sound = 0;
  Range chance_rate, calls_low, calls_high, solutions;
  bool solutions_exact = true;   // false: some counts are lower bounds

  void add(const TaskRow& row);
};
using TaskGroups = std::map<std::pair<std::string, int>, TaskGroup>;  // by (preset, difficulty)

std::string difficulty_text(int difficulty);  // "-" for 0
std::string chance_text(const Measured& measured);   // "-" where it was not measured
std::string calls_text(const Measured& measured);

std::string tasks_table(const TaskGroups& groups, const std::string& indent = "");
OrderedJson tasks_json(const TaskGroups& groups);

// One line a policy, one column a difficulty.
std::string pass_table(const std::vector<PolicySummary>& summaries, const std::string& indent = "");
OrderedJson pass_json(const std::vector<PolicySummary>& summaries);

}  // namespace assay
