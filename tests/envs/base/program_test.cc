#include "envs/base/program.h"

#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

namespace assay {
namespace {

TEST_CASE("starting a program does not wait for the end of another that a second thread starts") {
  constexpr int kThreads = 4, kRounds = 200;
  std::atomic<int> started = 0, failed = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&] {
    for (int round = 1; round <= kRounds; ++round) {
      auto pipe = open_pipe(false);
      auto program = pipe.ok() ? Program::start({"cat"}, {.descriptors = {{STDIN_FILENO, pipe->second.get()}}}) : Result<Program>(pipe.error());
      ++started;
      if (!program.ok()) {
        ++failed;
        continue;
      }
      // It lives until all of its round are started; the time is for a start that never returns.
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (started < round * kThreads && failed == 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
      if (started < round * kThreads) ++failed;
      pipe->first.reset();
      pipe->second.reset();
      const auto status = program->wait();   // nobody else holds the writing end
      if (!status.ok() || *status != 0) ++failed;
    }
  });
  threads.clear();
  CHECK(started == kThreads * kRounds);
  CHECK(failed == 0);
}

TEST_CASE("a program that is nowhere is an input error, an end by a signal is told") {
  REQUIRE(run_program({"assay-no-such-program"}).error().boundary == Boundary::kInput);
  const auto done = run_program({"sh", "-c", "echo out; echo err >&2; kill -TERM $$"});
  REQUIRE(done.ok());
  CHECK(done->out == "out\n");
  CHECK(done->err == "err\n");
  CHECK(done->status == 128 + 15);
}

}  // namespace
}  // namespace assay
