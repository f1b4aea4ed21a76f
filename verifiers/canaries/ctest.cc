// Two tests beside those of the build directory, in a list of our own that reads the directory's (verifiers/ctest_files.h). They are processes
// of their own, so they notice what is done to ctest and its lists; what is done inside of a test program, its witness has to notice, and
// catch2, doctest and google_test where a program is run without CTest.
#include <algorithm>

#include "verifiers/canary_names.h"
#include "verifiers/ctest_files.h"

namespace assay::canaries::ctest {
namespace {

std::string replaced(std::string text, std::string_view place, const std::string& by) {
  for (size_t at = 0; (at = text.find(place, at)) != std::string::npos; at += by.size()) text.replace(at, place.size(), by);
  return text;
}

Result<Canary> write(const TestCommand& command, Rng rng) {
  Canary out;
  out.command = command;
  const auto flag = std::find(out.command.argv.begin(), out.command.argv.end(), "--test-dir");
  if (flag == out.command.argv.end() || flag + 1 == out.command.argv.end())
    return input_error("a ctest command names its build directory", "canary ctest", "--test-dir DIR");
  const CanaryNames names(rng);
  out.passes = names.passes.snake();
  out.fails = names.fails.snake();
  const std::string folder = names.file.snake(), build = *(flag + 1);
  for (const CtestFile& file : ctest_files()) {
    std::string text = replaced(std::string(file.text), "@BUILD@", build.starts_with("/") ? build : "${assay_witness}/../" + build);
    text = replaced(std::move(text), "@PASSES@", out.passes);
    out.files[folder + "/" + std::string(file.name)] = replaced(std::move(text), "@FAILS@", out.fails);
  }
  *(flag + 1) = folder;
  return out;
}

}  // namespace

CanaryWriter make() { return {"ctest", "In a list that reads that of the build directory (--test-dir) and has its tests witnessed; laid out after the build", write}; }

}  // namespace assay::canaries::ctest
