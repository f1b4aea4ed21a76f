// Judges stored rollouts again, and answers from a file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "datasets/judgement.h"
#include "datasets/shard.h"
#include "datasets/store.h"

namespace assay {

struct RescoreOptions {
  RolloutFilter rollouts;
  Shard shard;                    // of what fits the filter, cut by tasks
  std::string with;               // who judges (cli/reviewer.h)
  int64_t timeout_ms = 60'000;    // of one judgement by a command
};

struct Disagreement {
  std::string rollout, task, policy;
  Judgement stored, again;
  std::string check;              // that they disagree in, as far as it is known
};

struct RescoreReport {
  int64_t judged = 0, same = 0;
  int64_t unscored = 0;           // failed rollouts have no verdict to compare with
  std::map<RolloutOutcome, int64_t> outcomes;   // of the new judgements
  std::vector<Disagreement> disagreements;
  std::vector<std::string> errors;   // rollouts that could not be judged: the verifier broke or was too slow, or they could not be read
  int64_t recorded = 0;           // judgements that are new in the store
  bool interrupted = false;
  double seconds = 0;
};

// Stored verdicts stay as they are. What a verifier says that it has not said before is recorded beside them (datasets/judgement.h).
// Two verdicts of one verifier disagree in anything they say, those of two verifiers in whether the rollout passed; who cannot tell
// disagrees with nobody.
Result<RescoreReport> rescore(Store& store, const RescoreOptions& options, const Context& context);

// One line of an answers file: {"answer": TEXT or JSON value, "id"?: …}, or the answer itself as a JSON string or array.
struct AnswerLine {
  std::string answer;
  Json id;   // null when absent
};
Result<AnswerLine> read_answer_line(std::string_view line, const std::string& where);

}  // namespace assay
