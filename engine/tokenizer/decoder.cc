#include "engine/tokenizer/decoder.h"

#include <charconv>

#include "engine/tokenizer/byte_level.h"

namespace assay {
namespace {

// The byte of a token such as <0x0A>; -1 for others.
int byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return -1;
  int byte = 0;
  const char* end = token.data() + 5;
  const auto [stopped, error] = std::from_chars(token.data() + 3, end, byte, 16);
  return error == std::errc() && stopped == end && byte >= 0 ? byte : -1;
}

}  // namespace

Result<Decoder> Decoder::read(const Json& decoder, const std::string& file, const std::string& path) {
  if (decoder.is_null()) return input_error("without a decoder tokens cannot be made text", file + ": " + path, "ByteLevel");
  Decoder made;
  ASSAY_TRY(made.add_steps(decoder, file, path));
  return made;
}

Status Decoder::add_steps(const Json& step, const std::string& file, const std::string& path) {
  JsonReader reader(step, file, path);
  const std::string type = reader.text("type");
  if (reader.failed()) return reader.finish();
  if (type == "Sequence") {
    const Json& inner = reader.array("decoders");
    for (size_t i = 0; i < inner.size(); ++i) ASSAY_TRY(add_steps(inner[i], file, reader.path_of("decoders") + "[" + std::to_string(i) + "]"));
    return reader.finish();
  }
  const auto enter = [&](Stage stage) {
    if (byte_level_ || stage < stage_) reader.fail("type", type + " is not supported after what stands before it", "the order Replace, ByteFallback, Fuse, Strip; or ByteLevel alone");
    stage_ = stage;
    any_ = true;
  };
  if (type == "ByteLevel") {
    for (const char* unused : {"add_prefix_space", "trim_offsets", "use_regex"}) reader.boolean_or(unused, true);  // they are of the pre-tokenizer
    if (any_) reader.fail("type", "ByteLevel together with another decoder is not supported");
    byte_level_ = any_ = true;
  } else if (type == "Replace") {
    enter(Stage::kReplace);
    ASSAY_ASSIGN(Replacement replacement, Replacement::read(reader));
    replacements_.push_back(std::move(replacement));
  } else if (type == "ByteFallback") {
    enter(Stage::kByteFallback);
    byte_fallback_ = true;
  } else if (type == "Fuse") {
    enter(Stage::kFuse);
  } else if (type == "Strip") {
    if (stage_ != Stage::kFuse) reader.fail("type", "Strip is supported after Fuse, once");
    enter(Stage::kStrip);
    stripped_ = reader.text("content");
    strip_count_ = reader.integer("start", {.minimum = 0});
    reader.integer("stop", {.minimum = 0, .maximum = 0});
    if (stripped_.empty() || read_utf8(stripped_).length != stripped_.size()) reader.fail("content", "expected one character");
  } else {
    reader.fail("type", "the decoder " + type + " is not supported", "one of Sequence, ByteLevel, Replace, ByteFallback, Fuse, Strip");
  }
  return reader.finish();
}

Decoder::Part Decoder::part_of(const std::string& token) const {
  if (byte_level_) return {from_byte_characters(token).value_or(token)};
  std::string text = token;
  for (const Replacement& replacement : replacements_) text = replacement.apply(text);
  const int byte = byte_fallback_ ? byte_of_token(text) : -1;
  if (byte >= 0) return {std::string(1, static_cast<char>(byte)), true};
  return {std::move(text)};
}

void Decoder::State::push(const Part& part, std::string& out) {
  if (decoder_->byte_level_) return stream_.push(part.bytes, out);
  if (part.is_byte) {
    run_ += part.bytes;
    return;
  }
  end_run(out);
  give(part.bytes, out);
}

void Decoder::State::finish(std::string& out) {
  stream_.finish(out);
  end_run(out);
}

void Decoder::State::end_run(std::string& out) {
  if (utf8_prefix(run_) == run_.size()) {
    give(run_, out);
  } else {
    for (size_t i = 0; i < run_.size(); ++i) give(kReplacementCharacter, out);
  }
  run_.clear();
}

void Decoder::State::give(std::string_view text, std::string& out) {
  while (strip_left_ > 0 && !text.empty()) {
    if (!text.starts_with(decoder_->stripped_)) strip_left_ = 0;
    else --strip_left_, text.remove_prefix(decoder_->stripped_.size());
  }
  out += text;
}

}  // namespace assay
