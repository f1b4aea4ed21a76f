// Judges stored rollouts again, and answers from a file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "datasets/shard.h"
#include "datasets/store.h"

namespace assay {

struct Disagreement {
  std::string rollout, task, policy;
  std::string what;      // "stored passed, judged again failed: c1.belongs: …"
};

struct RescoreReport {
  int64_t judged = 0, same = 0;
  int64_t unscored = 0;  // failed rollouts have no verdict to compare with
  std::vector<Disagreement> disagreements;
  std::vector<std::string> errors;   // rollouts that could not be judged
  bool interrupted = false;
  double seconds = 0;
};

// The shard is of what fits the filter, cut by tasks.
Result<RescoreReport> rescore(Store& store, const RolloutFilter& filter, const Shard& shard, const Context& context);

// One line of an answers file: {"answer": TEXT or JSON value, "id"?: …}, or the answer itself as a JSON string or array.
struct AnswerLine {
  std::string answer;
  Json id;   // null when absent
};
Result<AnswerLine> read_answer_line(std::string_view line, const std::string& where);

}  // namespace assay
