#include "datasets/segment.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace assay {
namespace {

constexpr std::string_view kMagic = "ASR1";
constexpr size_t kHeaderBytes = 16;
constexpr int kLevel = 1;  // on gold rollouts of 26 KB, level 3 is 2% smaller and 15% slower

struct Compressor {
  Compressor() : context(ZSTD_createCCtx()) {
    ASSAY_ASSERT(context != nullptr);
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  }
  ~Compressor() { ZSTD_freeCCtx(context); }
  ZSTD_CCtx* context;
};

struct Decompressor {
  Decompressor() : context(ZSTD_createDCtx()) { ASSAY_ASSERT(context != nullptr); }
  ~Decompressor() { ZSTD_freeDCtx(context); }
  ZSTD_DCtx* context;
};

void put_u32(char* at, uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<char>(value >> (8 * i));
}

uint32_t get_u32(const char* at) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value |= uint32_t{static_cast<unsigned char>(at[i])} << (8 * i);
  return value;
}

Error file_error(const char* doing, const std::string& path) {
  const int code = errno;
  std::string hint = "check the path and its permissions";
  if (code == ENOSPC || code == EDQUOT) hint = "free some space and run the same command again";
  if (code == ENOENT) hint = "keep the folder STORE.segments beside the store";
  return make_error(Boundary::kStore, std::string("cannot ") + doing + ": " + std::strerror(code), path, hint);
}

Error damaged(const std::string& what, const std::string& where) {
  return make_error(Boundary::kStore, "damaged record: " + what, where, "restore the segment file from a copy");
}

std::string unique_name() {
  unsigned char bytes[8];
  ASSAY_ASSERT(getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
  std::string name;
  for (unsigned char byte : bytes)
    for (int digit : {byte >> 4, byte & 15}) name += "0123456789abcdef"[digit];
  return name + ".segment";
}

Status sync_folder(const std::string& folder) {
  int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return file_error("open", folder);
  const bool synced = ::fsync(fd) == 0;
  Status status = synced ? Status() : file_error("sync", folder);
  ::close(fd);
  return status;
}

}  // namespace

Status append_record(RecordKind kind, std::string_view text, std::string& out) {
  if (text.size() > kRecordBytes)
    return make_error(Boundary::kLimit, "a record of " + std::to_string(text.size()) + " bytes is larger than the limit of " +
                                            std::to_string(kRecordBytes));
  thread_local Compressor compressor;
  const size_t start = out.size();
  out.resize(start + kHeaderBytes + ZSTD_compressBound(text.size()));
  char* header = out.data() + start;
  const size_t payload = ZSTD_compress2(compressor.context, header + kHeaderBytes, out.size() - start - kHeaderBytes,
                                        text.data(), text.size());
  ASSAY_ASSERT(!ZSTD_isError(payload));
  std::memcpy(header, kMagic.data(), kMagic.size());
  put_u32(header + 4, static_cast<uint32_t>(kind));
  put_u32(header + 8, static_cast<uint32_t>(payload));
  put_u32(header + 12, static_cast<uint32_t>(text.size()));
  out.resize(start + kHeaderBytes + payload);
  return {};
}

Result<std::string> record_text(std::string_view record, RecordKind kind, const std::string& where) {
  if (record.size() < kHeaderBytes || record.substr(0, kMagic.size()) != kMagic) return damaged("it does not begin as one", where);
  if (get_u32(record.data() + 4) != static_cast<uint32_t>(kind)) return damaged("it is of another kind", where);
  const std::string_view payload = record.substr(kHeaderBytes);
  if (get_u32(record.data() + 8) != payload.size()) return damaged("its length is not the one recorded", where);
  const size_t size = get_u32(record.data() + 12);
  if (size > kRecordBytes) return damaged("it claims to be larger than any record", where);
  // A checksum, no dictionary, nothing in the bits that decoders ignore.
  if (ZSTD_getFrameContentSize(payload.data(), payload.size()) != size ||
      ZSTD_findFrameCompressedSize(payload.data(), payload.size()) != payload.size())
    return damaged("its lengths disagree", where);
  if ((payload[4] & 0x1f) != 0x04) return damaged("its frame is not of the kind that is written", where);
  thread_local Decompressor decompressor;
  std::string text(size, '\0');
  const size_t got = ZSTD_decompressDCtx(decompressor.context, text.data(), size, payload.data(), payload.size());
  if (ZSTD_isError(got)) return damaged(ZSTD_getErrorName(got), where);
  if (got != size) return damaged("its lengths disagree", where);
  return text;
}

SegmentWriter::SegmentWriter(int fd, std::string path, std::string name)
    : fd_(fd), path_(std::move(path)), name_(std::move(name)) {}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(const std::string& folder) {
  for (int attempt = 0; attempt < 16; ++attempt) {
    const std::string name = unique_name();
    const std::string path = folder + "/" + name;
    int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST) continue;
    if (fd < 0) return file_error("create a segment file", path);
    std::unique_ptr<SegmentWriter> writer(new SegmentWriter(fd, path, name));
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return file_error("lock", path);
    ASSAY_TRY(sync_folder(folder));
    return writer;
  }
  return make_error(Boundary::kInternal, "no free name for a segment file", folder);
}

SegmentWriter::~SegmentWriter() { ::close(fd_); }

// Everything from ahead_ on; after a failure nothing counts as written.
Status SegmentWriter::put(std::string_view bytes) {
  size_t done = std::exchange(ahead_, 0);
  while (done < bytes.size()) {
    const ssize_t put = ::pwrite(fd_, bytes.data() + done, bytes.size() - done, size_ + static_cast<int64_t>(done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return file_error("write", path_);
    done += static_cast<size_t>(put);
  }
  ahead_ = done;
  return {};
}

void SegmentWriter::write_ahead(std::string_view bytes) {
  const size_t before = ahead_;
  if (put(bytes).ok())
    (void)::sync_file_range(fd_, size_ + static_cast<int64_t>(before), static_cast<int64_t>(ahead_ - before), SYNC_FILE_RANGE_WRITE);
}

Status SegmentWriter::write(std::string_view bytes) {
  ASSAY_TRY(put(bytes));
  ahead_ = 0;  // if the sync fails, the pages may be gone
  while (::fdatasync(fd_) != 0)
    if (errno != EINTR) return file_error("sync", path_);
  return {};
}

void SegmentWriter::keep(size_t bytes) { size_ += static_cast<int64_t>(bytes); }

// Those who ask share the lock, so they do not take each other for the writer.
bool is_being_written(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool locked = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return locked;
}

Result<std::unique_ptr<SegmentReader>> SegmentReader::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return file_error("open", path);
  return std::unique_ptr<SegmentReader>(new SegmentReader(fd, path));
}

SegmentReader::~SegmentReader() { ::close(fd_); }

Result<std::string> SegmentReader::read(int64_t offset, int64_t size) const {
  struct stat info;
  if (::fstat(fd_, &info) != 0) return file_error("read", path_);
  if (offset < 0 || size < 0 || size > info.st_size || offset > info.st_size - size)
    return make_error(Boundary::kStore, "the segment ends before the record at " + std::to_string(offset), path_,
                      "restore the segment file from a copy");
  std::string bytes(static_cast<size_t>(size), '\0');
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t got = ::pread(fd_, bytes.data() + done, bytes.size() - done, offset + static_cast<int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("read", path_);
    if (got == 0) return make_error(Boundary::kStore, "the segment ends within a record", path_);
    done += static_cast<size_t>(got);
  }
  return bytes;
}

}  // namespace assay
