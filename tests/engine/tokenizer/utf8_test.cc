#include "engine/tokenizer/utf8.h"

#include <catch2/catch.hpp>

#include "engine/tokenizer/byte_level.h"
#include "envs/base/rng.h"

namespace assay {

TEST_CASE("every character is written and read back") {
  for (uint32_t code = 0; code < 0x110000; ++code) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    std::string text;
    append_utf8(code, text);
    const Utf8Character read = read_utf8(text + "x");
    if (read.form != Utf8Character::Form::kWhole || read.code != code || read.length != text.size()) FAIL(code);
    for (size_t cut = 1; cut < text.size(); ++cut)
      if (read_utf8(text.substr(0, cut)).form != Utf8Character::Form::kCut) FAIL(code);
  }
}

TEST_CASE("a stream cut anywhere gives the text that is replaced at once") {
  const std::vector<std::string> parts = {"a", "\x80", "\xc3", "\xa9", "\xe4\xbd", "\xa0", "\xed\xa0", "\xf0\x9f", "\x98\x80", "\xff", "\xf4\x90", "\xc0", "\xe0\x80", "é", "😀"};
  for (uint64_t i = 0; i < 2000; ++i) {
    Rng rng(3, "utf8", i);
    std::string bytes, streamed;
    for (uint64_t left = rng.below(12); left > 0; --left) bytes += rng.pick(parts);
    Utf8Stream stream;
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = 1 + rng.below(4);
      stream.push(std::string_view(bytes).substr(at, size), streamed);
      CHECK(utf8_prefix(streamed) == streamed.size());
      at += size;
    }
    stream.finish(streamed);
    CHECK(streamed == replace_broken_utf8(bytes));
    if (utf8_prefix(bytes) == bytes.size()) CHECK(streamed == bytes);
  }
}

TEST_CASE("bytes become characters of the byte-level alphabet and back") {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  CHECK(from_byte_characters(to_byte_characters(bytes)) == bytes);
  CHECK(to_byte_characters(" the\n") == "ĠtheĊ");
  CHECK(!from_byte_characters("a b"));
  CHECK(!from_byte_characters("中"));
}

}  // namespace assay
