// More than an answer may hold, around a right one, and too many levels.
#include "verifiers/attack.h"

#include <algorithm>

namespace assay::attacks::over_long {
namespace {

constexpr size_t kMostBytes = 64 << 10;   // no verifier reads more, whatever a task allows

void attack(Attempts& attempts) {
  const std::string& gold = attempts.gold_text();
  const size_t size = std::max(kMostBytes, static_cast<size_t>(attempts.task().limits.answer_bytes)) + 1;
  // A state is no text: white space around it and its length are nobody's.
  const Excuse excuse = attempts.task().goal.is_null() ? Excuse::kNever : Excuse::kRight;
  attempts.answer("white space behind it", gold + std::string(size - std::min(size, gold.size()), ' '), excuse);
  attempts.answer("white space before it", std::string(size - std::min(size, gold.size()), ' ') + gold, excuse);
  attempts.answer("words behind it", gold + std::string(size, 'x'), Excuse::kNever);
  attempts.answer("lists without end", std::string(5'000, '['), Excuse::kNever);
  attempts.answer("in a thousand lists", std::string(1'000, '[') + gold + std::string(1'000, ']'), Excuse::kNever);
  attempts.answer("keys without end", std::string(size, '{'), Excuse::kNever);
  attempts.answer("a number of many digits", std::string(size, '9'), Excuse::kNever);
  attempts.each(Part::kText, 1, [&](const Json& part, const auto& place) {
    place.put_raw("a text with white space without end", "\"" + std::string(size, ' ') + part.dump().substr(1), excuse);
  });
}

}  // namespace

Attack make() { return {"over_long", "More than an answer may hold, too many levels", attack}; }

}  // namespace assay::attacks::over_long
