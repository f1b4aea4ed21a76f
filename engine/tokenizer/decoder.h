// The "decoder" of a tokenizer.json: what turns tokens back into text. Two kinds are read: ByteLevel, and what tokenizers converted
// from SentencePiece have, a Sequence of Replace (any number), ByteFallback, Fuse and Strip (at the start), in this order, each of
// which may be missing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/replacement.h"
#include "engine/tokenizer/utf8.h"
#include "envs/base/json.h"

namespace assay {

class Decoder {
 public:
  // A token as the decoder sees it: a part of the text's bytes.
  struct Part {
    std::string bytes;
    bool is_byte = false;  // one byte of a character, by ByteFallback
  };
  // A text while it is being decoded.
  class State;

  // `decoder` is the member at `path` in `file`. Anything else than the above is an error that names it.
  static Result<Decoder> read(const Json& decoder, const std::string& file, const std::string& path);

  Part part_of(const std::string& token) const;

 private:
  enum class Stage { kReplace, kByteFallback, kFuse, kStrip };  // in the order they may come

  Status add_steps(const Json& step, const std::string& file, const std::string& path);

  bool byte_level_ = false, byte_fallback_ = false;
  std::vector<Replacement> replacements_;
  std::string stripped_;       // a character
  int64_t strip_count_ = 0;    // how many of it at most, at the start
  Stage stage_ = Stage::kReplace;
  bool any_ = false;
};

// Parts go in, text comes out as soon as no later part can change it. With ByteLevel that is whenever a character is whole; bytes that
// are none become U+FFFD (utf8.h). With ByteFallback a run of byte tokens counts as a whole: if it is not UTF-8, each of its bytes
// becomes U+FFFD, so it is held back until another token ends it.
class Decoder::State {
 public:
  explicit State(const Decoder& decoder) : decoder_(&decoder), strip_left_(decoder.strip_count_) {}

  void push(const Part& part, std::string& out);
  void finish(std::string& out);

 private:
  void end_run(std::string& out);
  void give(std::string_view text, std::string& out);

  const Decoder* decoder_;
  Utf8Stream stream_;   // ByteLevel
  std::string run_;     // ByteFallback
  int64_t strip_left_;
};

}  // namespace assay
