// How often a policy solved a task: difficulty as that policy measures it. Stored as an observation named kPassObservation
// (assay filter); the newest one of a task and policy counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "envs/base/json.h"

namespace assay {

inline constexpr const char* kPassObservation = "pass_rate";

struct PassRate {
  std::string policy;          // descriptor
  uint64_t seed = 0;           // of the attempts, samples 0 … attempts - 1
  int64_t attempts = 0;        // all of them scored
  int64_t passed = 0;
  double low = 0, high = 1;    // Wilson's 95% interval of passed / attempts
  bool mixed = false;          // the rule: kept with a success and, if mixed, a failure
  bool kept = false;

  bool operator==(const PassRate&) const = default;
};

// {"format":"assay-pass-rate/1","policy","seed","attempts","passed","low","high","interval":"wilson 95%","mixed","kept"}.
Json to_json(const PassRate& rate);
Result<PassRate> pass_rate_from_json(const Json& json, const std::string& where);

// The newest of that policy among the observations of a task (Store::observations).
Result<std::optional<PassRate>> newest_pass_rate(const Json& observations, const std::string& policy, const std::string& where);

}  // namespace assay
