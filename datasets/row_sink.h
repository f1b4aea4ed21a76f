// Rows of one split on their way into a file.
#pragma once

#include <memory>
#include <string>

#include "envs/base/json.h"

namespace assay {

enum class RowEncoding {
  kPlain,   // JSON Lines
  kZstd,    // JSON Lines in one zstd frame with a checksum; ".zst" is added to the name
  kParquet, // columns (datasets/parquet.h); ".parquet" takes the place of the name's ending
};

class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual Status add(const OrderedJson& row) = 0;
  // Ends the file; once, after the last row. What is written has not been synced.
  virtual Status finish() = 0;
  // Written so far; all of it once finish() was called.
  virtual int64_t bytes() const = 0;
};

// `path` with the encoding's ending.
std::string encoded_path(const std::string& path, RowEncoding encoding);

// Used by one thread. Errors name the path, and say if the disk is full or a reader has gone.
// JSON Lines, plain or compressed.
std::unique_ptr<RowSink> row_file(const std::string& path, RowEncoding encoding);
std::unique_ptr<RowSink> row_output(RowEncoding encoding);    // standard output
// Encodes, counts and forgets. Parquet is taken for as large as compressed JSON Lines.
std::unique_ptr<RowSink> row_counter(RowEncoding encoding);

}  // namespace assay
