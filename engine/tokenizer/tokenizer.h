// A tokenizer.json of Hugging Face tokenizers, whose ids this gives: byte-pair encoding, byte-level (DeepSeek-V3, GLM, Qwen, Llama-3,
// GPT-2) or over characters with byte tokens (converted from SentencePiece). The parts of the file and what is supported of each stand
// in added_tokens.h, normalizer.h, pre_tokenizer.h, bpe.h, decoder.h and oniguruma.h; post-processors are ByteLevel, TemplateProcessing
// and Sequence. A member that is not supported is an error that names it; truncation and padding have to be null. tokenizer_config.json
// is not read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/status.h"

namespace assay {

struct EncodeOptions {
  enum class Template { kLeaveOut, kApply };

  Template post_processor = Template::kLeaveOut;  // kApply adds the tokens of the file's TemplateProcessing, a BOS for example
};

// What becomes of special tokens in decoded text.
enum class SpecialTokens { kKeep, kLeaveOut };

// Immutable; copies share one state. Any thread may use it.
class Tokenizer {
 public:
  // `path` is a tokenizer.json or the directory that has it.
  static Result<Tokenizer> load(const std::string& path);
  // The text of such a file; `where` names it in errors.
  static Result<Tokenizer> parse(std::string_view json, const std::string& where);

  // The ids of `text`, which is shorter than 2^31 bytes. Bytes that are not UTF-8 are encoded as U+FFFD, as decode() writes them.
  // Texts of added tokens become these tokens wherever they stand, so what comes from outside can forge them.
  std::vector<int32_t> encode(std::string_view text, const EncodeOptions& options = {}) const;

  // UTF-8. Ids without a token give no text.
  std::string decode(std::span<const int32_t> ids, SpecialTokens special = SpecialTokens::kKeep) const;

  // The highest id + 1. Some ids below may have no token.
  int64_t vocabulary_size() const;
  // By the token's text as the file has it ("Ġthe", "<think>").
  std::optional<int32_t> id_of(std::string_view token) const;
  // Nothing for an id without a token; lives as long as a copy of the tokenizer.
  const std::string* token_of(int64_t id) const;
  bool is_special(int64_t id) const;
  // What the token adds to a decoded text, which may be a part of a character; nothing for an id without a token. Lives as long as a
  // copy of the tokenizer. (A decoder that strips the start of texts still gives it whole.)
  std::string_view bytes_of(int64_t id) const;

 private:
  friend class StreamDecoder;
  struct State;
  explicit Tokenizer(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

// decode() in pieces: the outputs of push() for each id and then finish() make the same text, and each is whole characters. Text is
// given out as soon as no later id can change it (decoder.h says when that is). One thread.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, SpecialTokens special = SpecialTokens::kKeep);
  StreamDecoder(StreamDecoder&&) noexcept;
  StreamDecoder& operator=(StreamDecoder&&) noexcept;
  ~StreamDecoder();

  std::string push(int32_t id);
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay
