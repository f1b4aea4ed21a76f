#include "envs/text_pool.h"

#include <cstring>

#include "envs/base/rng.h"

namespace assay {
namespace {

// Eight bytes at a time; names are short, so the tail read dominates and must not branch per byte.
uint32_t hash_text(std::string_view text) {
  uint64_t hash = 0x9e3779b97f4a7c15ULL ^ text.size();
  const char* p = text.data();
  size_t left = text.size();
  for (; left >= 8; p += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    hash = (hash ^ word) * 0x9fb21c651e98df25ULL;
    hash ^= hash >> 32;
  }
  uint64_t word = 0;
  if (left > 0) std::memcpy(&word, p, left);
  hash = (hash ^ word) * 0x9fb21c651e98df25ULL;
  return static_cast<uint32_t>(hash ^ (hash >> 32));
}

}  // namespace

size_t TextPool::probe(std::string_view text, uint32_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].id >= 0 && (slots_[at].hash != hash || this->text(slots_[at].id) != text)) at = (at + 1) & mask;
  return at;
}

int32_t TextPool::find(std::string_view text) const { return slots_[probe(text, hash_text(text))].id; }

int32_t TextPool::intern(std::string_view text) {
  const uint32_t hash = hash_text(text);
  size_t at = probe(text, hash);
  if (slots_[at].id >= 0) return slots_[at].id;
  const int32_t id = size();
  bytes_.append(text);
  offsets_.push_back(bytes_.size());
  slots_[at] = {hash, id};
  if (static_cast<size_t>(size()) * 2 > slots_.size()) grow();
  return id;
}

void TextPool::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.id < 0) continue;
    size_t at = slot.hash & mask;
    while (slots_[at].id >= 0) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

}  // namespace assay
