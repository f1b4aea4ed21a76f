// The dataset card: README.md with the front matter that dataset hubs read, and what the rows amount to.
#pragma once

#include <map>
#include <set>
#include <string>

#include "datasets/export.h"
#include "datasets/format.h"

namespace assay {

class Card {
 public:
  // One row that was written.
  void add(const ExportItem& item);
  std::string text(const Format& format, const ExportOptions& options, const ExportReport& report, const RowFiles& files, const std::string& store) const;

 private:
  struct Level {
    int64_t tasks = 0, rows = 0;
    int64_t chances = 0;                      // tasks whose chance rate was measured
    double chance_sum = 0, chance_high = 0;   // of these
  };
  struct PolicyCount {
    int64_t rows = 0;
    std::map<RolloutOutcome, int64_t> outcomes;
  };
  static std::string mean_chance(const Level& level);
  static std::string highest_chance(const Level& level);
  std::string difficulty_lines() const;
  std::string policy_table() const;

  std::string last_task_;   // rows of a task come one after the other
  std::map<int, Level> levels_;
  std::map<std::string, PolicyCount> policies_;
  std::set<std::string> versions_, domains_;
  int64_t tasks_ = 0, unique_ = 0, mutants_ = 0, killed_ = 0, survived_ = 0;
};

}  // namespace assay
