// One attempt as a page shows it: a record of an archive whose texts are numbers of entries.
#pragma once

#include "datasets/report/archive.h"
#include "envs/rollout.h"
#include "envs/task.h"

namespace assay {

// {"messages":[{"role","text","reasoning"?,"calls"?:[[tool, arguments] …],"images"?}],
//  "checks":[[name, passed, evidence] …],"verifier","answer","change"?,"patch"?,"tests"?:[[id, must, outcome] …],
//  "failure"?:[boundary, what, where, hint],"resets"?:[[message, kept_from, tokens] …],
//  "times":[[policy_us, tool_us] …],"tokens":[of each turn that an engine recorded]}
int64_t add_trajectory(Archive& archive, const Task& task, const Rollout& rollout);

// Bytes of its texts.
int64_t text_bytes(const Rollout& rollout);

}  // namespace assay
