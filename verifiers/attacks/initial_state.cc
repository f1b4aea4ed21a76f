// What is there before anybody has done anything: the first entity of every list, zero, false.
#include "verifiers/attack.h"

namespace assay::attacks::initial_state {
namespace {

// Every slot takes the entity of its table at `place`, counted from the front or, if negative, from the back.
bool same_everywhere(const AnswerShape& shape, const Tables& tables, int place, Assignment& rows) {
  for (int slot = 0; slot < shape.slots(); ++slot) {
    const Table* table = tables.find(shape.fields[static_cast<size_t>(shape.field_of_slot(slot))].table);
    if (!table || table->size() == 0) return false;
    rows.push_back(place < 0 ? table->size() + place : place);
  }
  return !rows.empty();
}

Json zeroed(const Json& value) {
  if (value.is_number()) return 0;
  if (value.is_boolean()) return false;
  if (value.is_string()) return "0";
  Json out = value;
  for (Json& below : out) below = zeroed(below);
  return out;
}

void attack(Attempts& attempts) {
  for (int place : {0, -1}) {
    Assignment rows;
    if (same_everywhere(attempts.task().answer, attempts.environment().tables, place, rows))
      attempts.answer(place == 0 ? "the first entity everywhere" : "the last entity everywhere",
                      answer_text(attempts.task().answer, attempts.environment().tables, rows), Excuse::kNever);
  }
  attempts.value("zero everywhere", zeroed(attempts.gold()), Excuse::kNever);
  for (const char* constant : {"0", "1", "-1", "0.0", "[0]", "\"0\""}) attempts.answer("a constant", constant, Excuse::kNever);
}

}  // namespace

Attack make() { return {"initial_state", "What was there before: the first entity of every list, zero, false", attack}; }

}  // namespace assay::attacks::initial_state
