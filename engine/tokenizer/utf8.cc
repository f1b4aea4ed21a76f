#include "engine/tokenizer/utf8.h"

#include <cstring>

namespace assay {
namespace {

uint8_t byte_at(std::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }

struct Lead {
  size_t length;         // of the character it begins; 0: begins none
  uint8_t first, last;   // bounds of the second byte
};

// Table 3-7 of the standard.
Lead lead_of(uint8_t byte) {
  if (byte < 0xc2) return {0, 0, 0};
  if (byte < 0xe0) return {2, 0x80, 0xbf};
  if (byte == 0xe0) return {3, 0xa0, 0xbf};
  if (byte == 0xed) return {3, 0x80, 0x9f};
  if (byte < 0xf0) return {3, 0x80, 0xbf};
  if (byte == 0xf0) return {4, 0x90, 0xbf};
  if (byte < 0xf4) return {4, 0x80, 0xbf};
  if (byte == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

// Appends the whole characters of `text` and replaces broken ones; returns how many bytes at its end are a cut character.
size_t replace_all_but_cut(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const size_t good = utf8_prefix(text);
    out += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    const Utf8Character bad = read_utf8(text);
    if (bad.form == Utf8Character::Form::kCut) return text.size();
    out += kReplacementCharacter;
    text.remove_prefix(bad.length);
  }
  return 0;
}

}  // namespace

Utf8Character read_utf8(std::string_view text) {
  using Form = Utf8Character::Form;
  const uint8_t first = byte_at(text, 0);
  if (first < 0x80) return {Form::kWhole, first, 1};
  const Lead lead = lead_of(first);
  if (lead.length == 0) return {Form::kBroken, 0, 1};
  uint32_t code = first & (0x7fu >> lead.length);
  for (size_t i = 1; i < lead.length; ++i) {
    if (i == text.size()) return {Form::kCut, 0, i};
    const uint8_t byte = byte_at(text, i);
    if (byte < (i == 1 ? lead.first : 0x80) || byte > (i == 1 ? lead.last : 0xbf)) return {Form::kBroken, 0, i};
    code = code << 6 | (byte & 0x3f);
  }
  return {Form::kWhole, code, lead.length};
}

std::string_view last_character(std::string_view text) {
  size_t begin = text.size() - 1;
  while ((byte_at(text, begin) & 0xc0) == 0x80) --begin;
  return text.substr(begin);
}

void append_utf8(uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  const int rest = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  out += static_cast<char>((0xff00 >> (rest + 1) & 0xff) | code >> 6 * rest);
  for (int i = rest - 1; i >= 0; --i) out += static_cast<char>(0x80 | (code >> 6 * i & 0x3f));
}

size_t utf8_prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    uint64_t eight = 0;
    if (at + sizeof eight <= text.size()) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const Utf8Character character = read_utf8(text.substr(at));
    if (character.form != Utf8Character::Form::kWhole) break;
    at += character.length;
  }
  return at;
}

std::string replace_broken_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  if (replace_all_but_cut(text, out) > 0) out += kReplacementCharacter;
  return out;
}

void Utf8Stream::push(std::string_view bytes, std::string& out) {
  held_ += bytes;
  const size_t cut = replace_all_but_cut(held_, out);
  held_.erase(0, held_.size() - cut);
}

void Utf8Stream::finish(std::string& out) {
  if (!held_.empty()) out += kReplacementCharacter;
  held_.clear();
}

}  // namespace assay
