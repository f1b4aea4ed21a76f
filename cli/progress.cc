#include "cli/progress.h"

#include <unistd.h>

#include "cli/text.h"

namespace assay {

Progress::Progress(std::string label, int64_t total, Clock& clock, std::FILE* stream, Mode mode)
    : label_(std::move(label)), total_(total), clock_(clock), stream_(stream),
      live_(mode == Mode::kLive || (mode == Mode::kAuto && isatty(fileno(stream)))), start_us_(clock.monotonic_us()) {}

Progress::~Progress() {
  if (drawn_us_ >= 0) std::fputs("\r\033[K", stream_);
}

void Progress::add(int64_t done, int64_t failed) {
  {
    std::lock_guard lock(mutex_);
    done_ += done;
    failed_ += failed;
  }
  draw();
}

void Progress::skip(int64_t done) {
  {
    std::lock_guard lock(mutex_);
    done_ += done;
    skipped_ += done;
  }
  draw();
}

int64_t Progress::done() const {
  std::lock_guard lock(mutex_);
  return done_;
}

double Progress::seconds() const { return static_cast<double>(clock_.monotonic_us() - start_us_) / 1e6; }

std::string Progress::line() const {
  std::lock_guard lock(mutex_);
  const double elapsed = seconds();
  const double rate = elapsed > 0 ? static_cast<double>(done_ - skipped_) / elapsed : 0;
  std::string line = label_ + "  " + count_text(done_) + (total_ > 0 ? "/" + count_text(total_) : "");
  if (rate > 0) {
    line += "  " + rate_text(rate) + "/s";
    if (done_ < total_) line += "  " + duration_text(static_cast<double>(total_ - done_) / rate) + " left";
  }
  if (failed_ > 0) line += "  " + count_text(failed_) + " failed";
  return line;
}

void Progress::draw() {
  if (!live_) return;
  const int64_t now_us = clock_.monotonic_us();
  {
    std::lock_guard lock(mutex_);
    if (drawn_us_ >= 0 && now_us - drawn_us_ < 100'000 && done_ < total_) return;
    drawn_us_ = now_us;
  }
  const std::string text = "\r" + line() + "\033[K";
  std::fwrite(text.data(), 1, text.size(), stream_);
  std::fflush(stream_);
}

}  // namespace assay
