#include <array>

#include "engine/checkpoint/synthetic.h"

namespace assay {
namespace {

struct AddedToken {
  const char* text;
  bool special;   // left out when a text is decoded for people
};

constexpr std::array<AddedToken, 7> kAddedTokens = {{{"<｜begin▁of▁sentence｜>", true},
                                                     {"<｜end▁of▁sentence｜>", true},
                                                     {"<｜User｜>", true},
                                                     {"<｜Assistant｜>", true},
                                                     {"<think>", false},
                                                     {"</think>", false},
                                                     {"｜DSML｜", false}}};
constexpr int64_t kBytes = 256;

std::string utf8_of(uint32_t code) {
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
}

// Byte-level BPE writes printable bytes of Latin-1 as themselves and the others as the characters from U+0100 on.
std::vector<std::string> byte_characters() {
  std::vector<std::string> characters;
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < kBytes; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
    characters.push_back(utf8_of(printable ? byte : next++));
  }
  return characters;
}

OrderedJson added_token(int64_t id, const std::string& text, bool special) {
  return {{"id", id}, {"content", text}, {"single_word", false}, {"lstrip", false}, {"rstrip", false}, {"normalized", false},
          {"special", special}};
}

}  // namespace

int64_t byte_vocabulary_size() { return static_cast<int64_t>(kAddedTokens.size()) + kBytes; }

OrderedJson byte_tokenizer(int64_t vocab_size) {
  OrderedJson added = OrderedJson::array(), vocabulary = OrderedJson::object();
  int64_t id = 0;
  for (const AddedToken& token : kAddedTokens) added.push_back(added_token(id++, token.text, token.special));
  for (const std::string& character : byte_characters()) vocabulary[character] = id++;
  for (int64_t i = 0; id < vocab_size; ++i) added.push_back(added_token(id++, "<｜place▁holder▁no▁" + std::to_string(i) + "｜>", true));

  const OrderedJson byte_level{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  const OrderedJson model{{"type", "BPE"}, {"dropout", nullptr}, {"unk_token", nullptr}, {"continuing_subword_prefix", nullptr},
                          {"end_of_word_suffix", nullptr}, {"fuse_unk", false}, {"byte_fallback", false}, {"ignore_merges", false},
                          {"vocab", vocabulary}, {"merges", OrderedJson::array()}};
  return {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"added_tokens", added}, {"normalizer", nullptr},
          {"pre_tokenizer", byte_level}, {"post_processor", nullptr}, {"decoder", byte_level}, {"model", model}};
}

}  // namespace assay
