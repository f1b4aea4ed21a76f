#include "cli/lines.h"

#include <catch2/catch.hpp>
#include <algorithm>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace assay {
namespace {

using Outcome = LineReader::Outcome;

// Writes `text` into a pipe from another thread, and reads lines from it.
struct Pipe {
  explicit Pipe(std::string text) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    reader = fdopen(ends[0], "rb");
    writer = std::thread([fd = ends[1], text = std::move(text)] {
      for (size_t at = 0; at < text.size();) {
        const ssize_t written = ::write(fd, text.data() + at, std::min<size_t>(text.size() - at, 1000));
        if (written <= 0) break;
        at += static_cast<size_t>(written);
      }
      ::close(fd);
    });
  }
  ~Pipe() {
    std::fclose(reader);
    writer.join();
  }
  std::FILE* reader;
  std::thread writer;
};

}  // namespace

TEST_CASE("lines come without their ends, the last one with or without a line feed") {
  Pipe pipe("one\r\n\ntwo\nlast");
  LineReader lines(pipe.reader, 100);
  std::string line;
  std::vector<std::string> all;
  while (lines.next(line) == Outcome::kLine) all.push_back(line);
  CHECK(all == std::vector<std::string>{"one", "", "two", "last"});
  CHECK(lines.number() == 4);
}

TEST_CASE("a line over the limit is reported once and passed over") {
  for (size_t size : {101u, 70'000u, 500'000u}) {
    Pipe pipe("a\n" + std::string(size, 'x') + "\nb\n" + std::string(100, 'y') + "\n" + std::string(size, 'z'));
    LineReader lines(pipe.reader, 100);
    std::string line;
    CHECK(lines.next(line) == Outcome::kLine);
    CHECK(lines.next(line) == Outcome::kTooLong);
    CHECK(line.capacity() < 200'000);
    CHECK(lines.next(line) == Outcome::kLine);
    CHECK(line == "b");
    CHECK(lines.number() == 3);
    CHECK(lines.next(line) == Outcome::kLine);
    CHECK(line == std::string(100, 'y'));
    CHECK(lines.next(line) == Outcome::kTooLong);
    CHECK(lines.next(line) == Outcome::kEnd);
  }
}

}  // namespace assay
