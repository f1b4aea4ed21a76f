// One live attempt at a task: executes an assistant's tool calls under the task's limits and keeps what was submitted.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "envs/message.h"
#include "envs/task.h"
#include "envs/toolset.h"
#include "envs/verifier.h"

namespace assay {

class Episode {
 public:
  // `tools` is borrowed and may serve other episodes of the same environment in turn.
  Episode(const Task& task, Tools& tools);

  // The system and user messages the attempt starts from.
  Conversation opening() const;

  // Carries out one tool call. After submission or a limit every call is refused with an error observation. An answer over
  // the limit is no submission but an error observation. The last call that the limit allows may be the submission.
  Result<Observation> call(std::string_view tool, std::string_view arguments);
  // Counts a step and carries out the calls of an assistant message: one tool message for each, in order. A message
  // without calls gives up; without a submission the last step that the limit allows ends the episode.
  // With `malformed` no call is carried out: each fails with this reason.
  Result<Conversation> step(const Message& assistant, const std::optional<Error>& malformed = std::nullopt);

  bool done() const { return !stop_.empty(); }
  const std::string& stop() const { return stop_; }   // see Rollout::stop
  void stop_because(std::string reason) { if (stop_.empty()) stop_ = std::move(reason); }
  bool submitted() const { return submitted_; }
  const std::string& answer() const { return answer_; }
  // What there is to judge so far. An Error is ours, as of call().
  Result<Outcome> outcome();
  int64_t steps() const { return steps_; }
  int64_t calls() const { return calls_; }
  int64_t failed_calls() const { return failed_calls_; }

 private:
  Result<Observation> counted(const std::function<Result<Observation>()>& carry_out);
  Result<Observation> submit(const ToolSpec& spec, std::string_view arguments);

  const Task& task_;
  Tools& tools_;
  std::string stop_, answer_;
  bool submitted_ = false;
  int64_t steps_ = 0, calls_ = 0, failed_calls_ = 0;
};

TaskView view_of(const Task& task, const std::vector<ToolSpec>& tools);

}  // namespace assay
