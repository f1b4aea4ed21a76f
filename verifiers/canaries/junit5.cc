// A class of JUnit 5 in the module of the test file beside; Surefire and Gradle run it in the same virtual machine.
#include "verifiers/canary_names.h"

namespace assay::canaries::junit5 {

CanaryWriter make() { return {"junit5", "A class of JUnit 5 in src/test/java of the module of the file beside", java_canary("org.junit.jupiter.api.Test", "org.junit.jupiter.api.Assertions")}; }

}  // namespace assay::canaries::junit5
