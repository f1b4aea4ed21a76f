// Computes a step: the one place of the runtime that speaks to the model. Logits stay where the model has them; masks go in, tokens come
// out.
#pragma once

#include <span>
#include <vector>

#include "engine/runtime/recorder.h"
#include "engine/runtime/scheduler.h"

namespace assay {

class Runner {
 public:
  // All outlive the runner.
  Runner(Model& model, KvCache& cache, Recorder& recorder, Attention attention) : model_(model), cache_(cache), recorder_(recorder), attention_(attention) {}

  // A token for each part that samples, in their order; token -1: none can be drawn. The sequences' computed lengths have grown, and
  // what their tokens chose is recorded. Errors are the device's, and spoil all sequences of the step.
  Result<std::vector<Sampled>> run(std::span<const StepPart> step);

 private:
  Model& model_;
  KvCache& cache_;
  Recorder& recorder_;
  const Attention attention_;
  Choices choices_;   // kept for its memory
};

}  // namespace assay
