// C and C++ with Meson; Meson writes a JUnit report of its own into the build directory. Subprojects must lie in the tree.
#include "synth/build/recipe.h"

namespace assay::ecosystems::meson {
namespace {

std::optional<Recipe> propose(const TreeView& tree, const std::string& date) {
  if (!tree.has("meson.build")) return std::nullopt;
  bool tests = false;
  for (const std::string& path : tree.paths) tests = tests || (path.ends_with("meson.build") && tree.text(path).find("test(") != std::string::npos);
  if (!tests) return std::nullopt;
  Recipe out;
  out.ecosystem = "meson";
  out.date = date;
  out.programs = {"meson", "ninja", "c++"};
  out.prepare.push_back({{"meson", "setup", "--wrap-mode=nodownload", kBuildDirectory, kTestDirectory}, {}, false});
  out.build = {"meson", "compile", "-C", kBuildDirectory};
  out.prepare.push_back({out.build, {}, false});
  TestCommand command;
  command.argv = {"sh", "-c", "meson test -C \"$0\"; status=$?; cp \"$0/meson-logs/testlog.junit.xml\" \"$1\"; exit $status", kBuildDirectory, "{report}"};
  command.format = "junit";
  command.canary = "meson";
  out.commands.push_back(std::move(command));
  return out;
}

TestFiles tests_of(const std::vector<std::string>&) { return {}; }

}  // namespace

Ecosystem make() { return {"meson", {"cpp", "c"}, {}, propose, tests_of}; }

}  // namespace assay::ecosystems::meson
