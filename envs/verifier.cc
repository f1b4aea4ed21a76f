#include "envs/verifier.h"

namespace assay {

Json to_json(const Verdict& verdict) {
  Json checks = Json::array();
  for (const Check& check : verdict.checks) {
    Json json = {{"name", check.name}, {"passed", check.passed}};
    if (!check.evidence.empty()) json["evidence"] = check.evidence;
    checks.push_back(std::move(json));
  }
  return {{"reward", verdict.reward}, {"passed", verdict.passed}, {"checks", std::move(checks)}, {"verifier", verdict.verifier}};
}

Result<Verdict> verdict_from_json(const Json& json, const std::string& where) {
  JsonReader r(json, where, "$");
  Verdict verdict;
  verdict.reward = r.number("reward");
  verdict.passed = r.boolean_or("passed", false);
  verdict.verifier = r.text("verifier");
  const Json& checks = r.array("checks");
  for (size_t i = 0; i < checks.size(); ++i) {
    JsonReader c(checks[i], where, "$.checks[" + std::to_string(i) + "]");
    Check check{c.text("name"), c.boolean_or("passed", false), c.text_or("evidence", "")};
    ASSAY_TRY(c.finish());
    verdict.checks.push_back(std::move(check));
  }
  ASSAY_TRY(r.finish());
  return verdict;
}

}  // namespace assay
