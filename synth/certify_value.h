// Proves what a certificate claims about a task that expects one value (archetypes compute and query). What has no meaning there keeps
// its default: no constraints to be redundant, no solver, one solution.
#pragma once

#include "envs/certificate.h"
#include "synth/archetype.h"

namespace assay {

Result<Certificate> certify_value(const Task& task, const MakeRequest& request);

}  // namespace assay
