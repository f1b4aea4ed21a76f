// A class of JUnit 5 in the module of the test file beside, in no package; Surefire and Gradle run it in the same virtual machine.
#include "verifiers/canary_names.h"

namespace assay::canaries::junit5 {
namespace {

constexpr std::string_view kRoot = "src/test/java/";

Result<Canary> write(const TestCommand& command, Rng rng) {
  const CanaryNames names(rng);
  Canary out;
  out.passes = "test" + names.passes.camel();
  out.fails = "test" + names.fails.camel();
  const std::string file = file_beside(command), group = names.group.camel() + "Test";
  const size_t root = file.find(kRoot);
  const std::string folder = root == std::string::npos ? std::string(kRoot) : file.substr(0, root + kRoot.size());
  out.files[folder + group + ".java"] = "public class " + group + " {\n  @org.junit.jupiter.api.Test\n  public void " + out.passes + "() {}\n\n  @org.junit.jupiter.api.Test\n  public void " + out.fails + "() {\n    org.junit.jupiter.api.Assertions.assertEquals(1L, 2L);\n  }\n}\n";
  out.command = command;
  return out;
}

}  // namespace

CanaryWriter make() { return {"junit5", "A class of JUnit 5 in src/test/java of the module of the file beside", write}; }

}  // namespace assay::canaries::junit5
