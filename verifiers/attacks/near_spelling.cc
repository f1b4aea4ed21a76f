// Synonyms, near spellings of texts, and numbers close by.
#include "verifiers/attack.h"

#include <cctype>
#include <cmath>

namespace assay::attacks::near_spelling {
namespace {

constexpr std::pair<std::string_view, std::string_view> kSynonyms[] = {
    {"Hotel", "Inn"},  {"Inn", "Hotel"},     {"House", "Home"},  {"Restaurant", "Bistro"}, {"Street", "St."},    {"Road", "Rd."},
    {"Saint", "St."},  {"Mount", "Mt."},     {"North", "N."},    {"South", "S."},          {"Center", "Centre"}, {"Centre", "Center"},
    {"Doctor", "Dr."}, {"Museum", "Gallery"}, {"Garden", "Park"}, {"Park", "Garden"},       {" and ", " & "},     {" & ", " and "},
    {"-", "/"},        {"-", " "},            {" ", "-"},         {" ", ""},                {"'", "’"},           {"é", "e"}};

void misspell(const std::string& text, const Attempts::Place& place) {
  for (const auto& [word, other] : kSynonyms)
    if (const size_t at = text.find(word); at != std::string::npos) place.put("a synonym", std::string(text).replace(at, word.size(), other));
  place.put("an article before it", "The " + text);
  place.put("a plural", text + "s");
  place.put("a full stop", text + ".");
  place.put("in quotes", "\"" + text + "\"");
  place.put("a remark behind it", text + " (the one you asked for)");
  // In the middle, between two letters: the ends are the business of `prefixes`.
  size_t at = text.size() / 2;
  while (at + 1 < text.size() && !(std::isalnum(static_cast<unsigned char>(text[at])) && std::isalnum(static_cast<unsigned char>(text[at + 1])))) ++at;
  if (at + 1 >= text.size()) return;
  place.put("a letter twice", std::string(text).insert(at, 1, text[at]));
  place.put("a letter less", std::string(text).erase(at, 1));
  std::string swapped = text;
  std::swap(swapped[at], swapped[at + 1]);
  place.put("two letters swapped", swapped);
}

void attack(Attempts& attempts) {
  attempts.each(Part::kText, 2, [](const Json& part, const auto& place) { misspell(part, place); });
  attempts.each(Part::kNumber, 2, [](const Json& part, const auto& place) {
    if (part.is_number_integer()) {
      const auto value = part.get<int64_t>();
      if (value < INT64_MAX) place.put("one more", value + 1);
      if (value > INT64_MIN) place.put("one less", value - 1);
      return place.put("as a text with its unit", part.dump() + " units");
    }
    const double value = part;
    place.put("a thousandth more", value * 1.001 + 1e-9);
    place.put("rounded", std::round(value));
    place.put("as a text", part.dump());
  });
}

}  // namespace

Attack make() { return {"near_spelling", "Synonyms, near spellings, numbers close by", attack}; }

}  // namespace assay::attacks::near_spelling
