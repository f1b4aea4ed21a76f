// Proves what a certificate claims. A pure function of task, environment and domain; used when a task is made and by audit.
#pragma once

#include <memory>

#include "envs/certificate.h"
#include "synth/archetype.h"
#include "verifiers/constraint.h"

namespace assay {

struct CertifyOptions {
  int64_t chance_tries = 10'000;
  int64_t feasible_tries = 2'000;
  int64_t count_limit = 250;
  int64_t node_limit = 6'000;     // solver effort of one question
};

// `request` is how the task was made, for "same seed, same bytes"; its domain may be null for tasks not generated here.
// Tasks whose constraints judge (archetype select), whose expected value does (compute, query), whose goal does (operate), or a program (program).
Result<Certificate> certify(const Task& task, const MakeRequest& request, const CertifyOptions& options = {});

// How many constraints share a slot with another.
int64_t interacting_constraints(const Constraints& constraints);
// Calls of the gold as bands count them: in terms of the tools before variants changed them.
int64_t plain_calls_of(const Certificate& certificate);

}  // namespace assay
