// What a report says in numbers; `assay report --json` prints it and the page draws it.
#pragma once

#include "datasets/report/facts.h"

namespace assay {

// {"format":"assay-report/1",
//  "tasks","attempts","outcomes":{name: count},
//  "interval":"…",  which one "low" and "high" are of
//  "pass":[{"policy","attempts","tasks",
//           "at":[{"k","tasks","any":{"mean","low","high"},"all":{…}} …]            any: pass@k, all: pass^k (estimates.h)
//           "by_difficulty":[{"difficulty","tasks","attempts","mean","low","high"} …]} …]   pass@1
//  "calibration":[{"difficulty","tasks","in_band","outside","no_band","chance":[least, quartiles, greatest],"calls":[…]} …],
//  "funnel":{"candidates":{"certified","lost":{}},"mined":{},"tasks":{"sound","unsound","uncertified","attacked","problems":{}},
//            "stops":{},"kinds":{}},                                     kinds: an attempt counts once for each kind
//  "throughput":[{"policy","attempts","steps","calls","failed_calls","prompt_tokens","completion_tokens","policy_us","tool_us",
//                 "wall_us","wall_us_median","wall_us_p95"} …],
//  "runs":[{"rollouts","seconds","jobs"} …]}
// An attempt without a verdict is no attempt of "pass"; one whose time was over did not pass.
OrderedJson report_figures(const StoreFacts& facts);

}  // namespace assay
