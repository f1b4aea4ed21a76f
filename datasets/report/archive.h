// Texts and records of a page, each equal text once, in blocks that are compressed one by one: a page inflates only what it shows.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/json.h"

namespace assay {

// `bytes` as a zlib stream (RFC 1950): what a browser's DecompressionStream calls "deflate".
std::string deflated(std::string_view bytes);
std::string base64(std::string_view bytes);

class Archive {
 public:
  struct Block {
    int64_t first = 0;      // number of its first entry
    std::string deflated;   // a JSON array of its entries
  };

  // Numbers count entries from 0. Bytes that are not UTF-8 become U+FFFD.
  int64_t add_text(std::string_view text);
  int64_t add_record(const OrderedJson& record);

  // Of the blocks that are closed.
  int64_t deflated_bytes() const { return deflated_bytes_; }
  // Closes the last block, and drops the last blocks until all take at most `bytes`. Returns how many entries there are then: all
  // entries below that number are whole.
  int64_t finish(int64_t bytes);
  const std::vector<Block>& blocks() const { return blocks_; }

 private:
  int64_t add(std::string_view json);
  void close();

  std::map<std::string, int64_t> numbers_;   // by SHA-256 of a text
  std::vector<Block> blocks_;
  std::string open_;                         // the entries of the block that is not closed, with commas
  int64_t entries_ = 0, open_first_ = 0, deflated_bytes_ = 0;
};

}  // namespace assay
