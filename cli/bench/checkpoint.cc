// Opening a sharded checkpoint of 10 GB, with as many tensors as DeepSeek-V3.2 has: every header read and checked, every file mapped,
// no weight touched. So the weights may be holes in their files, and the benchmark takes no 10 GB of disk.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>

#include "cli/bench.h"
#include "cli/bench/temporary_folder.h"
#include "cli/text.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/synthetic.h"

namespace assay::bench::checkpoint {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int64_t kShards = 64;

// Writes what is in memory alone to the disk and has the system forget it, so that the next reader waits for the disk.
Status evict(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    const bool done = file >= 0 && ::fsync(file) == 0 && ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0;
    if (file >= 0) ::close(file);
    if (!done) return make_error(Boundary::kStore, "cannot be written to the disk", entry.path().string());
  }
  return {};
}

struct Opening {
  double seconds = 0;
  size_t tensors = 0, files = 0;
  int64_t bytes = 0;
};

Result<Opening> open(const std::filesystem::path& folder) {
  const auto start = SteadyClock::now();
  ASSAY_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(folder.string()));
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  return Opening{seconds, checkpoint.tensors().size(), checkpoint.file_count(), checkpoint.stored_bytes()};
}

Result<std::vector<Figure>> run() {
  TemporaryFolder folder("checkpoint");
  ASSAY_ASSIGN(const ModelConfig config, preset_config("10g"));
  ASSAY_TRY(write_synthetic(config, folder.path.string(), {.dtype = WeightDType::kFp8, .shards = kShards, .only_zeros = true}));
  ASSAY_TRY(evict(folder.path));
  ASSAY_ASSIGN(const Opening cold, open(folder.path));
  ASSAY_ASSIGN(const Opening warm, open(folder.path));
  const std::string what = bytes_text(cold.bytes) + ", " + count_text(static_cast<int64_t>(cold.tensors)) + " tensors in " +
                           std::to_string(cold.files) + " files; weights are holes, which opening does not read";
  return std::vector<Figure>{{"checkpoint", "opening, headers from disk", cold.seconds, "s", 2, false, what},
                             {"checkpoint", "opening, headers in memory", warm.seconds, "s", 2, false, "the same once more"}};
}

}  // namespace

BenchArea make() { return {"checkpoint", "opening a sharded checkpoint of 10 GB", run}; }

}  // namespace assay::bench::checkpoint
