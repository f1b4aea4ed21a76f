#include "envs/plural.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace assay {
namespace {

bool ends_with_any(std::string_view word, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return word.ends_with(end); });
}

}  // namespace

std::string plural_of(const std::string& label) {
  size_t end = label.size();   // of the noun that the phrase is about
  for (const char* word : {" of ", " in ", " at ", " on ", " for ", " from ", " to ", " before ", " after ", " that "}) end = std::min(end, label.find(word));
  const std::string noun = label.substr(0, end), rest = label.substr(end);
  const bool vowel_before_y = ends_with_any(noun, {"ay", "ey", "oy", "uy"});
  if (noun.ends_with("y") && !vowel_before_y) return noun.substr(0, noun.size() - 1) + "ies" + rest;
  return noun + (ends_with_any(noun, {"s", "x", "z", "ch", "sh"}) ? "es" : "s") + rest;
}

}  // namespace assay
