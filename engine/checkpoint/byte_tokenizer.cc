#include <array>

#include "engine/checkpoint/synthetic.h"
#include "engine/tokenizer/byte_level.h"

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

OrderedJson added_token(int64_t id, const std::string& text, bool special) {
  return {{"id", id}, {"content", text}, {"single_word", false}, {"lstrip", false}, {"rstrip", false}, {"normalized", false},
          {"special", special}};
}

}  // namespace

int64_t byte_vocabulary_size() { return static_cast<int64_t>(kAddedTokens.size()) + kBytes; }

OrderedJson byte_tokenizer(int64_t vocab_size) {
  OrderedJson added = OrderedJson::array(), vocabulary = OrderedJson::object();
  int64_t id = 0;
  // In the vocabulary too: readers take ids from there before they count on.
  for (const AddedToken& token : kAddedTokens) {
    vocabulary[token.text] = id;
    added.push_back(added_token(id++, token.text, token.special));
  }
  for (int64_t byte = 0; byte < kBytes; ++byte) vocabulary[byte_character(static_cast<uint8_t>(byte))] = id++;
  for (int64_t i = 0; id < vocab_size; ++i) added.push_back(added_token(id++, "<｜place▁holder▁no▁" + std::to_string(i) + "｜>", true));

  const OrderedJson byte_level{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  const OrderedJson model{{"type", "BPE"}, {"dropout", nullptr}, {"unk_token", nullptr}, {"continuing_subword_prefix", nullptr},
                          {"end_of_word_suffix", nullptr}, {"fuse_unk", false}, {"byte_fallback", false}, {"ignore_merges", false},
                          {"vocab", vocabulary}, {"merges", OrderedJson::array()}};
  return {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"added_tokens", added}, {"normalizer", nullptr},
          {"pre_tokenizer", byte_level}, {"post_processor", nullptr}, {"decoder", byte_level}, {"model", model}};
}

}  // namespace assay
