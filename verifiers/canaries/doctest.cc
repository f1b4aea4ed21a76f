// Two test cases at the end of a test file, so that they run in its program.
#include "verifiers/canary_names.h"

namespace assay::canaries::doctest {

CanaryWriter make() { return {"doctest", "At the end of the test file beside; laid out before the build", test_case_canary("doctest")}; }

}  // namespace assay::canaries::doctest
