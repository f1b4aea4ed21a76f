// Proves what a certificate claims about a task that is judged by what it changes (archetype operate). What has no meaning there
// keeps its default. Mutants are other things to do: each call left out, each argument another, a change too many, acting where it must
// be refused, refusing where it must be done, another reason; all are carried out through the public tools and must be rejected.
#pragma once

#include "envs/certificate.h"
#include "synth/archetype.h"

namespace assay {

Result<Certificate> certify_state(const Task& task, const MakeRequest& request);

}  // namespace assay
