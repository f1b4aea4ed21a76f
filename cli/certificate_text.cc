#include "cli/certificate_text.h"

#include <map>

#include "cli/text.h"

namespace assay {
namespace {

std::string named_list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

ClaimText mutants_text(const Certificate& certificate) {
  std::map<std::string, int64_t> outcomes;
  std::string survivors;
  for (const MutantClaim& mutant : certificate.mutants) {
    ++outcomes[mutant.outcome];
    if (mutant.outcome == "survived") survivors += (survivors.empty() ? ": " : ", ") + mutant.constraint + " (" + mutant.branch + ")";
  }
  std::string text = "mutants: " + count_text(static_cast<int64_t>(certificate.mutants.size()));
  for (const auto& [outcome, count] : outcomes) text += ", " + count_text(count) + " " + outcome;
  return {survivors.empty(), text + survivors};
}

std::string feasible_text(const Certificate& certificate) {
  return "feasible fraction of in-scope answers, repeats allowed: " + count_text(certificate.feasible_hits) + " of " +
         count_text(certificate.feasible_tries) + " (95% interval " + percent_text(certificate.feasible_low) + " to " +
         percent_text(certificate.feasible_high) + ")";
}

std::string value_text(const Json& object, const std::string& name) {
  auto it = object.find(name);
  return it == object.end() ? "nothing" : shortened(canonical_json(*it), 160);
}

// Of a certificate's acceptance, whatever a store from elsewhere has there.
int64_t count_at(const Json& acceptance, const char* pointer) {
  const Json::json_pointer at(pointer);
  return acceptance.contains(at) && acceptance.at(at).is_number_integer() ? acceptance.at(at).get<int64_t>() : 0;
}

ClaimText cheats_text(const Json& acceptance) {
  const Json::json_pointer cheats("/proof/cheats");
  int64_t rejected = 0, excused = 0;
  std::string accepted;
  for (const Json& cheat : acceptance.contains(cheats) ? acceptance.at(cheats) : Json::array()) {
    const std::string outcome = cheat.is_object() ? cheat.value("outcome", "") : "";
    rejected += outcome == "rejected";
    if (outcome != "accepted") continue;
    if (cheat.value("must_fail", true)) accepted += (accepted.empty() ? "; accepted: " : ", ") + cheat.value("name", "");
    else ++excused;
  }
  return {accepted.empty(), "cheats: " + count_text(rejected) + " rejected, " + count_text(excused) + " accepted that are known to be (the threat model)" + accepted};
}

// Of a task that tests judge (synth/build/acceptance.h, synth/patch_proof.h, synth/leaks.h): other claims, and nothing measured by playing.
std::vector<ClaimText> claims_of_patch(const Certificate& c) {
  const Json& a = c.acceptance;
  const auto count = [&](const char* pointer) { return count_at(a, pointer); };
  const int64_t mutants = a.contains("/proof/mutants"_json_pointer) ? static_cast<int64_t>(a.at("/proof/mutants"_json_pointer).size()) : 0;
  const int64_t flaky = a.contains("flaky") ? static_cast<int64_t>(a.at("flaky").size()) : 0;
  std::vector<ClaimText> claims = {
      {c.gold_passes, "the gold patch passes its tests in each of " + count_text(count("/rounds")) + " runs"},
      {c.trivial_fail, "without it they fail in each"},
      cheats_text(a),
      {true, "mutants of the gold patch: " + count_text(mutants) + (mutants == 0 ? "" : ", " + count_text(count("/proof/mutants_accepted")) + " accepted")},
      {c.no_leak, "the gold patch is not found in the environment: " + count_text(count("/leaks/searched/files")) + " files and " + count_text(count("/leaks/searched/objects")) +
                      " objects of git searched, " + count_text(count("/leaks/unsearched_count")) + " could not be"},
      {true, "flaky tests, named and left out: " + count_text(flaky)},
      {true, "not measured: chance rate, tool calls"}};
  for (const std::string& problem : c.problems) claims.push_back({false, problem});
  return claims;
}

// Lists are compared item by item, so that one changed mutant does not print them all.
void compare(const std::string& name, const Json& stored, const Json& fresh, std::vector<std::string>& out) {
  if (stored == fresh) return;
  if (!stored.is_array() || !fresh.is_array() || stored.size() != fresh.size()) {
    out.push_back(name + ": stored " + shortened(canonical_json(stored), 160) + ", recomputed " + shortened(canonical_json(fresh), 160));
    return;
  }
  for (size_t i = 0; i < stored.size(); ++i) compare(name + "[" + std::to_string(i) + "]", stored[i], fresh[i], out);
}

}  // namespace

std::string solutions_text(const Certificate& certificate) {
  return (certificate.solutions_exact ? "exactly " : "at least ") + count_text(certificate.solutions);
}

std::vector<ClaimText> claims_of(const Certificate& c) {
  if (!c.acceptance.is_null()) return claims_of_patch(c);
  const bool by_state = c.versions.starts_with("state ");   // judged by what it changes (synth/certify_state.h)
  const bool by_program = c.versions.starts_with("program ");   // judged by its own verifier (synth/program/certify_program.h)
  const bool by_value = c.feasible_tries == 0;              // no chooser of entities to speak of: a value or a state is expected
  std::vector<ClaimText> claims = {
      {c.gold_passes, "the gold answer, found and submitted through the public tools alone, passes"},
      {c.trivial_fail, "the empty, no-op and initial-state answers fail"},
      mutants_text(c),
      {c.equal_forms_equal, "equal answers in other spelling (white space, key order, escapes) score the same"},
      {c.learnable, "everything the constraints need can be learned through the tools, and what tools declare is true"},
      {c.no_leak, "the gold does not stand in the prompt or the tools"},
      {c.same_bytes, "made again from its provenance, the task has the same bytes"},
      {true, "solutions: " + solutions_text(c)},
      {true, "chance rate: " + percent_text(c.chance_rate()) + " (" + count_text(c.chance_hits) + " of " +
                 count_text(c.chance_tries) + (by_state   ? " decisions by lot are the right ones)"
                  : by_value ? " guesses pass)"
                             : " consistent random answers pass)")},
      {true, "tool calls: " + (by_program ? "without any it is not solved; the least number is not measured" : "at least " + count_text(c.calls_low) + (c.calls_low == 1 ? " is" : " are") + " needed") +
                 ", " + count_text(c.calls_high) + (c.calls_high == 1 ? " suffices" : " suffice")}};
  if (!c.measures.empty()) {
    std::string measures;
    for (const auto& [name, value] : c.measures) measures += (measures.empty() ? "" : ", ") + count_text(value) + " " + name;
    claims.push_back({true, "difficulty: " + measures});
  }
  if (by_state) {
    claims[0].text = "the gold calls, made through the public tools alone, each argument shown before it is needed, pass";
    claims[1].text = "doing nothing and the initial state fail";
    claims[3].text = "the requests in another order and arguments in another spelling come to the same";
    claims[4].text = "what tools declare is true, and every argument of the gold can be known when it is needed";
  } else if (by_value) {
    claims[0].text = "the expected value, found by another method through the public tools alone, passes";
  } else {
    claims.push_back({true, c.redundant.empty() ? "every constraint is load-bearing" : "redundant, and named so: " + named_list(c.redundant)});
    claims.push_back({true, feasible_text(c)});
    claims.push_back({true, "solver nodes to the first solution: " + count_text(c.solver_nodes) + "; interacting constraints: " + count_text(c.interacting)});
  }
  for (const std::string& problem : c.problems) claims.push_back({false, problem});
  return claims;
}

std::vector<std::string> certificate_differences(const Certificate& stored, const Certificate& recomputed) {
  const Json old_json = to_json(stored), new_json = to_json(recomputed);
  std::vector<std::string> out;
  for (const auto& [name, value] : old_json.items()) {
    if (name == "id") continue;
    if (new_json.contains(name)) compare(name, value, new_json[name], out);
    else out.push_back(name + ": stored " + value_text(old_json, name) + ", recomputed nothing");
  }
  for (const auto& [name, value] : new_json.items())
    if (!old_json.contains(name)) out.push_back(name + ": stored nothing, recomputed " + value_text(new_json, name));
  return out;
}

}  // namespace assay
