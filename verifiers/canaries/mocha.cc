// A file beside the tests, with the globals that mocha gives its test files.
#include "verifiers/canary_names.h"

namespace assay::canaries::mocha {

CanaryWriter make() { return {"mocha", "A file beside the tests; {tests} or a folder in the command", javascript_canary("", "it", ".js")}; }

}  // namespace assay::canaries::mocha
