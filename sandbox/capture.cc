#include "sandbox/capture.h"

#include <zstd.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "sandbox/protocol.h"

namespace assay {

struct Capture::Log {
  std::string path;
  FILE* file = nullptr;
  ZSTD_CStream* stream = ZSTD_createCStream();
  bool broken = false;
  std::vector<char> space = std::vector<char>(ZSTD_CStreamOutSize());

  explicit Log(const std::string& where) : path(where), file(std::fopen(where.c_str(), "wbe")) {
    ZSTD_initCStream(stream, 3);
    broken = !file;
  }
  ~Log() {
    ZSTD_freeCStream(stream);
    if (file) std::fclose(file);
  }
  void write(std::string_view bytes, ZSTD_EndDirective how) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (size_t left = 1; !broken && (in.pos < in.size || (how == ZSTD_e_end && left != 0));) {
      ZSTD_outBuffer out{space.data(), space.size(), 0};
      left = ZSTD_compressStream2(stream, &out, &in, how);
      broken = ZSTD_isError(left) || std::fwrite(space.data(), 1, out.pos, file) != out.pos;
    }
  }
};

Capture::Capture(int64_t kept_bytes, const std::string& log) : half_(static_cast<size_t>(std::max<int64_t>(2, kept_bytes)) / 2) {
  if (!log.empty()) log_ = std::make_unique<Log>(log);
}
Capture::~Capture() = default;
Capture::Capture(Capture&&) noexcept = default;

void Capture::add(std::string_view bytes) {
  bytes_ += static_cast<int64_t>(bytes.size());
  if (log_) log_->write(bytes, ZSTD_e_continue);
  if (head_.size() < half_) {
    const size_t take = std::min(bytes.size(), half_ - head_.size());
    head_ += bytes.substr(0, take);
    bytes.remove_prefix(take);
  }
  if (bytes.size() > half_) bytes.remove_prefix(bytes.size() - half_);
  tail_ += bytes;
  if (tail_.size() > 2 * half_) tail_.erase(0, tail_.size() - half_);
}

Result<StreamResult> Capture::finish() {
  if (tail_.size() > half_) tail_.erase(0, tail_.size() - half_);
  StreamResult out{std::move(head_), std::move(tail_), bytes_};
  if (static_cast<int64_t>(out.head.size() + out.tail.size()) == bytes_) {
    out.head += out.tail;
    out.tail.clear();
  }
  if (!log_) return out;
  log_->write({}, ZSTD_e_end);
  const bool closed = log_->file && std::fflush(log_->file) == 0;
  if (log_->broken || !closed) return system_error("the log cannot be written", log_->path, "room on the disk");
  return out;
}

}  // namespace assay
