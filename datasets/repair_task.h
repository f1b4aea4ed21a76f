// What formats for tasks that ask for a patch share: the mined origin of a task, read with its members checked.
#pragma once

#include <string>
#include <vector>

#include "envs/task.h"

namespace assay {

struct RepairOrigin {
  std::string repository, base, merged, statement, statement_from, licence, language;
  int64_t pull = 0;
};

// Fails for a task whose origin is not that of a mined one.
Result<RepairOrigin> repair_origin(const Task& task);

// As SWE-bench names its instances, "owner__name-123": with the pull request's number, or the base commit's first digits where none
// is known. Empty for a task that asks for no patch.
std::string instance_id(const Task& task);

}  // namespace assay
