// A key twice, once right and once wrong: readers keep one of the two without a word.
#include "verifiers/attack.h"

#include <cstdio>

namespace assay::attacks::duplicate_keys {
namespace {

void attack_object(const Json& part, const Attempts::Place& place) {
  const auto first = part.begin();
  const std::string key = Json(first.key()).dump(), wrong = key + ":\"another\"", same = key + ":" + first->dump();
  const std::string body = part.dump(), inside = body.substr(1, body.size() - 2);
  place.put_raw("wrong, then right", "{" + wrong + "," + inside + "}", Excuse::kNever);
  place.put_raw("right, then wrong", "{" + inside + "," + wrong + "}", Excuse::kNever);
  place.put_raw("right, twice", "{" + inside + "," + same + "}", Excuse::kNever);
  place.put_raw("null, then right", "{" + key + ":null," + inside + "}", Excuse::kNever);
  if (first.key().empty()) return;
  char escape[8];
  std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(first.key()[0])));
  const std::string escaped = "\"" + std::string(escape) + first.key().substr(1) + "\":\"another\"";
  if (static_cast<unsigned char>(first.key()[0]) < 0x80)
    place.put_raw("the wrong one escaped, then right", "{" + escaped + "," + inside + "}", Excuse::kNever);
}

void attack(Attempts& attempts) {
  attempts.each(Part::kObject, 2, [](const Json& part, const auto& place) {
    if (!part.empty()) attack_object(part, place);
  });
  const std::string& gold = attempts.gold_text();
  attempts.answer("two answers, the right one last", R"({"answer":"another","answer":)" + gold + "}", Excuse::kNever);
  attempts.answer("two answers, the right one first", R"({"answer":)" + gold + R"(,"answer":"another"})", Excuse::kNever);
}

}  // namespace

Attack make() { return {"duplicate_keys", "A key twice, once right and once wrong", attack}; }

}  // namespace assay::attacks::duplicate_keys
