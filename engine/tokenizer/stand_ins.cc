#include "engine/tokenizer/stand_ins.h"

#include <algorithm>
#include <cstdint>

#include "engine/tokenizer/utf8.h"

namespace assay {
namespace {

struct Range {
  uint32_t first, last, stand_in;
};

// By tests/engine/tokenizer/make_stand_ins.py.
constexpr Range kRanges[] = {
#include "engine/tokenizer/stand_ins.inc"
};

// The table leaves out kana, ideographs and syllables; so most characters need no search.
bool may_be_newer(uint32_t code) { return code < 0x3000 || (code >= 0x31e0 && code < 0x3200) || (code >= 0xa7c0 && code < 0xa800) || code >= 0x10000; }

const Range* range_of(uint32_t code) {
  const Range* found = std::ranges::lower_bound(kRanges, code, {}, &Range::last);
  return found != std::end(kRanges) && found->first <= code ? found : nullptr;
}

}  // namespace

std::string with_stand_ins(std::string_view text) {
  std::string seen;
  size_t copied = 0;
  for (size_t at = 0; at < text.size();) {
    if (static_cast<uint8_t>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const Utf8Character character = read_utf8(text.substr(at));
    const Range* range = may_be_newer(character.code) ? range_of(character.code) : nullptr;
    if (range) {
      seen += text.substr(copied, at - copied);
      append_utf8(range->stand_in, seen);
      copied = at + character.length;
    }
    at += character.length;
  }
  if (copied > 0) seen += text.substr(copied);
  return seen;
}

}  // namespace assay
