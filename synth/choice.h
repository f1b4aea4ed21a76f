// Making tasks in which entities are chosen for the slots of an answer under constraints: what the archetypes select and schedule
// share. With a preset the constraints are given; with a difficulty they are searched for: templates are drawn, and one tightness
// for all quantile bounds is bisected until what is measured (chance rate, calls, interacting constraints) lies in the level's
// bands. Everything measured here is measured again in the certificate.
#pragma once

#include <string>

#include "synth/archetype.h"

namespace assay {

// An archetype over the part {"answer","templates","presets","levels"} of a domain (compile_choice_part). Its draws are keyed by
// its name.
Archetype choice_archetype(std::string name, std::string summary, int version);

}  // namespace assay
