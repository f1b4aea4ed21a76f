#include "cli/certificate_text.h"

#include <catch2/catch.hpp>
#include <functional>

namespace assay {
namespace {

Certificate good() {
  Certificate c;
  c.task = std::string(64, 'a');
  c.versions = "assay 0.1.0";
  c.sound = c.gold_passes = c.trivial_fail = c.equal_forms_equal = c.learnable = c.no_leak = c.same_bytes = true;
  c.mutants = {{"c0.belongs", "day 1", "killed", "[]"}, {"c1.count", "low", "killed", "[]"}};
  c.solutions = 12;
  c.solutions_exact = true;
  c.chance_tries = 10'000;
  seal_certificate(c);
  return c;
}

bool any_line(const std::vector<std::string>& lines, const std::string& part) {
  for (const std::string& line : lines)
    if (line.find(part) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("the same certificate has no differences") { CHECK(certificate_differences(good(), good()).empty()); }

TEST_CASE("every claim that changes is named, and only it") {
  const std::vector<std::pair<std::string, std::function<void(Certificate&)>>> faults = {
      {"sound", [](Certificate& c) { c.sound = false; }},
      {"problems", [](Certificate& c) { c.problems = {"leak"}; }},
      {"gold_passes", [](Certificate& c) { c.gold_passes = false; }},
      {"trivial_fail", [](Certificate& c) { c.trivial_fail = false; }},
      {"mutants[1].outcome", [](Certificate& c) { c.mutants[1].outcome = "survived"; }},
      {"redundant", [](Certificate& c) { c.redundant = {"c1.count"}; }},
      {"solutions", [](Certificate& c) { c.solutions = 13; }},
      {"chance", [](Certificate& c) { c.chance_hits = 1; }},
      {"equal_forms_equal", [](Certificate& c) { c.equal_forms_equal = false; }},
      {"learnable", [](Certificate& c) { c.learnable = false; }},
      {"no_leak", [](Certificate& c) { c.no_leak = false; }},
      {"same_bytes", [](Certificate& c) { c.same_bytes = false; }},
      {"solver_nodes", [](Certificate& c) { c.solver_nodes = 5; }},
      {"calls_low", [](Certificate& c) { c.calls_low = 5; }},
      {"interacting", [](Certificate& c) { c.interacting = 5; }}};
  for (const auto& [name, break_it] : faults) {
    INFO(name);
    Certificate changed = good();
    break_it(changed);
    seal_certificate(changed);
    const std::vector<std::string> lines = certificate_differences(good(), changed);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with(name.substr(0, name.find('['))));
  }
}

TEST_CASE("of a task that tests judge, claims are those of its tests, and what was not measured is said") {
  Certificate c;
  c.sound = c.gold_passes = c.trivial_fail = c.no_leak = true;
  c.acceptance = parse_json(R"({"rounds": 3, "flaky": {"t::f": {}}, "leaks": {"searched": {"files": 1200, "objects": 7}, "unsearched_count": 1},
    "proof": {"mutants": [{}, {}, {}], "mutants_accepted": 1, "cheats": [{"name": "empty_patch", "outcome": "rejected", "must_fail": true},
      {"name": "informed_forger", "outcome": "accepted", "must_fail": false}]}})", "here").value();
  std::string text;
  for (const ClaimText& claim : claims_of(c)) {
    CHECK(claim.holds);
    text += claim.text + "\n";
  }
  INFO(text);
  for (const char* part : {"in each of 3 runs", "cheats: 1 rejected, 1 accepted", "mutants of the gold patch: 3, 1 accepted", "1,200 files", "left out: 1\n", "not measured: chance rate, tool calls"})
    CHECK(text.find(part) != std::string::npos);
  CHECK(text.find('%') == std::string::npos);
  c.acceptance["proof"]["cheats"][0]["outcome"] = "accepted";
  c.no_leak = false;
  std::vector<std::string> broken;
  for (const ClaimText& claim : claims_of(c))
    if (!claim.holds) broken.push_back(claim.text);
  REQUIRE(broken.size() == 2);
  CHECK(broken[0].find("accepted: empty_patch") != std::string::npos);
}

TEST_CASE("claims that do not hold are marked, survivors named") {
  Certificate c = good();
  for (const ClaimText& claim : claims_of(c)) CHECK(claim.holds);
  c.mutants[1].outcome = "survived";
  c.no_leak = false;
  c.problems = {"the gold stands in the prompt"};
  std::vector<std::string> broken;
  for (const ClaimText& claim : claims_of(c))
    if (!claim.holds) broken.push_back(claim.text);
  CHECK(broken.size() == 3);
  CHECK(any_line(broken, "c1.count (low)"));
  CHECK(any_line(broken, "the gold stands in the prompt"));
}

TEST_CASE("what was not measured of a program's calls is said") {
  const auto calls = [](const char* versions) {
    Certificate c = good();
    c.versions = versions;
    c.calls_low = 1;
    c.calls_high = 9;
    for (const ClaimText& claim : claims_of(c))
      if (claim.text.starts_with("tool calls: ")) return claim.text;
    return std::string();
  };
  CHECK(calls("program 1; certificate 1") == "tool calls: without any it is not solved; the least number is not measured, 9 suffice");
  CHECK(calls("state 1; certificate 1") == "tool calls: at least 1 is needed, 9 suffice");
}

}  // namespace assay
