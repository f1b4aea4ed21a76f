// Segment files: append-only sequences of records, each a header and one zstd frame with a checksum of its contents.
// Whoever knows where a record lies reads it alone; a torn tail is garbage that nobody points to.
//
//   record = "ASR1" | kind u32 | payload bytes u32 | uncompressed bytes u32 | payload     (little-endian)
//
// Everything a reader in another language needs is in SEGMENTS.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "envs/base/status.h"

namespace assay {

enum class RecordKind : uint32_t { kEnvironment = 1, kTask = 2, kCertificate = 3, kRollout = 4, kTokens = 5 };

inline constexpr size_t kRecordBytes = size_t{256} << 20;  // the largest text of a record, uncompressed

// Appends the record of `text` to `out`. Any thread. Fails only if the text is too large.
Status append_record(RecordKind kind, std::string_view text, std::string& out);

// The text of a whole record. Hostile bytes give an Error that begins with `where`, never more than kRecordBytes of memory.
Result<std::string> record_text(std::string_view record, RecordKind kind, const std::string& where);

// The one segment that this process appends to. Used by one thread at a time.
class SegmentWriter {
 public:
  // A new file with a name nobody else has, locked (flock) as long as this object lives; its directory entry is synced.
  static Result<std::unique_ptr<SegmentWriter>> create(const std::string& folder);
  ~SegmentWriter();
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;

  const std::string& name() const { return name_; }
  int64_t size() const { return size_; }
  // Puts `bytes` at the end and syncs them. Until keep(), writing again overwrites them: so a failed commit leaves no gap.
  Status write(std::string_view bytes);
  void keep(size_t bytes);
  // Lets the disk begin with a first part of what write() will be given. Optional; what fails here fails there.
  void write_ahead(std::string_view bytes);

 private:
  SegmentWriter(int fd, std::string path, std::string name);
  Status put(std::string_view bytes);

  int fd_;
  std::string path_, name_;
  int64_t size_ = 0;
  size_t ahead_ = 0;  // bytes after size_ that are there already
};

// Whether the process that made this segment still has it open: tells of its death at once, on this machine.
bool is_being_written(const std::string& path);

// Reads `size` bytes at `offset` of a segment file; a missing or shorter file is an Error.
class SegmentReader {
 public:
  static Result<std::unique_ptr<SegmentReader>> open(const std::string& path);
  ~SegmentReader();
  SegmentReader(const SegmentReader&) = delete;
  SegmentReader& operator=(const SegmentReader&) = delete;
  Result<std::string> read(int64_t offset, int64_t size) const;

 private:
  SegmentReader(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  int fd_;
  std::string path_;
};

}  // namespace assay
