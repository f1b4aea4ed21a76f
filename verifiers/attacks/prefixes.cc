// Beginnings, ends and patterns, of texts and of the whole answer.
#include "verifiers/attack.h"

#include "envs/base/utf8.h"

namespace assay::attacks::prefixes {
namespace {

// At most `bytes` bytes, cut between characters.
std::string beginning(const std::string& text, size_t bytes) {
  const std::string_view cut = std::string_view(text).substr(0, bytes);
  return std::string(cut.substr(0, well_formed_bytes(cut)));
}

void attack(Attempts& attempts) {
  attempts.each(Part::kText, 3, [](const Json& part, const auto& place) {
    const std::string text = part;
    place.put("its first half", beginning(text, text.size() / 2));
    place.put("all but the last letter", beginning(text, text.size() - (text.empty() ? 0 : 1)));
    place.put("its first word", text.substr(0, text.find(' ')));
    if (const size_t space = text.rfind(' '); space != std::string::npos) place.put("its last word", text.substr(space + 1));
    place.put("more behind it", text + " II");
    place.put("twice", text + text);
    for (const char* pattern : {"%", "*", ".*", "_"}) place.put("a pattern", pattern);
    place.put("it as a pattern", beginning(text, text.size() / 2) + "%");
  });
  const std::string& gold = attempts.gold_text();
  attempts.answer("half of it", std::string_view(gold).substr(0, gold.size() / 2));
  attempts.answer("all but the last byte", std::string_view(gold).substr(0, gold.size() - 1));
  attempts.answer("all but the first byte", std::string_view(gold).substr(1));
  attempts.answer("a byte more", gold + "x");
  attempts.answer("it twice", gold + gold);
  attempts.answer("it twice, in lines", gold + "\n" + gold);
}

}  // namespace

Attack make() { return {"prefixes", "Beginnings, ends and patterns of the gold", attack}; }

}  // namespace assay::attacks::prefixes
