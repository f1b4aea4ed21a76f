#include "verifiers/canary_names.h"

namespace assay::canaries::tape {

CanaryWriter make() { return {"tape", "A file beside the tests; {tests} in the command", assertion_canary("tape")}; }

}  // namespace assay::canaries::tape
