// Byte-pair encoding, as tokenizer.json has it and Hugging Face tokenizers computes it: a word begins as its characters (or bytes);
// again and again the neighbours whose merge has the lowest rank become one token, the leftmost first, until none can.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/vocabulary.h"
#include "envs/base/json.h"

namespace assay {

// What a word begins as.
enum class Alphabet {
  kBytes,       // byte-level: tokens are written in the characters of byte_level.h
  kCharacters,  // with a token for any character, or byte tokens <0x00> to <0xFF>, or unk_token
};

class Bpe {
 public:
  // Working memory and the words seen lately, for one thread and one tokenizer.
  class Scratch;

  // `model` is the member at `path` in `file`. An error unless every text has tokens.
  static Result<Bpe> read(const Json& model, Alphabet alphabet, const std::string& file, const std::string& path);

  // Appends the ids of a word, in UTF-8 and shorter than 2^31 bytes. Time n log n.
  void encode(std::string_view word, Scratch& scratch, std::vector<int32_t>& ids) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  Status read_vocabulary(const Json& tokens, const std::string& where);
  Status read_merges(const Json& merges, const std::string& where);
  Status read_alphabet(Alphabet alphabet, bool byte_fallback, const std::string& unk_token, const std::string& where);
  void insert(int32_t left, int32_t right, int32_t rank);
  int32_t rank_of(int32_t left, int32_t right) const;
  void begin(std::string_view word, Scratch& scratch) const;
  void rank_pair(Scratch& scratch, int32_t left) const;
  void merge_all(Scratch& scratch) const;

  Vocabulary vocabulary_;
  std::vector<int32_t> merged_ids_;      // by rank
  std::vector<uint64_t> ranks_;          // left id, right id and rank in one; open addressing, a power of two, at most two thirds full
  std::vector<uint64_t> pairs_;          // a bit for the hash of each pair: most pairs do not merge, and this stays in the cache
  Alphabet alphabet_ = Alphabet::kBytes;
  std::array<int32_t, 256> byte_ids_{};  // of bytes, or of byte tokens; -1: none
  int32_t unk_id_ = -1;
  bool fuse_unk_ = false, ignore_merges_ = false;
};

class Bpe::Scratch {
 public:
  // For a text of about so many bytes.
  explicit Scratch(size_t text_bytes);

 private:
  friend class Bpe;

  struct Symbol {
    int32_t id;
    int32_t previous, next;   // -1: none
    int32_t rank;             // of the merge of this and next; -1: they do not
  };
  // A line of the processor's cache. Longer words seldom come twice.
  struct alignas(64) Word {
    std::array<char, 31> bytes;
    uint8_t size = 0;
    std::array<int32_t, 7> ids;
    int32_t count = 0;
  };

  Word& slot_of(std::string_view word);

  std::vector<Word> words_;  // direct-mapped; a power of two
  std::vector<Symbol> symbols_;
  std::vector<uint64_t> queue_;  // heap of rank, position
};

}  // namespace assay
