// A file beside the tests.
#include "verifiers/canary_names.h"

namespace assay::canaries::vitest {

CanaryWriter make() { return {"vitest", "A file beside the tests; {tests} or a folder in the command", javascript_canary("import { test } from 'vitest';\n\n", "test", ".test.js")}; }

}  // namespace assay::canaries::vitest
