// The certificate of a task whose solution and verifier are programs. Nothing is believed of them that was not seen:
//
//   its draw and its gold come out the same when everything is run again, under other seeds of hashes ·
//   the solution, which reaches the tools and nothing else, finds the gold again and again, and the verifier passes it, always ·
//   tools answer the same calls alike, refuse odd arguments with a ValueError and leave nothing behind that they should not ·
//   the solution without the tools fails · so do trivial answers, no change, the golds of other draws, and near misses of every part of the gold ·
//   the gold does not stand in prompt or tools
//
// Problems begin with a code (fault_code()): "not_reproducible", "solution_differs", "verifier_differs", "gold_fails", "needs_no_tools",
// "tools_break", "trivial_passes", "other_gold_passes", "near_miss_passes", "forms_differ", "gold_leaks", and those of programs.
#pragma once

#include "envs/certificate.h"
#include "synth/archetype.h"

namespace assay {

// Fails only for the machine's sake.
Result<Certificate> certify_program(const Task& task, const MakeRequest& request);

}  // namespace assay
