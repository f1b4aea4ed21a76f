// What tools have in common that change another tool's records, and those whose changed records say so.
#pragma once

#include <functional>

#include "envs/tool_kind.h"

namespace assay {

// The observation with its one record (or whatever stands in its place), or each of its array of records, as `change` leaves it. An observed
// error stays as it is.
Result<Observation> change_records(const Observation& seen, const std::function<Status(OrderedJson&)>& change);

// ToolKind::undo for records of which some are flawed and have `flag`: true. Where one has, all are asked for once more, of the tool that
// the body names under `instead`.
Result<Observation> undo_flagged(const UndoneCall& call, const char* flag, const char* instead);

}  // namespace assay
