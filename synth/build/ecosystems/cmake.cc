// C and C++ with CMake: configured and compiled outside of the tree before any patch, compiled again after one; tests by CTest.
// Libraries are the host's: CMake has no registry.
#include "synth/build/recipe.h"

namespace assay::ecosystems::cmake {
namespace {

// Whether an option of this name has the tests built, and asks for nothing else than that.
bool is_of_tests(const std::string& name) {
  const auto has = [&](const char* word) { return name.find(word) != std::string::npos; };
  if (name.size() >= 80 || name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos) return false;
  return has("TEST") && !has("FUZZ") && !has("CUDA") && !has("NO_TEST") && !has("DISABLE") && !has("SYSTEM") && !has("EXTERNAL") && !has("GTEST");
}

std::optional<Recipe> propose(const TreeView& tree, const std::string& date) {
  const std::string lists = tree.text("CMakeLists.txt");
  if (lists.empty()) return std::nullopt;
  bool tests = false;
  for (const std::string& path : tree.paths)
    if (!tests && (path == "CMakeLists.txt" || path.ends_with("/CMakeLists.txt") || path.ends_with(".cmake"))) {
      const std::string text = tree.text(path);
      tests = text.find("add_test") != std::string::npos || text.find("_discover_tests") != std::string::npos || text.find("enable_testing") != std::string::npos;
    }
  if (!tests) return std::nullopt;
  Recipe out;
  out.ecosystem = "cmake";
  out.date = date;
  out.programs = {"cmake", "ninja", "c++"};
  // Many projects build their tests only behind an option of their own, "NAME_BUILD_TESTS" or so; unknown ones are ignored.
  std::vector<std::string> configure = {"cmake", "-S", kTestDirectory, "-B", kBuildDirectory, "-G", "Ninja", "-DBUILD_TESTING=ON", "-DCMAKE_BUILD_TYPE=Debug",
                                        "-DCMAKE_CXX_FLAGS_DEBUG=-O0", "-DCMAKE_C_FLAGS_DEBUG=-O0", "-DCMAKE_POLICY_VERSION_MINIMUM=3.5", "-DFETCHCONTENT_FULLY_DISCONNECTED=ON"};
  for (size_t at = 0; (at = lists.find("option(", at)) != std::string::npos; at += 7) {
    const size_t start = lists.find_first_not_of(" \t\r\n", at + 7), end = lists.find_first_of(" \t\r\n\")", start);
    if (start == std::string::npos || end == std::string::npos) break;
    const std::string name = lists.substr(start, end - start);
    if (is_of_tests(name))
      configure.push_back("-D" + name + "=ON");
  }
  out.prepare.push_back({std::move(configure), {}, false});
  out.build = {"cmake", "--build", kBuildDirectory, "--parallel", "2"};
  out.prepare.push_back({out.build, {}, false});
  TestCommand command;
  command.argv = {"ctest", "--test-dir", kBuildDirectory, "--timeout", "120", "--output-junit", "{report}"};
  command.format = "junit";
  command.canary = "ctest";
  out.commands.push_back(std::move(command));
  return out;
}

TestFiles tests_of(const std::vector<std::string>&) { return {}; }

}  // namespace

Ecosystem make() { return {"cmake", {"cpp", "c"}, {}, propose, tests_of}; }

}  // namespace assay::ecosystems::cmake
