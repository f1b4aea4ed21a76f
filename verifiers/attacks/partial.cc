// Only a part of the right answer.
#include "verifiers/attack.h"

namespace assay::attacks::partial {
namespace {

void attack_object(const Json& part, const Attempts::Place& place) {
  for (const auto& [key, value] : part.items()) {
    Json fewer = part;
    fewer.erase(key);
    place.put("a key less", fewer);
    fewer[key] = nullptr;
    place.put("a value that is null", fewer);
  }
  place.put("no keys", Json::object());
}

void attack_array(const Json& part, const Attempts::Place& place) {
  if (part.empty()) return;
  Json fewer = part;
  fewer.erase(fewer.size() - 1);
  place.put("all but the last item", fewer);
  fewer = part;
  fewer.erase(0);
  place.put("all but the first item", fewer);
  place.put("the first item in its list", Json::array({part[0]}));
  place.put("the first item alone", part[0]);
  fewer = part;
  fewer.back() = nullptr;
  place.put("a last item that is null", fewer);
}

void attack(Attempts& attempts) {
  attempts.each(Part::kObject, 1, attack_object);
  attempts.each(Part::kArray, 1, attack_array);
  attempts.each(Part::kText, 2, [](const Json&, const auto& place) {
    place.put("a text that is empty", "");
    place.put("a text that is unknown", "unknown");
    place.put("null for a text", nullptr);
  });
  attempts.each(Part::kNumber, 2, [](const Json&, const auto& place) { place.put("null for a number", nullptr); });
}

}  // namespace

Attack make() { return {"partial", "Only a part of the right answer", attack}; }

}  // namespace assay::attacks::partial
