#include "verifiers/amount_text.h"

#include <algorithm>
#include <cctype>

namespace assay {
namespace {

// Of a word in the plural.
std::string singular(const std::string& word) {
  if (word == "people") return "person";
  if (word.size() < 4 || !word.ends_with("s") || word.ends_with("ss") || word.ends_with("species") || word.ends_with("series")) return word;
  if (word.ends_with("ies")) return word.substr(0, word.size() - 3) + "y";
  for (const char* ending : {"sses", "shes", "ches", "xes"})
    if (word.ends_with(ending)) return word.substr(0, word.size() - 2);
  return word.substr(0, word.size() - 1);
}

// A unit as it is said of one: "minute a day", "gold piece", "thousand hours". Names, such as Celsius, stay.
std::string unit_of_one(const std::string& unit) {
  if (unit.starts_with("thousand") || unit.starts_with("million")) return unit;
  std::string out;
  bool counted = true;   // before "a", "per", "after" …: what there is one of
  for (size_t at = 0; at <= unit.size();) {
    const size_t end = std::min(unit.find(' ', at), unit.size());
    const std::string word = unit.substr(at, end - at);
    for (const char* of : {"a", "an", "of", "per", "after", "above", "in", "by"}) counted &= word != of;
    const bool is_name = !word.empty() && std::isupper(static_cast<unsigned char>(word[0]));
    out += (out.empty() ? "" : " ") + (counted && !is_name ? singular(word) : word);
    at = end + 1;
  }
  return out;
}

}  // namespace

std::string amount_text(const std::string& number, const std::string& unit) {
  return unit.empty() ? number : number + " " + (number == "1" ? unit_of_one(unit) : unit);
}

}  // namespace assay
