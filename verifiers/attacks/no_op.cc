// Nothing was done: no answer, an empty one, or the shape with nothing in it.
#include "verifiers/attack.h"

namespace assay::attacks::no_op {
namespace {

Json hollow(const Json& value, const Json& filling) {
  if (!value.is_structured()) return filling;
  Json out = value;
  for (Json& below : out) below = hollow(below, filling);
  return out;
}

void attack(Attempts& attempts) {
  for (const char* nothing : {"", " ", "\n", "null", "{}", "[]", "\"\"", "[[]]", "[{}]", "none", "done"})
    attempts.answer("nothing", nothing, Excuse::kNever);
  attempts.claim("nothing done, and what should be said", attempts.gold_text());
  if (!attempts.gold().is_structured()) return;
  attempts.value("the shape, filled with null", hollow(attempts.gold(), nullptr), Excuse::kNever);
  attempts.value("the shape, filled with empty texts", hollow(attempts.gold(), ""), Excuse::kNever);
  Json groups = attempts.gold();
  for (Json& group : groups) group = group.is_array() ? Json::array() : Json::object();
  attempts.value("as many groups, all of them empty", groups, Excuse::kNever);
}

}  // namespace

Attack make() { return {"no_op", "Nothing was done: no answer, or an empty one", attack}; }

}  // namespace assay::attacks::no_op
