// select: choose entities for slots under constraints.
#include "synth/choice.h"

namespace assay::archetypes::select {

Archetype make() { return choice_archetype("select", "choose entities for slots under constraints", 3); }

}  // namespace assay::archetypes::select
