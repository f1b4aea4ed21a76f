#include "cli/progress.h"

#include <catch2/catch.hpp>
#include <memory>

namespace assay {
namespace {

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

std::string contents(std::FILE* file) {
  std::fflush(file);
  std::rewind(file);
  std::string text(1 << 16, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

}  // namespace

TEST_CASE("a job of unknown length says how much is done") {
  ManualClock clock;
  Progress progress("mine", 0, clock, stderr, Progress::Mode::kSilent);
  clock.advance_ms(2000);
  progress.add(400);
  CHECK(progress.line() == "mine  400  200.0/s");
}

TEST_CASE("the line says how far the job is, how fast, and how long it will take") {
  ManualClock clock;
  Progress progress("synth", 1000, clock, stderr, Progress::Mode::kSilent);
  CHECK(progress.line() == "synth  0/1,000");
  clock.advance_ms(2000);
  progress.add(400, 3);
  CHECK(progress.line() == "synth  400/1,000  200.0/s  3.0 s left  3 failed");
  clock.advance_ms(2000);
  progress.add(600);
  CHECK(progress.line() == "synth  1,000/1,000  250.0/s  3 failed");
}

TEST_CASE("what was there already does not count towards the rate") {
  ManualClock clock;
  Progress progress("rollout", 100, clock, stderr, Progress::Mode::kSilent);
  progress.skip(90);
  clock.advance_ms(1000);
  progress.add(2);
  CHECK(progress.line() == "rollout  92/100  2.00/s  4.0 s left");
}

TEST_CASE("nothing is written where no terminal is") {
  File file(std::tmpfile());
  ManualClock clock;
  {
    Progress progress("synth", 10, clock, file.get());
    progress.add(10);
  }
  CHECK(contents(file.get()).empty());
}

TEST_CASE("on a terminal it draws at most ten times a second, and at the end, and clears its line") {
  File file(std::tmpfile());
  ManualClock clock;
  {
    Progress progress("synth", 10, clock, file.get(), Progress::Mode::kLive);
    for (int i = 0; i < 9; ++i) {
      clock.advance_ms(20);
      progress.add(1);
    }
    progress.add(1);
  }
  const std::string text = contents(file.get());
  size_t draws = 0;
  for (size_t at = text.find("synth"); at != std::string::npos; at = text.find("synth", at + 1)) ++draws;
  CHECK(draws == 3);  // at 20 ms, at 120 ms, and the last
  CHECK(text.find("10/10") != std::string::npos);
  CHECK(text.ends_with("\r\033[K"));
}

}  // namespace assay
