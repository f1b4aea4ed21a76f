// Predictions as SWE-bench's harness reads them: a JSON array, a JSON object by instance, or JSON lines, of {"instance_id",
// "model_name_or_path", "model_patch"}. An instance is named as the format swe_bench names it, or by a task's id.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "datasets/store.h"

namespace assay {

struct Prediction {
  std::string instance, model, patch;
};

// Fails for the first that is none, with its place. An absent or null model_patch is an empty patch.
Result<std::vector<Prediction>> read_predictions(const std::string& path);

// Judges each in a fresh copy of its task's tree, as many at once as processors and memory allow, and keeps every log beside the
// store. Four endings: resolved, not resolved, timed out (a limit on time ended its tests, or their build), and infrastructure failure,
// which says nothing about the patch.
Result<int> verify_predictions(Store& store, const std::string& path, const Context& context);

}  // namespace assay
