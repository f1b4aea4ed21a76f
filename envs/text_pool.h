// Interned strings: every distinct text of a database has one small integer, so names compare and look up as integers.
// Filling is single-threaded; afterwards any number of threads may read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

class TextPool {
 public:
  // The id of `text`, adding it if it is new. Ids count up from 0.
  int32_t intern(std::string_view text);
  // The id of `text`, or -1.
  int32_t find(std::string_view text) const;
  std::string_view text(int32_t id) const { return {bytes_.data() + offsets_[id], offsets_[id + 1] - offsets_[id]}; }
  int32_t size() const { return static_cast<int32_t>(offsets_.size()) - 1; }

 private:
  struct Slot {
    uint32_t hash = 0;
    int32_t id = -1;
  };
  size_t probe(std::string_view text, uint32_t hash) const;
  void grow();

  std::string bytes_;                   // all texts, end to end
  std::vector<size_t> offsets_ = {0};   // [size() + 1]
  std::vector<Slot> slots_ = std::vector<Slot>(16);  // open addressing, a power of two
};

}  // namespace assay
