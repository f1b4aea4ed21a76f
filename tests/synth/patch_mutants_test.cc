// Mutants of gold patches: what is changed, what is left alone, and that the same come again.
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "synth/mine/patch.h"
#include "synth/patch_mutants.h"

using namespace assay;

namespace {

// A patch that adds these lines to a file that has others.
std::string gold(const std::string& path, const std::vector<std::string>& added) {
  std::string out = "diff --git a/" + path + " b/" + path + "\n--- a/" + path + "\n+++ b/" + path + "\n@@ -1,2 +1," + std::to_string(2 + added.size()) + " @@\n first\n";
  for (const std::string& line : added) out += "+" + line + "\n";
  return out + " last\n";
}

std::vector<PatchMutant> mutants(const std::string& patch, size_t most = 1000, uint64_t seed = 0) {
  auto made = patch_mutants(patch, "gold.patch", most, seed);
  if (!made.ok()) FAIL(made.error().text());
  return std::move(*made);
}

// The added lines of every mutant of one line, sorted.
std::vector<std::string> lines(const std::string& path, const std::string& line) {
  std::vector<std::string> out;
  for (const PatchMutant& mutant : mutants(gold(path, {line}))) {
    const auto files = parse_patch(mutant.patch, "mutant").value();
    REQUIRE(files.size() == 1);
    REQUIRE(files[0].hunks.size() == 1);
    REQUIRE(files[0].hunks[0].lines.size() == 3);
    out.push_back(files[0].hunks[0].lines[1].text);
  }
  std::sort(out.begin(), out.end());
  return out;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("one operator, number or condition of an added line is changed") {
  CHECK(lines("a.py", "    if a < 3 and not b:") == Lines{"    if a < 3 or not b:", "    if a < 4 and not b:", "    if a <= 3 and not b:", "    if not (a < 3 and not b):"});
  CHECK(lines("a.cc", "  if (f(a) >= b) return a - 1;") == Lines{"  if (!(f(a) >= b)) return a - 1;", "  if (f(a) > b) return a - 1;", "  if (f(a) >= b) return a + 1;", "  if (f(a) >= b) return a - 2;"});
  CHECK(lines("a.go", "if err != nil {") == Lines{"if !(err != nil) {", "if err == nil {"});
  CHECK(lines("a.js", "x === true && y") == Lines{"x !== true && y", "x === false && y", "x === true || y"});
  CHECK(lines("a.py", "flag = False") == Lines{"flag = True"});
}

TEST_CASE("strings, comments, types and files of no language are left alone") {
  CHECK(lines("a.py", "print('a < 3 and b')  # 4 < 5").empty());
  CHECK(lines("a.cc", "std::vector<int> a;  // 1 == 1").empty());
  CHECK(lines("a.cc", "call(/* 1 */ x);").empty());
  CHECK(lines("a.py", "x = 1.5 - y0") == Lines{"x = 1.5 + y0"});
  CHECK(lines("a.rs", "if let Some(x) = y {").empty());
  CHECK(lines("README.md", "1 < 2 and 3").empty());
  const auto doc = mutants(gold("a.py", {"\"\"\"One", "two < 3", "\"\"\"", "x = 4"}));
  REQUIRE(doc.size() == 1);
  CHECK(doc[0].kind == "off_by_one");
  CHECK(doc[0].where == "a.py: 'x = 4' became 'x = 5'");
}

TEST_CASE("each hunk of several is left out once, and the only one never") {
  const std::string one = gold("a.txt", {"x"}), two = one + gold("b.txt", {"y"}) + gold("c.py", {"z"});
  CHECK(mutants(one).empty());
  const auto found = mutants(two);
  REQUIRE(found.size() == 1);   // of a language that is known
  CHECK(found[0].kind == "hunk");
  const auto files = parse_patch(found[0].patch, "mutant").value();
  REQUIRE(files.size() == 2);
  CHECK(files[1].path() == "b.txt");
}

TEST_CASE("mutants are spread over their kinds and come again from the same seed") {
  const std::string patch = gold("a.py", {"if a < 1 and b > 2 and c == 3:", "    d = e + 4 - f", "    g = True"}) + gold("b.py", {"h = 5"});
  const auto all = mutants(patch);
  CHECK(all.size() > 12);
  const auto few = mutants(patch, 7, 1), again = mutants(patch, 7, 1), other = mutants(patch, 7, 2);
  REQUIRE(few.size() == 7);
  std::set<std::string> kinds, patches;
  for (const PatchMutant& mutant : few) kinds.insert(mutant.kind), patches.insert(mutant.patch);
  CHECK(kinds.size() == 7);
  CHECK(patches.size() == 7);
  const auto same = [](const PatchMutant& a, const PatchMutant& b) { return a.patch == b.patch; };
  CHECK(std::equal(few.begin(), few.end(), again.begin(), again.end(), same));
  CHECK_FALSE(std::equal(few.begin(), few.end(), other.begin(), other.end(), same));
  CHECK_FALSE(patch_mutants("--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-a\n", "gold.patch", 5, 0).ok());
}
