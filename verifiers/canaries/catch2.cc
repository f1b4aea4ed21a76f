// Two test cases at the end of a test file, so that they run in its program.
#include "verifiers/canary_names.h"

namespace assay::canaries::catch2 {

CanaryWriter make() { return {"catch2", "At the end of the test file beside; laid out before the build", test_case_canary("catch2")}; }

}  // namespace assay::canaries::catch2
