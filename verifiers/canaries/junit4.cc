// A class of JUnit 4 in the module of the test file beside; Surefire and Gradle run it in the same virtual machine.
#include "verifiers/canary_names.h"

namespace assay::canaries::junit4 {

CanaryWriter make() { return {"junit4", "A class of JUnit 4 in src/test/java of the module of the file beside", java_canary("org.junit.Test", "org.junit.Assert")}; }

}  // namespace assay::canaries::junit4
