// C and C++ with Make. Where Autotools write the Makefiles, they are configured outside of the tree and `make check` tells of every test in a
// .trs file (Automake manual, "Parallel Test Harness"); else a goal of the tree's own Makefile is one test. Libraries are the host's.
#include <regex>

#include "synth/build/recipe.h"

namespace assay::ecosystems::make_tool {
namespace {

// $0: the build directory; $1: the report: every .trs file under its name, and an end.
constexpr const char* kCheck = R"(cd "$0" || exit 125
make -k check
status=$?
find . -name '*.trs' | LC_ALL=C sort | while IFS= read -r file; do printf ':file: %s\n' "${file#./}"; cat "$file"; done > "$1"
echo :end: >> "$1"
exit $status
)";

// $0: the report, of the same form; then goals, each of which is a test, even where a folder of its name makes it seem made already.
constexpr const char* kGoals = R"(status=0
for goal; do
  if make --eval ".PHONY: $goal" "$goal"; then said=PASS; else said=FAIL; status=1; fi
  printf ':file: %s\n:global-test-result: %s\n' "$goal" "$said" >> "$0"
done
echo :end: >> "$0"
exit $status
)";

TestCommand command_of(std::vector<std::string> argv, const std::string& canary) {
  TestCommand out;
  out.argv = std::move(argv);
  out.format = "trs";
  out.report = "file";
  out.canary = canary;
  return out;
}

// The folder of the first Makefile.am that lists tests.
std::optional<std::string> folder_of_tests(const TreeView& tree) {
  static const std::regex lists(R"((^|\n)[ \t]*TESTS[ \t]*\+?=)");
  for (const std::string& path : tree.paths)
    if ((path == "Makefile.am" || path.ends_with("/Makefile.am")) && std::regex_search(tree.text(path), lists)) return path.substr(0, path.size() - std::min(path.size(), sizeof("/Makefile.am") - 1));
  return std::nullopt;
}

void with_autotools(const TreeView& tree, const std::string& folder, Recipe& out) {
  const std::string build = kBuildDirectory;
  if (!tree.has("configure")) {
    out.programs.insert(out.programs.end(), {"autoreconf", "automake"});
    out.prepare.push_back({{"autoreconf", "--force", "--install"}, {}, false});
  }
  out.prepare.push_back({{"sh", "-c", "mkdir -p \"$0\" && cd \"$0\" && exec \"$1\"/configure", build, kTestDirectory}, {}, false});
  out.build = {"make", "-C", build, "-j2", "check", "TESTS="};   // what tests need is made, and none is run
  out.commands.push_back(command_of({"sh", "-c", kCheck, build, "{report}", folder.empty() ? build : build + "/" + folder}, "automake"));
}

// "check", "test" or "tests", where the Makefile has such a goal.
std::optional<std::string> goal_of(const std::string& makefile) {
  for (const char* goal : {"check", "test", "tests"})
    if (std::regex_search(makefile, std::regex("(^|\\n)" + std::string(goal) + "[ \\t]*:(?!=)"))) return goal;
  return std::nullopt;
}

std::optional<Recipe> propose(const TreeView& tree, const std::string& date) {
  if (tree.has("meson.build")) return std::nullopt;   // its Makefile only calls meson
  Recipe out;
  out.ecosystem = "make_tool";
  out.date = date;
  out.programs = {"make", "cc"};
  const auto folder = folder_of_tests(tree);
  const auto goal = goal_of(tree.text("Makefile"));
  if (folder && (tree.has("configure.ac") || tree.has("configure.in"))) {
    with_autotools(tree, *folder, out);
  } else if (goal) {
    out.build = {"make"};
    out.commands.push_back(command_of({"sh", "-c", kGoals, "{report}", *goal}, "make_goal"));
  } else {
    return std::nullopt;
  }
  out.prepare.push_back({out.build, {}, false});
  return out;
}

TestFiles tests_of(const std::vector<std::string>&) { return {}; }

}  // namespace

Ecosystem make() { return {"make_tool", {"cpp", "c"}, {}, propose, tests_of}; }

}  // namespace assay::ecosystems::make_tool
