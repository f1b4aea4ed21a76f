#include "envs/certificate.h"

#include "envs/base/hash.h"

namespace assay {
namespace {

constexpr const char* kFormat = "assay-certificate/1";

Json to_json(const MutantClaim& mutant) {
  return {{"constraint", mutant.constraint}, {"branch", mutant.branch}, {"outcome", mutant.outcome}, {"answer", mutant.answer}};
}

Result<MutantClaim> mutant_from_json(const Json& json, const std::string& where, const std::string& path) {
  JsonReader r(json, where, path);
  MutantClaim mutant{r.text("constraint"), r.text("branch"), r.text("outcome"), r.text("answer")};
  ASSAY_TRY(r.finish());
  return mutant;
}

bool boolean(JsonReader& r, const char* name) {
  if (!r.has(name)) r.fail(name, "missing; expected true or false");
  return r.boolean_or(name, false);
}

void read_counts(JsonReader& r, Certificate& c) {
  const JsonReader::IntegerRule count{.minimum = 0, .maximum = INT64_MAX};
  c.solutions = r.integer("solutions", count);
  c.chance_hits = r.integer("chance_hits", count);
  c.chance_tries = r.integer("chance_tries", count);
  c.feasible_hits = r.integer("feasible_hits", count);
  c.feasible_tries = r.integer("feasible_tries", count);
  c.feasible_low = r.number("feasible_low");
  c.feasible_high = r.number("feasible_high");
  c.solver_nodes = r.integer("solver_nodes", count);
  c.calls_low = r.integer("calls_low", count);
  c.calls_high = r.integer("calls_high", count);
  c.interacting = r.integer("interacting", count);
}

void read_claims(JsonReader& r, Certificate& c) {
  c.sound = boolean(r, "sound");
  c.problems = r.texts("problems");
  c.gold_passes = boolean(r, "gold_passes");
  c.trivial_fail = boolean(r, "trivial_fail");
  c.redundant = r.texts("redundant");
  c.solutions_exact = boolean(r, "solutions_exact");
  c.equal_forms_equal = boolean(r, "equal_forms_equal");
  c.learnable = boolean(r, "learnable");
  c.no_leak = boolean(r, "no_leak");
  c.same_bytes = boolean(r, "same_bytes");
}

}  // namespace

Json to_json(const Certificate& c) {
  Json mutants = Json::array();
  for (const MutantClaim& mutant : c.mutants) mutants.push_back(to_json(mutant));
  Json out{{"format", kFormat},
           {"task", c.task},
           {"versions", c.versions},
           {"sound", c.sound},
           {"problems", c.problems},
           {"gold_passes", c.gold_passes},
           {"trivial_fail", c.trivial_fail},
           {"mutants", std::move(mutants)},
           {"redundant", c.redundant},
           {"solutions", c.solutions},
           {"solutions_exact", c.solutions_exact},
           {"chance_hits", c.chance_hits},
           {"chance_tries", c.chance_tries},
           {"feasible_hits", c.feasible_hits},
           {"feasible_tries", c.feasible_tries},
           {"feasible_low", c.feasible_low},
           {"feasible_high", c.feasible_high},
           {"equal_forms_equal", c.equal_forms_equal},
           {"learnable", c.learnable},
           {"no_leak", c.no_leak},
           {"same_bytes", c.same_bytes},
           {"solver_nodes", c.solver_nodes},
           {"calls_low", c.calls_low},
           {"calls_high", c.calls_high},
           {"interacting", c.interacting}};
  if (!c.measures.empty()) out["measures"] = c.measures;
  if (!c.acceptance.is_null()) out["acceptance"] = c.acceptance;
  return out;
}

Result<Certificate> certificate_from_json(const Json& json, const std::string& where) {
  JsonReader r(json, where, "$");
  if (r.text("format") != kFormat) r.fail("format", std::string("expected ") + kFormat);
  Certificate certificate;
  certificate.task = r.text("task");
  certificate.versions = r.text("versions");
  read_claims(r, certificate);
  read_counts(r, certificate);
  const Json& mutants = r.array("mutants");
  certificate.acceptance = r.member_or_null("acceptance");
  const Json& measures = r.member_or_null("measures");
  if (measures.is_object()) {
    for (const auto& [name, value] : measures.items()) {
      if (value.is_number_integer()) certificate.measures[name] = value.get<int64_t>();
      else r.fail("measures", "expected names with integers");
    }
  }
  ASSAY_TRY(r.finish());
  for (size_t i = 0; i < mutants.size(); ++i) {
    ASSAY_ASSIGN(MutantClaim mutant, mutant_from_json(mutants[i], where, "$.mutants[" + std::to_string(i) + "]"));
    certificate.mutants.push_back(std::move(mutant));
  }
  seal_certificate(certificate);
  return certificate;
}

void seal_certificate(Certificate& certificate) { certificate.id = json_identity(to_json(certificate)); }

}  // namespace assay
