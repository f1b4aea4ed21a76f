// The right answers to other tasks. One may be right here too; then it is.
#include "verifiers/attack.h"

namespace assay::attacks::other_gold {
namespace {

void attack(Attempts& attempts) {
  for (const std::string& gold : attempts.other_golds()) attempts.answer("the gold of another task", gold);
}

}  // namespace

Attack make() { return {"other_gold", "A copy of another task's gold", attack}; }

}  // namespace assay::attacks::other_gold
