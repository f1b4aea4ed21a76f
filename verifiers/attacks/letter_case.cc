// Capitals and small letters, in texts and in keys.
#include "verifiers/attack.h"

#include <algorithm>
#include <cctype>

namespace assay::attacks::letter_case {
namespace {

std::string mapped(std::string text, int (*map)(int)) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x80) c = static_cast<char>(map(c));
  return text;
}

int turned(int c) { return std::isupper(c) ? std::tolower(c) : std::toupper(c); }

void attack(Attempts& attempts) {
  attempts.each(Part::kText, 4, [](const Json& part, const auto& place) {
    const std::string text = part;
    place.put("in capitals", mapped(text, std::toupper));
    place.put("in small letters", mapped(text, std::tolower));
    place.put("the case of every letter turned", mapped(text, turned));
    place.put("one letter turned", mapped(text.substr(0, 1), turned) + (text.empty() ? "" : text.substr(1)));
  });
  attempts.each(Part::kObject, 2, [](const Json& part, const auto& place) {
    Json capitals = Json::object();
    for (const auto& [key, value] : part.items()) capitals[mapped(key, std::toupper)] = value;
    place.put("keys in capitals", capitals);
  });
}

}  // namespace

Attack make() { return {"letter_case", "Capitals and small letters in texts and keys", attack}; }

}  // namespace assay::attacks::letter_case
