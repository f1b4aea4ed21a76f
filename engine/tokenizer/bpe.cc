#include "engine/tokenizer/bpe.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "engine/tokenizer/byte_level.h"
#include "engine/tokenizer/utf8.h"
#include "envs/base/rng.h"

namespace assay {
namespace {

constexpr int kIdBits = 21, kRankBits = 64 - 2 * kIdBits;
static_assert(Vocabulary::kMaxId < int64_t{1} << kIdBits);
constexpr int64_t kMaxMerges = (int64_t{1} << kRankBits) - 1;
constexpr uint64_t kFree = UINT64_MAX;  // a place in the table of ranks
constexpr size_t kPairBits = 8;         // in the filter, for each such place
constexpr size_t kMinWords = 16, kMaxWords = size_t{1} << 15, kTextBytesPerWord = 16;

uint64_t pair_of(int32_t left, int32_t right) { return static_cast<uint64_t>(left) << kIdBits | static_cast<uint64_t>(right); }

// Eight bytes at a time, the last of them overlapping.
uint64_t hash_of(std::string_view word) {
  uint64_t hash = word.size(), part = 0;
  if (word.size() < sizeof part) {
    std::memcpy(&part, word.data(), word.size());
    return mix64(hash ^ part * 0x9e3779b97f4a7c15);
  }
  for (size_t at = 0; at + sizeof part < word.size(); at += sizeof part) {
    std::memcpy(&part, word.data() + at, sizeof part);
    hash = (hash ^ part) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  std::memcpy(&part, word.data() + word.size() - sizeof part, sizeof part);
  return mix64(hash ^ part * 0x9e3779b97f4a7c15);
}

std::string byte_token(int byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  return {'<', '0', 'x', kDigits[static_cast<size_t>(byte) / 16], kDigits[static_cast<size_t>(byte) % 16], '>'};
}

// A merge is "a b" or ["a", "b"].
Result<std::pair<std::string, std::string>> read_merge(const Json& merge, const std::string& where) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) return std::pair(merge[0].get<std::string>(), merge[1].get<std::string>());
  if (merge.is_string()) {
    const std::string& text = merge.get_ref<const std::string&>();
    const size_t space = text.find(' ');
    if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos) return std::pair(text.substr(0, space), text.substr(space + 1));
  }
  return input_error("a merge is \"a b\" or [\"a\", \"b\"]", where);
}

}  // namespace

Result<Bpe> Bpe::read(const Json& model, Alphabet alphabet, const std::string& file, const std::string& path) {
  Bpe bpe;
  JsonReader reader(model, file, path);
  if (const std::string type = reader.text_or("type", "BPE"); type != "BPE") reader.fail("type", "the model " + type + " is not supported", "a tokenizer of type BPE");
  if (const Json& dropout = reader.member_or_null("dropout"); !dropout.is_null() && dropout != 0)
    reader.fail("dropout", "merges left out at random are not supported", "null");
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (const Json& text = reader.member_or_null(affix); !text.is_null() && text != "") reader.fail(affix, "parts of words with a mark of their own are not supported", "null");
  std::string unk_token;
  if (const Json& unk = reader.member_or_null("unk_token"); unk.is_string()) unk_token = unk.get<std::string>();
  else if (!unk.is_null()) reader.fail("unk_token", "expected a token or null");
  bpe.fuse_unk_ = reader.boolean_or("fuse_unk", false);
  const bool byte_fallback = reader.boolean_or("byte_fallback", false);
  bpe.ignore_merges_ = reader.boolean_or("ignore_merges", false);
  const Json& vocabulary = reader.object("vocab");
  const Json& merges = reader.array("merges");
  ASSAY_TRY(reader.finish());
  ASSAY_TRY(bpe.read_vocabulary(vocabulary, file + ": " + reader.path_of("vocab")));
  ASSAY_TRY(bpe.read_merges(merges, file + ": " + reader.path_of("merges")));
  ASSAY_TRY(bpe.read_alphabet(alphabet, byte_fallback, unk_token, file + ": " + path));
  return bpe;
}

Status Bpe::read_vocabulary(const Json& tokens, const std::string& where) {
  for (const auto& [token, id] : tokens.items()) {
    if (!id.is_number_integer() || (id.is_number_unsigned() && id.get<uint64_t>() > INT64_MAX))
      return input_error("the token " + canonical_json(token) + " has the id " + canonical_json(id) + ", which is no id", where);
    ASSAY_TRY(vocabulary_.add(token, id.get<int64_t>(), where));
  }
  return {};
}

Status Bpe::read_merges(const Json& merges, const std::string& where) {
  if (static_cast<int64_t>(merges.size()) > kMaxMerges) return input_error("there are " + std::to_string(merges.size()) + " merges; allowed are " + std::to_string(kMaxMerges), where);
  ranks_.assign(std::bit_ceil(merges.size() * 3 / 2 + 1), kFree);
  pairs_.resize((ranks_.size() * kPairBits + 63) / 64);
  int32_t rank = 0;
  for (const Json& merge : merges) {
    const std::string here = where + "[" + std::to_string(rank) + "]";
    ASSAY_ASSIGN(const auto parts, read_merge(merge, here));
    const auto& [left, right] = parts;
    std::array<int32_t, 3> ids{};
    for (size_t i = 0; const std::string& token : {left, right, left + right}) {
      const auto id = vocabulary_.id_of(token);
      if (!id) return input_error("the merge " + canonical_json(merge) + " needs the token " + canonical_json(token) + ", which the vocabulary lacks", here);
      ids[i++] = *id;
    }
    merged_ids_.push_back(ids[2]);
    insert(ids[0], ids[1], rank++);
  }
  return {};
}

Status Bpe::read_alphabet(Alphabet alphabet, bool byte_fallback, const std::string& unk_token, const std::string& where) {
  alphabet_ = alphabet;
  if (!unk_token.empty()) {
    const auto id = vocabulary_.id_of(unk_token);
    if (!id) return input_error("the vocabulary lacks the unk_token " + canonical_json(unk_token), where);
    unk_id_ = *id;
  }
  byte_ids_.fill(-1);
  if (alphabet == Alphabet::kCharacters && !byte_fallback) {
    if (unk_id_ < 0) return input_error("there is neither byte_fallback nor an unk_token, so some texts have no tokens", where, "a byte-level tokenizer, with the pre-tokenizer ByteLevel");
    return {};
  }
  for (int byte = 0; byte < 256; ++byte) {
    const std::string token = alphabet == Alphabet::kBytes ? byte_character(static_cast<uint8_t>(byte)) : byte_token(byte);
    const auto id = vocabulary_.id_of(token);
    if (!id && (unk_id_ < 0 || alphabet == Alphabet::kCharacters))
      return input_error("the vocabulary lacks " + canonical_json(token) + ", the token of the byte " + std::to_string(byte) + ", so some texts have no tokens", where);
    byte_ids_[static_cast<size_t>(byte)] = id.value_or(-1);
  }
  return {};
}

// A pair that comes twice has its last rank, as in Hugging Face tokenizers.
void Bpe::insert(int32_t left, int32_t right, int32_t rank) {
  const uint64_t pair = pair_of(left, right), hash = mix64(pair);
  pairs_[hash >> 38 & (pairs_.size() - 1)] |= uint64_t{1} << (hash >> 32 & 63);
  const size_t mask = ranks_.size() - 1;
  size_t at = hash & mask;
  while (ranks_[at] != kFree && ranks_[at] >> kRankBits != pair) at = (at + 1) & mask;
  ranks_[at] = pair << kRankBits | static_cast<uint64_t>(rank);
}

// -1: the two do not merge.
int32_t Bpe::rank_of(int32_t left, int32_t right) const {
  const uint64_t pair = pair_of(left, right), hash = mix64(pair);
  if (!(pairs_[hash >> 38 & (pairs_.size() - 1)] >> (hash >> 32 & 63) & 1)) return -1;
  const size_t mask = ranks_.size() - 1;
  for (size_t at = hash & mask; ranks_[at] != kFree; at = (at + 1) & mask)
    if (ranks_[at] >> kRankBits == pair) return static_cast<int32_t>(ranks_[at] & kMaxMerges);
  return -1;
}

void Bpe::encode(std::string_view word, Scratch& scratch, std::vector<int32_t>& ids) const {
  Scratch::Word& slot = scratch.slot_of(word);
  if (slot.size == word.size() && std::memcmp(slot.bytes.data(), word.data(), word.size()) == 0) {
    ids.insert(ids.end(), slot.ids.begin(), slot.ids.begin() + slot.count);
    return;
  }
  const size_t before = ids.size();
  const auto whole = !ignore_merges_ ? std::nullopt : vocabulary_.id_of(alphabet_ == Alphabet::kBytes ? to_byte_characters(word) : std::string(word));
  if (whole) {
    ids.push_back(*whole);
  } else {
    begin(word, scratch);
    merge_all(scratch);
    for (int32_t at = scratch.symbols_.empty() ? -1 : 0; at >= 0; at = scratch.symbols_[static_cast<size_t>(at)].next) ids.push_back(scratch.symbols_[static_cast<size_t>(at)].id);
  }
  const size_t count = ids.size() - before;
  if (word.size() > slot.bytes.size() || count > slot.ids.size()) return;
  slot.size = static_cast<uint8_t>(word.size());
  slot.count = static_cast<int32_t>(count);
  std::ranges::copy(word, slot.bytes.begin());
  std::copy(ids.begin() + static_cast<int64_t>(before), ids.end(), slot.ids.begin());
}

// The symbols that a word begins as, in order.
void Bpe::begin(std::string_view word, Scratch& scratch) const {
  auto& symbols = scratch.symbols_;
  symbols.clear();
  bool after_unk = false;
  const auto add = [&](int32_t id) {
    const bool unk = id < 0;
    if (unk && after_unk && fuse_unk_) return;
    after_unk = unk;
    const int32_t at = static_cast<int32_t>(symbols.size());
    symbols.push_back({unk ? unk_id_ : id, at - 1, at + 1, -1});
  };
  if (alphabet_ == Alphabet::kBytes) {
    for (const char byte : word) add(byte_ids_[static_cast<uint8_t>(byte)]);
  } else {
    while (!word.empty()) {
      const std::string_view character = word.substr(0, read_utf8(word).length);
      word.remove_prefix(character.size());
      if (const auto id = vocabulary_.id_of(character)) add(*id);
      else if (byte_ids_[0] < 0) add(-1);
      else for (const char byte : character) add(byte_ids_[static_cast<uint8_t>(byte)]);
    }
  }
  if (!symbols.empty()) symbols.back().next = -1;
}

void Bpe::rank_pair(Scratch& scratch, int32_t left) const {
  Scratch::Symbol& symbol = scratch.symbols_[static_cast<size_t>(left)];
  symbol.rank = symbol.next < 0 ? -1 : rank_of(symbol.id, scratch.symbols_[static_cast<size_t>(symbol.next)].id);
  if (symbol.rank >= 0) scratch.queue_.push_back(static_cast<uint64_t>(symbol.rank) << 32 | static_cast<uint64_t>(left));
}

void Bpe::merge_all(Scratch& scratch) const {
  auto& queue = scratch.queue_;
  queue.clear();
  for (size_t i = 0; i < scratch.symbols_.size(); ++i) rank_pair(scratch, static_cast<int32_t>(i));
  std::ranges::make_heap(queue, std::greater());
  const auto rank_again = [&](int32_t left) {
    const size_t before = queue.size();
    rank_pair(scratch, left);
    if (queue.size() > before) std::ranges::push_heap(queue, std::greater());
  };
  while (!queue.empty()) {
    std::ranges::pop_heap(queue, std::greater());
    const int32_t rank = static_cast<int32_t>(queue.back() >> 32), at = static_cast<int32_t>(queue.back());
    queue.pop_back();
    Scratch::Symbol& left = scratch.symbols_[static_cast<size_t>(at)];
    if (left.rank != rank) continue;  // a neighbour has been merged away meanwhile
    Scratch::Symbol& right = scratch.symbols_[static_cast<size_t>(left.next)];
    left.id = merged_ids_[static_cast<size_t>(rank)];
    left.next = right.next;
    right.rank = -1;
    if (left.next >= 0) scratch.symbols_[static_cast<size_t>(left.next)].previous = at;
    rank_again(at);
    if (left.previous >= 0) rank_again(left.previous);
  }
}

Bpe::Scratch::Scratch(size_t text_bytes) : words_(std::clamp(std::bit_ceil(text_bytes / kTextBytesPerWord + 1), kMinWords, kMaxWords)) {}

Bpe::Scratch::Word& Bpe::Scratch::slot_of(std::string_view word) { return words_[hash_of(word) & (words_.size() - 1)]; }

}  // namespace assay
