// The code interpreter: time until it is ready, and what a call costs above running the same code in a plain Python.
#include <algorithm>
#include <chrono>

#include "cli/bench.h"
#include "envs/interpreter.h"
#include "sandbox/backend.h"

namespace assay::bench::interpreter {
namespace {

using Clock = std::chrono::steady_clock;
double ms_since(Clock::time_point start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }
double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

constexpr const char* kCell = "sum(i * i for i in range(20000))";

// The same cell, by exec in one Python process in the same sandbox, timed by that process.
Result<double> plain_ms(Executor& executor) {
  ASSAY_ASSIGN(const auto workspace, executor.workspace({}));
  const std::string program = std::string("import time\ntimes = []\nfor _ in range(51):\n    t = time.perf_counter()\n    exec('") + kCell +
                              "', {})\n    times.append(time.perf_counter() - t)\nprint(sorted(times)[25] * 1e3)";
  ASSAY_ASSIGN(const RunResult result, executor.run({.argv = {"/usr/bin/python3", "-c", program}}, *workspace));
  if (!result.succeeded()) return make_error(Boundary::kSandbox, "plain Python failed: " + result.err.text());
  return std::strtod(result.out.text().c_str(), nullptr);
}

Result<std::vector<Figure>> run() {
  ASSAY_ASSIGN(const auto executor, make_executor("native"));
  std::vector<double> ready, calls;
  for (int i = 0; i < 5; ++i) {
    const auto start = Clock::now();
    Interpreter each(*executor, {}, {});
    ASSAY_TRY(each.versions());
    ready.push_back(ms_since(start));
  }
  Interpreter interpreter(*executor, {}, {});
  ASSAY_TRY(interpreter.versions());
  for (int i = 0; i < 51; ++i) {
    const auto start = Clock::now();
    ASSAY_TRY(interpreter.run(kCell));
    calls.push_back(ms_since(start));
  }
  ASSAY_ASSIGN(const double plain, plain_ms(*executor));
  return std::vector<Figure>{{"interpreter", "kernel ready", median(ready) / 1000, "s", 1, false, "from nothing to the first call, median of 5"},
                             {"interpreter", "a call above plain Python", median(calls) - plain, "ms", 5, false, "a cell of about 1 ms, median of 51"}};
}

}  // namespace

BenchArea make() { return {"interpreter", "the code interpreter's start and calls", run}; }

}  // namespace assay::bench::interpreter
