// The right parts in another order.
#include "verifiers/attack.h"

#include <algorithm>

namespace assay::attacks::reorder {
namespace {

void attack_array(Json part, const Attempts::Place& place) {
  if (part.size() < 2) return;
  std::rotate(part.begin(), part.begin() + 1, part.end());
  place.put("rotated", part);
  std::rotate(part.begin(), part.end() - 1, part.end());
  std::reverse(part.begin(), part.end());
  place.put("backwards", part);
  std::reverse(part.begin(), part.end());
  if (part[0].is_object() && part[1].is_object())
    for (const auto& [key, value] : part[0].items()) {
      if (!part[1].contains(key) || part[1][key] == value) continue;
      Json crossed = part;
      std::swap(crossed[0][key], crossed[1][key]);
      place.put("a value swapped with its neighbour's", crossed);
    }
  std::sort(part.begin(), part.end());
  place.put("sorted", part);
}

void attack_object(const Json& part, const Attempts::Place& place) {
  for (auto left = part.begin(); left != part.end(); ++left) {
    const auto right = std::next(left);
    if (right == part.end() || left->type() != right->type()) continue;
    Json crossed = part;
    std::swap(crossed[left.key()], crossed[right.key()]);
    place.put("the values of two keys swapped", crossed);
  }
}

std::string backwards(std::string text) {
  std::reverse(text.begin(), text.end());
  return text;
}

void attack(Attempts& attempts) {
  attempts.each(Part::kArray, 2, [](const Json& part, const auto& place) { attack_array(part, place); });
  attempts.each(Part::kObject, 2, [](const Json& part, const auto& place) { attack_object(part, place); });
  attempts.each(Part::kText, 1, [](const Json& part, const auto& place) {
    const std::string text = part;
    if (const size_t space = text.find(' '); space != std::string::npos) place.put("its words the other way round", text.substr(space + 1) + " " + text.substr(0, space));
  });
  attempts.each(Part::kNumber, 1, [](const Json& part, const auto& place) { place.put_raw("its digits backwards", backwards(part.dump())); });
}

}  // namespace

Attack make() { return {"reorder", "The right parts in another order", attack}; }

}  // namespace assay::attacks::reorder
