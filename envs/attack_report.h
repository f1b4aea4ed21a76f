// What became of the attacks on a task and its verifier (verifiers/attack.h). Stored as an observation named kAttackObservation;
// the newest one of a task counts, and a task with a hit is not exported.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "envs/base/json.h"

namespace assay {

inline constexpr const char* kAttackObservation = "attack";

struct AttackHit {
  std::string category;  // "letter_case"
  std::string attempt;   // "a text in capitals"
  std::string answer;    // what scored, shortened; for a tool, the call
};

struct AttackTally {
  int64_t tried = 0;
  int64_t right = 0;     // scored, and rightly so: the answer is a right one after all
  int64_t hits = 0;      // scored and should not have

  void add(const AttackTally& other);
};

struct AttackReport {
  static constexpr size_t kHitsKept = 16;

  std::string catalogue;                            // "attacks 1"
  std::map<std::string, AttackTally> categories;
  std::vector<AttackHit> hits;                      // the first kHitsKept

  AttackTally total() const;
  void add(const AttackReport& other);              // of the same catalogue
};

// {"format":"assay-attack/1","catalogue","tried","right","hits":{category: count},"examples":[{"category","attempt","answer"} …]}.
// What was tried and right is kept as a total only, so a report read back has it under the category "".
Json to_json(const AttackReport& report);
Result<AttackReport> attack_report_from_json(const Json& json, const std::string& where);

// The newest report among the observations of a task (Store::observations); without any, its catalogue is empty.
Result<AttackReport> newest_attack_report(const Json& observations, const std::string& where);

}  // namespace assay
