// Tasks, rollouts, environments and whole stores, for people (`text`) and for programs (`json`: the same facts).
#pragma once

#include <string>

#include "datasets/store.h"

namespace assay {

struct Description {
  std::string text;
  OrderedJson json;
};

enum class Detail { kBrief, kFull };  // kBrief cuts long observations and leaves out the gold

Result<Description> describe_task(Store& store, const Task& task, Detail detail);
// The tasks that `task` was made harder from and those made harder from it, from the beginning: what each adds, and to its tools.
Result<Description> describe_lineage(Store& store, const Task& task);
Description describe_rollout(const Rollout& rollout, Detail detail);
Description describe_environment(const Environment& environment);
Description describe_certificate(const Certificate& certificate);
Result<Description> describe_store(Store& store);

}  // namespace assay
