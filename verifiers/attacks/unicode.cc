// Letters that look alike, characters that cannot be seen, other normalisation forms, bytes that are no UTF-8.
#include "verifiers/attack.h"

#include "envs/base/utf8.h"

namespace assay::attacks::unicode {
namespace {

struct Swap {
  std::string_view how, from, to;
};

// The first that occurs of each kind is tried.
constexpr Swap kSwaps[] = {{"a Cyrillic letter", "a", "а"},         {"a Cyrillic letter", "e", "е"},          {"a Cyrillic letter", "o", "о"},
                           {"a Greek letter", "A", "Α"},            {"a Greek letter", "o", "ο"},             {"a fullwidth letter", "n", "ｎ"},
                           {"a fullwidth digit", "1", "１"},        {"a fullwidth digit", "0", "０"},         {"an Arabic digit", "2", "٢"},
                           {"a no-break space", " ", "\u00a0"},     {"an ideographic space", " ", "\u3000"},  {"another hyphen", "-", "\u2010"},
                           {"a minus sign", "-", "\u2212"},         {"a ligature", "fi", "ﬁ"},                {"a long s", "s", "ſ"},
                           {"taken apart (NFD)", "é", "e\u0301"},   {"taken apart (NFD)", "ü", "u\u0308"},    {"taken apart (NFD)", "ö", "o\u0308"},
                           {"taken apart (NFD)", "ñ", "n\u0303"},   {"put together (NFC)", "e\u0301", "é"},   {"a dotless i", "i", "ı"}};

constexpr std::pair<std::string_view, std::string_view> kUnseen[] = {{"a zero-width space", "\u200b"},  {"a zero-width joiner", "\u200d"},
                                                                     {"a soft hyphen", "\u00ad"},       {"a byte-order mark", "\ufeff"},
                                                                     {"a right-to-left mark", "\u200f"}, {"a combining accent", "\u0301"},
                                                                     {"a variation selector", "\ufe0f"}};

// Between characters, not far from the middle.
size_t middle(const std::string& text) {
  size_t at = text.size() / 2;
  while (at < text.size() && (text[at] & 0xc0) == 0x80) ++at;
  return at;
}

void attack_text(const std::string& text, const Attempts::Place& place) {
  std::string_view tried;
  for (const auto& [how, from, to] : kSwaps) {
    const size_t at = text.find(from);
    if (how == tried || at == std::string::npos) continue;
    tried = how;
    place.put(how, std::string(text).replace(at, from.size(), to));
  }
  for (const auto& [how, character] : kUnseen) {
    place.put(how, std::string(text).insert(middle(text), character));
    place.put(how, text + std::string(character));
  }
  place.put("a zero byte behind it", text + std::string(1, '\0'));
  place.put("a zero byte and more behind it", text + std::string(1, '\0') + "x");
  place.put_raw("a byte that is no UTF-8", Json(text).dump().insert(1, "\xff"));
  place.put_raw("an overlong form", Json(text).dump().insert(1, "\xc0\xaf"));
  place.put_raw("half a surrogate pair", Json(text).dump().insert(1, "\\ud800"));
}

void attack(Attempts& attempts) {
  attempts.each(Part::kText, 2, [](const Json& part, const auto& place) { attack_text(part, place); });
  attempts.each(Part::kNumber, 1, [](const Json& part, const auto& place) {
    std::string wide;
    for (char c : part.dump()) wide += c >= '0' && c <= '9' ? "\xef\xbc" + std::string(1, static_cast<char>(0x90 + c - '0')) : std::string(1, c);
    place.put("fullwidth digits, as a text", wide);
    place.put_raw("fullwidth digits", wide);
  });
  attempts.answer("a no-break space before it", "\u00a0" + attempts.gold_text());
  attempts.answer("a zero-width space behind it", attempts.gold_text() + "\u200b");
}

}  // namespace

Attack make() { return {"unicode", "Look-alikes, unseen characters, normalisation forms, bytes that are no UTF-8", attack}; }

}  // namespace assay::attacks::unicode
