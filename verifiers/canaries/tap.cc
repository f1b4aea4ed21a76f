#include "verifiers/canary_names.h"

namespace assay::canaries::tap {

CanaryWriter make() { return {"tap", "A file beside the tests; {tests} in the command", assertion_canary("tap")}; }

}  // namespace assay::canaries::tap
