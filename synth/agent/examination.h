// What the program has to say about a draft of a domain: whether it compiles, whether its tools keep what they declare, whether its
// constraints can be judged, and whether tasks come out of every level of every archetype that it has that are certified and that no
// attack fools.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "synth/domain.h"

namespace assay {

// Something to mend. Codes: "not_json", "does_not_compile", "sql_refused", "needs_programs", "cannot_be_filled", "too_large",
// "false_declaration", "bad_template", "level_unreached" (some level of an archetype gives no task), "unsatisfiable" (none does), "unsound" (a
// certificate fails), "attack_hit" (a known way to cheat scores, or a tool takes a text for SQL or a pattern; verifiers/attack.h); of domains in
// Python also the codes of synth/program/.
struct Finding {
  std::string code;
  std::string text;   // for the author; at most kFindingBytes
};

inline constexpr size_t kFindingBytes = 1200;

// What came out of one level.
struct LevelSample {
  std::string archetype;
  int difficulty = 0;
  int64_t wanted = 0, certified = 0;
  double chance_low = 1, chance_high = 0;        // of the certified ones
  int64_t calls_low = 0, calls_high = 0;         // of their golds
};

struct Examination {
  std::shared_ptr<const Domain> domain;   // null if it does not compile
  std::vector<Finding> findings;          // empty: nothing to mend
  std::vector<LevelSample> levels;        // of a domain that came as far as making tasks

  bool passed() const { return domain && findings.empty(); }
};

struct ExaminationOptions {
  int64_t tasks_per_level = 3;   // each in an environment of its own
  int64_t rows = 5'000;          // of all tables of an environment
  uint64_t seed = 0;
  Executor* executor = nullptr;   // where a domain's programs run, borrowed; null: one that has some is refused
};

// A pure function of its arguments, as far as the programs of a domain are. Stages end at their first kind of finding: what rests on a fault is not examined.
Examination examine_domain(std::string_view text, const std::string& file, const ExaminationOptions& options);

// A table of the levels and the findings, as an author reads them.
std::string examination_text(const Examination& examination);
OrderedJson to_json(const Examination& examination);

}  // namespace assay
