#include "cli/lines.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace assay {

Result<std::unique_ptr<std::FILE, int (*)(std::FILE*)>> open_lines(const std::string& path) {
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  if (path == "-") return File(stdin, [](std::FILE*) { return 0; });
  File file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) return input_error(std::strerror(errno), path, "a file of JSON lines, or - for standard input");
  return file;
}

// read(2), not stdio: a line must be answered when it has come, and stdio would wait for a full buffer.
bool LineReader::fill() {
  buffer_.resize(64 << 10);
  begin_ = 0;
  while (true) {
    const ssize_t count = ::read(fileno(stream_), buffer_.data(), buffer_.size());
    if (count < 0 && errno == EINTR && !(cancelled_ && cancelled_->load())) continue;
    failed_ = count < 0 && errno != EINTR;
    buffer_.resize(count > 0 ? static_cast<size_t>(count) : 0);
    return count > 0;
  }
}

LineReader::Outcome LineReader::next(std::string& line) {
  line.clear();
  bool too_long = false, any = false;
  while (true) {
    if (begin_ == buffer_.size() && !fill()) {
      if (failed_) return Outcome::kFailed;
      if (!any) return Outcome::kEnd;
      break;
    }
    any = true;
    const size_t end = buffer_.find('\n', begin_);
    const size_t stop = end == std::string::npos ? buffer_.size() : end;
    too_long = too_long || line.size() + (stop - begin_) > limit_bytes_;
    if (too_long) line.clear();
    else line.append(buffer_, begin_, stop - begin_);
    begin_ = end == std::string::npos ? buffer_.size() : end + 1;
    if (end != std::string::npos) break;
  }
  ++number_;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return too_long ? Outcome::kTooLong : Outcome::kLine;
}

}  // namespace assay
