#include "datasets/rl/language_consistency.h"

#include <cstdint>
#include <vector>

#include "envs/base/json.h"

namespace assay {
namespace {

enum Script : unsigned {
  kNone = 0, kLatin = 1, kHan = 2, kKana = 4, kHangul = 8, kCyrillic = 16, kArabic = 32, kGreek = 64, kHebrew = 128, kDevanagari = 256, kThai = 512,
};

struct Range {
  uint32_t first, last;
  Script script;
};

// Blocks of Unicode 15 that hold the letters of each script, ascending.
constexpr Range kRanges[] = {
    {'A', 'Z', kLatin},          {'a', 'z', kLatin},          {0xC0, 0xD6, kLatin},        {0xD8, 0xF6, kLatin},        {0xF8, 0x24F, kLatin},
    {0x370, 0x3FF, kGreek},      {0x400, 0x52F, kCyrillic},   {0x591, 0x5F4, kHebrew},     {0x620, 0x6FF, kArabic},     {0x750, 0x77F, kArabic},
    {0x900, 0x97F, kDevanagari}, {0xE01, 0xE4E, kThai},       {0x1100, 0x11FF, kHangul},   {0x1E00, 0x1EFF, kLatin},    {0x1F00, 0x1FFF, kGreek},
    {0x3005, 0x3007, kHan},      {0x3041, 0x30FF, kKana},     {0x3131, 0x318E, kHangul},   {0x3400, 0x4DBF, kHan},      {0x4E00, 0x9FFF, kHan},
    {0xAC00, 0xD7A3, kHangul},   {0xF900, 0xFAFF, kHan},      {0xFB50, 0xFDFF, kArabic},   {0xFE70, 0xFEFC, kArabic},   {0xFF66, 0xFF9F, kKana},
    {0x20000, 0x323AF, kHan},
};

struct Code {
  const char* name;
  unsigned scripts;
};
constexpr Code kCodes[] = {
    {"en", kLatin},   {"zh", kHan},    {"ja", kHan | kKana}, {"ko", kHangul},     {"ru", kCyrillic},
    {"ar", kArabic},  {"el", kGreek},  {"he", kHebrew},      {"hi", kDevanagari}, {"th", kThai},
};

Script script_of(uint32_t character) {
  for (const Range& range : kRanges)
    if (character <= range.last) return character >= range.first ? range.script : kNone;
  return kNone;
}

// Takes a character off the front; 0 for a byte that begins none.
uint32_t next_character(std::string_view& text) {
  const uint8_t lead = static_cast<uint8_t>(text[0]);
  const size_t size = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
  uint32_t character = size == 1 ? lead : lead & (0x7fu >> size);
  bool whole = size > 0 && size <= text.size();
  for (size_t i = 1; whole && i < size; ++i) {
    whole = (static_cast<uint8_t>(text[i]) & 0xc0) == 0x80;
    character = character << 6 | (static_cast<uint8_t>(text[i]) & 0x3f);
  }
  text.remove_prefix(whole ? size : 1);
  return whole ? character : 0;
}

}  // namespace

Result<Language> Language::named(const std::string& code) {
  std::vector<std::string> known;
  for (const Code& c : kCodes) {
    if (c.name == code) return Language(c.scripts);
    known.emplace_back(c.name);
  }
  return unknown_name("language", code, known);
}

double Language::consistency(std::string_view text) const {
  int64_t words = 0, right = 0;
  Script before = kNone;
  for (bool code = false; !text.empty();) {
    if (text.starts_with("```")) {
      code = !code;
      before = kNone;
      text.remove_prefix(3);
      continue;
    }
    const Script script = script_of(next_character(text));
    const bool begins = script != kNone && (script != before || script == kHan || script == kKana);
    before = script;
    if (code || !begins) continue;
    ++words;
    right += (script & scripts_) != 0;
  }
  return words == 0 ? 1 : static_cast<double>(right) / static_cast<double>(words);
}

}  // namespace assay
