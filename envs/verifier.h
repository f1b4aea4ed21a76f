// Judging. Verifiers are pure, total and bounded: any bytes give a verdict, the same bytes always the same one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/json.h"

namespace assay {

struct Check {
  std::string name;      // "shape", "known", then one per constraint: "c0.all_different", …
  bool passed = false;
  std::string evidence;  // the offending values; empty when passed
};

struct Verdict {
  double reward = 0;     // 1 or 0
  bool passed = false;
  std::vector<Check> checks;
  std::string verifier;  // "constraints/1"
};

Json to_json(const Verdict& verdict);
Result<Verdict> verdict_from_json(const Json& json, const std::string& where);

// What an attempt leaves behind: all that is judged.
struct Outcome {
  std::string answer;   // as submitted; empty if nothing was
  Json state;           // what its tools have changed (envs/state.h); null where none can
};

// Immutable; used by any number of threads.
class Verifier {
 public:
  virtual ~Verifier() = default;
  virtual Verdict judge(const Outcome& outcome) const = 0;
  // judge(outcome).passed, without the words where that is cheaper.
  virtual bool passes(const Outcome& outcome) const { return judge(outcome).passed; }
};

}  // namespace assay
