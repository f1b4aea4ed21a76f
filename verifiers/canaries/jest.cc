// A file beside the tests, with the globals that jest gives its test files.
#include "verifiers/canary_names.h"

namespace assay::canaries::jest {

CanaryWriter make() { return {"jest", "A file beside the tests; {tests} or a folder in the command", javascript_canary("", "test", ".test.js")}; }

}  // namespace assay::canaries::jest
