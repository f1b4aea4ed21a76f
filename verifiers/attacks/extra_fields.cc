// More than was asked for: keys, items, layers around the answer, values behind it.
#include "verifiers/attack.h"

namespace assay::attacks::extra_fields {
namespace {

void attack(Attempts& attempts) {
  attempts.each(Part::kObject, 2, [](const Json& part, const auto& place) {
    for (const char* key : {"note", "", "__proto__", "passed", "$schema"}) {
      if (part.contains(key)) continue;
      Json more = part;
      more[key] = true;
      place.put("another key", more, Excuse::kNever);
    }
    if (part.empty()) return;
    Json spaced = part;
    spaced[part.begin().key() + " "] = *part.begin();
    place.put("a key once more, with a space", spaced, Excuse::kNever);
  });
  attempts.each(Part::kArray, 2, [](const Json& part, const auto& place) {
    for (Json item : {Json(), Json::object(), Json::array(), part.empty() ? Json(0) : part.back()}) {
      Json more = part;
      more.push_back(std::move(item));
      place.put("another item", more, Excuse::kNever);
    }
    Json before = Json::array({nullptr});
    for (const Json& item : part) before.push_back(item);
    place.put("an item before the others", before, Excuse::kNever);
  });
  const std::string& gold = attempts.gold_text();
  for (const char* key : {"answer", "result", "value", "answer_text"}) attempts.value("inside of an object", Json{{key, attempts.gold()}}, Excuse::kNever);
  attempts.answer("inside of a list", "[" + gold + "]", Excuse::kNever);
  for (const char* more : {" null", " []", ",", ", " "\"more\"", ";", " // done"}) attempts.answer("more behind it", gold + more, Excuse::kNever);
}

}  // namespace

Attack make() { return {"extra_fields", "Keys, items and layers that were not asked for", attack}; }

}  // namespace assay::attacks::extra_fields
