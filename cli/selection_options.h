// The options that say which tasks and rollouts go into a dataset: datasets/selection.h on the command line.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "datasets/selection.h"

namespace assay {

class SelectionOptions {
 public:
  void declare(CLI::App& app);
  // The rules, once the line is parsed; fails on what cannot be read.
  Result<SelectionRules> rules(const Context& context) const;
  // Whether the line says which outcomes; else a format may take all.
  bool names_outcomes() const { return passed_ || all_ || !outcomes_.empty() || !rules_.failures.empty(); }

 private:
  SelectionRules rules_;
  std::vector<std::string> outcomes_;
  std::string pass_rate_, messages_, tokens_, balance_, reasoning_ = "as-played", prefer_ = "stored", duplicates_ = "keep", split_by_ = "prompt";
  int64_t most_per_task_ = -1;
  bool passed_ = false, all_ = false;
};

// "LOW:HIGH", either of which may be missing: "10:", ":20".
Result<IntegerRange> range_from_text(const std::string& text, const std::string& option);

// What was left out, for people, and which held-out texts it shares words with (the first few).
void say_losses(const Context& context, const SelectionPlan& plan);
// {"funnel", "contaminations": [{"task","rollout","held_out","words"} …], "held_out_texts", "held_out_too_short", "never_attacked"}.
OrderedJson selection_json(const SelectionPlan& plan);

}  // namespace assay
