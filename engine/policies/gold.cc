// The gold trajectory of each task, acted out: proves that a task can be passed through its tools.
#include "engine/transcript.h"

namespace assay::policies::gold {

PolicyFactory make() {
  auto create = [](const PolicyOptions& options) -> Result<std::unique_ptr<Policy>> {
    if (!options.transcripts) return input_error("gold needs transcripts, and none were handed in", "policy gold");
    return transcript_policy("gold", options.transcripts);
  };
  return {"gold", "the task's own gold trajectory, acted out", create};
}

}  // namespace assay::policies::gold
