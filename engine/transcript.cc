#include "engine/transcript.h"

namespace assay {
namespace {

Script fail(Error error) { co_return error; }

Script act_out(Conversation messages) {
  for (Message& message : messages)
    if (message.role == Role::kAssistant) co_yield std::move(message);
  co_return Status();
}

}  // namespace

std::unique_ptr<Policy> transcript_policy(std::string descriptor, Transcripts transcripts) {
  return script_policy(std::move(descriptor), [transcripts = std::move(transcripts)](const Turn& turn) {
    const Result<const Conversation*> found = transcripts(turn.task->id, turn.sample);
    if (found.ok() && *found) return act_out(**found);
    Error error = found.ok() ? input_error("no transcript for this task", "task " + turn.task->id) : found.error();
    error.boundary = Boundary::kPolicy;
    return fail(std::move(error));
  });
}

}  // namespace assay
