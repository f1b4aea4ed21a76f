#include "envs/pass_rate.h"

namespace assay {
namespace {

constexpr const char* kFormat = "assay-pass-rate/1";
constexpr const char* kInterval = "wilson 95%";

}  // namespace

Json to_json(const PassRate& rate) {
  return {{"format", kFormat}, {"policy", rate.policy}, {"seed", rate.seed}, {"attempts", rate.attempts}, {"passed", rate.passed},
          {"low", rate.low}, {"high", rate.high}, {"interval", kInterval}, {"mixed", rate.mixed}, {"kept", rate.kept}};
}

Result<PassRate> pass_rate_from_json(const Json& json, const std::string& where) {
  JsonReader r(json, where, "$");
  if (r.text("format") != kFormat) r.fail("format", std::string("expected ") + kFormat);
  if (r.text("interval") != kInterval) r.fail("interval", std::string("expected ") + kInterval);
  PassRate rate;
  rate.policy = r.text("policy");
  const Json& seed = r.member("seed");
  if (seed.is_number_unsigned()) rate.seed = seed.get<uint64_t>();
  else r.fail("seed", "expected a number of at least 0");
  rate.attempts = r.integer("attempts", {.minimum = 1});
  rate.passed = r.integer("passed", {.minimum = 0, .maximum = rate.attempts});
  rate.low = r.number("low");
  rate.high = r.number("high");
  rate.mixed = r.boolean_or("mixed", false);
  rate.kept = r.boolean_or("kept", false);
  ASSAY_TRY(r.finish());
  return rate;
}

Result<std::optional<PassRate>> newest_pass_rate(const Json& observations, const std::string& policy, const std::string& where) {
  for (auto it = observations.rbegin(); it != observations.rend(); ++it) {
    if (it->at("name") != kPassObservation) continue;
    ASSAY_ASSIGN(PassRate rate, pass_rate_from_json(it->at("value"), where));
    if (rate.policy == policy) return std::optional<PassRate>(std::move(rate));
  }
  return std::optional<PassRate>();
}

}  // namespace assay
