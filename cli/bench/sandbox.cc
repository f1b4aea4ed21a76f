// Runs of `true` behind every wall, alone and many at once; forks of a workspace; and what 10,000 runs leave behind.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "cli/bench.h"
#include "sandbox/backend.h"

namespace assay::bench::sandbox {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }

Status succeed(Executor& executor, Workspace& workspace, std::vector<std::string> argv) {
  ASSAY_ASSIGN(const RunResult result, executor.run({.argv = std::move(argv)}, workspace));
  if (!result.succeeded()) return make_error(Boundary::kSandbox, "a run failed: " + to_json(result).dump());
  return {};
}

struct Latency {
  double mean_ms = 0, p99_ms = 0;
};

Result<Latency> latency(Executor& executor, int runs) {
  ASSAY_ASSIGN(const auto workspace, executor.workspace({}));
  std::vector<double> times;
  for (int i = 0; i < runs + 20; ++i) {
    const auto start = Clock::now();
    ASSAY_TRY(succeed(executor, *workspace, {"true"}));
    if (i >= 20) times.push_back(ms_since(start));   // the first warm the caches
  }
  std::sort(times.begin(), times.end());
  double sum = 0;
  for (double each : times) sum += each;
  return Latency{sum / runs, times[times.size() * 99 / 100]};
}

// `jobs` threads, each with a workspace of its own.
Result<double> runs_per_second(Executor& executor, int jobs, int runs) {
  std::atomic<int> next = 0;
  std::vector<Status> ends(static_cast<size_t>(jobs));
  std::vector<std::thread> threads;
  const auto start = Clock::now();
  for (int job = 0; job < jobs; ++job)
    threads.emplace_back([&, job] {
      ends[static_cast<size_t>(job)] = [&]() -> Status {
        ASSAY_ASSIGN(const auto workspace, executor.workspace({}));
        while (next++ < runs) ASSAY_TRY(succeed(executor, *workspace, {"true"}));
        return {};
      }();
    });
  for (std::thread& thread : threads) thread.join();
  for (const Status& end : ends) ASSAY_TRY(end);
  return runs / (ms_since(start) / 1000);
}

int64_t memory_used() {
  std::ifstream in("/proc/meminfo");
  int64_t total = 0, available = 0;
  for (std::string name, unit; in >> name;) {
    int64_t value = 0;
    in >> value;
    std::getline(in, unit);
    if (name == "MemTotal:") total = value * 1024;
    if (name == "MemAvailable:") available = value * 1024;
  }
  return total - available;
}

// What `count` sandboxes cost that all wait for input at the same time.
Result<double> memory_of(Executor& executor, int count) {
  std::vector<std::unique_ptr<Workspace>> workspaces;
  std::vector<std::unique_ptr<Process>> open;
  const int64_t before = memory_used();
  for (int i = 0; i < count; ++i) {
    ASSAY_ASSIGN(auto workspace, executor.workspace({}));
    ASSAY_ASSIGN(auto process, executor.start({.argv = {"sh", "-c", "echo ready; cat"}}, *workspace));
    workspaces.push_back(std::move(workspace));
    open.push_back(std::move(process));
  }
  for (const auto& process : open) {
    ASSAY_ASSIGN(const std::string line, process->read_line(10'000));
    if (line != "ready") return make_error(Boundary::kSandbox, "a sandbox did not start");
  }
  const int64_t after = memory_used();
  for (const auto& process : open) {
    ASSAY_TRY(process->close_input());
    ASSAY_TRY(process->finish(Process::How::kWait));
  }
  return static_cast<double>(after - before) / 1e6;
}

Result<double> fork_ms(Executor& executor) {
  WorkspaceOptions options;
  options.limits.disk_bytes = int64_t{2} << 30;
  ASSAY_ASSIGN(const auto workspace, executor.workspace(options));
  RunRequest fill{.argv = {"sh", "-c", "i=0; while [ $i -lt 1024 ]; do head -c 1048576 /dev/zero > f$i; i=$((i+1)); done"}};
  fill.limits.memory_bytes = int64_t{3} << 30;
  ASSAY_ASSIGN(const RunResult filled, executor.run(fill, *workspace));
  if (!filled.succeeded()) return make_error(Boundary::kSandbox, "the workspace cannot be filled: " + to_json(filled).dump());
  const auto start = Clock::now();
  ASSAY_ASSIGN(const auto copy, workspace->fork());
  const double ms = ms_since(start);
  ASSAY_TRY(succeed(executor, *copy, {"test", "-s", "f1023"}));
  return ms;
}

size_t entries(const fs::path& folder, const std::string& start) {
  size_t out = 0;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) out += it->path().filename().string().starts_with(start);
  return out;
}

// Everything of ours that could be left: processes, mounts, cgroups, files.
size_t left_behind() {
  size_t out = 0;
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    std::string name;
    std::getline(std::ifstream(it->path() / "comm"), name);
    out += name == "assay-run" || name == "assay-init" || name == "assay-launcher";
  }
  std::ifstream mounts("/proc/mounts");
  for (std::string line; std::getline(mounts, line);) out += line.find("/run/assay") != std::string::npos;
  for (fs::recursive_directory_iterator it("/sys/fs/cgroup", fs::directory_options::skip_permission_denied, error), end; !error && it != end; it.increment(error))
    if (it->is_directory(error) && it->path().filename().string().starts_with("assay-")) ++out;
  return out + entries(fs::temp_directory_path(), "assay-workspace-") + entries(fs::temp_directory_path(), "assay-layers-");
}

// A tenth of the runs are abandoned while they run: their process is destroyed, which closes the pair and kills the tree.
Status many_runs(Executor& executor, int runs) {
  std::atomic<int> next = 0;
  std::vector<Status> ends(2);
  std::vector<std::thread> threads;
  for (Status& end : ends)
    threads.emplace_back([&] {
      end = [&]() -> Status {
        ASSAY_ASSIGN(auto workspace, executor.workspace({}));
        for (int i; (i = next++) < runs;) {
          if (i % 100 == 0) {
            ASSAY_ASSIGN(workspace, executor.workspace({}));
          }
          if (i % 10 == 0) {
            ASSAY_TRY(executor.start({.argv = {"sh", "-c", "sleep 60 & setsid sleep 60 & sleep 60"}}, *workspace));
          } else {
            ASSAY_TRY(succeed(executor, *workspace, {"true"}));
          }
        }
        return {};
      }();
    });
  for (std::thread& thread : threads) thread.join();
  for (const Status& end : ends) ASSAY_TRY(end);
  return {};
}

Result<double> leaks() {
  const size_t before = left_behind();
  {
    ASSAY_ASSIGN(const auto executor, make_executor("native"));
    ASSAY_TRY(many_runs(*executor, 10'000));
  }
  size_t left = 0;
  for (int i = 0; i < 100; ++i) {   // what is abandoned dies at once, but not in no time
    left = left_behind();
    if (left <= before) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return static_cast<double>(left) - static_cast<double>(before);
}

Result<std::vector<Figure>> run() {
  std::vector<Figure> out;
  {
    ASSAY_ASSIGN(const auto executor, make_executor("native"));
    ASSAY_ASSIGN(const Latency native, latency(*executor, 500));
    out.push_back({"sandbox", "start to end of true, mean", native.mean_ms, "ms", 5, false, "every wall of native"});
    out.push_back({"sandbox", "start to end of true, 99th percentile", native.p99_ms, "ms", 10, false, "500 runs, one at a time"});
    if (const auto bwrap = make_executor("bwrap"); bwrap.ok()) {
      ASSAY_ASSIGN(const Latency other, latency(**bwrap, 300));
      out.push_back({"sandbox", "the same with bubblewrap, mean", other.mean_ms, "ms", 0, false, "our filter and cgroups around and in it"});
      out.push_back({"sandbox", "bubblewrap's time over ours", other.mean_ms / native.mean_ms, "", 1, true, "same run, same machine"});
    }
    ASSAY_ASSIGN(const double rate, runs_per_second(*executor, 4, 2'000));
    out.push_back({"sandbox", "runs of true", rate, "1/s", 300, true, "4 at once, " + std::to_string(std::thread::hardware_concurrency()) + " cores"});
    ASSAY_ASSIGN(const double memory, memory_of(*executor, 200));
    out.push_back({"sandbox", "200 sandboxes at once", memory, "MB", 2'000, false, "each a shell and cat that wait for input"});
    ASSAY_ASSIGN(const double fork, fork_ms(*executor));
    out.push_back({"sandbox", "fork of a workspace of 1 GB", fork, "ms", 20, false, "1,024 files, written by a run"});
  }
  ASSAY_ASSIGN(const double left, leaks());
  out.push_back({"sandbox", "left after 10,000 runs", left, "things", 0.5, false, "processes, mounts, cgroups and files; a tenth of the runs abandoned midway"});
  return out;
}

}  // namespace

BenchArea make() { return {"sandbox", "confined runs, workspaces, and what they leave behind", run}; }

}  // namespace assay::bench::sandbox
