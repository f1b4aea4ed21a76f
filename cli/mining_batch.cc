#include "cli/mining_batch.h"

#include <set>

#include "cli/jobs.h"
#include "envs/base/hash.h"
#include "synth/mine/git_repository.h"
#include "synth/mine/miner.h"

namespace assay {
namespace {

// The clone, opened once a thread: where the source is one itself, that.
Result<std::vector<std::unique_ptr<GitRepository>>> open_clones(const SourceOptions& source, int jobs) {
  ASSAY_ASSIGN(const MiningSource* const kind, find_source(source.argument));
  const std::string path = !source.clone.empty() ? source.clone : kind->is_clone ? source.argument : "";
  std::vector<std::unique_ptr<GitRepository>> clones(static_cast<size_t>(jobs));
  if (path.empty()) return clones;
  for (auto& clone : clones) {
    ASSAY_ASSIGN(clone, GitRepository::open(path));
  }
  return clones;
}

class Batch {
 public:
  Batch(const MiningOptions& options, Progress& progress) : options_(options), progress_(progress) {}

  Result<MiningReport> run() {
    ASSAY_ASSIGN(clones_, open_clones(options_.source, options_.jobs));
    ASSAY_ASSIGN(const std::unique_ptr<ChangeSource> source, open_source(options_.source));
    while (!done()) {
      Result<std::vector<MinedChange>> changes = source->next();
      if (!changes.ok() && report_.funnel.changes() == 0 && report_.candidates.empty() && !stopped()) return changes.error();
      if (!changes.ok()) report_.error = changes.error();
      if (!changes.ok() || changes->empty()) break;
      for (MinedChange& change : *changes) change.lost = judge_words(change, options_.filters);
      if (const Status completed = source->complete(*changes); !completed.ok()) {
        report_.error = completed.error();
        break;
      }
      ASSAY_TRY(mine(*changes));
    }
    report_.notes = source->notes();
    report_.interrupted = stopped();
    return std::move(report_);
  }

 private:
  bool stopped() const { return options_.source.cancelled && options_.source.cancelled->load(std::memory_order_relaxed); }
  bool enough() const { return options_.limit >= 0 && static_cast<int64_t>(report_.candidates.size()) >= options_.limit; }
  bool done() const { return stopped() || enough(); }

  Status mine(std::vector<MinedChange>& changes) {
    const JobOptions jobs{.jobs = options_.jobs, .cancelled = options_.source.cancelled};
    const Result<int64_t> reached = ordered_map<Mined>(
        0, static_cast<int64_t>(changes.size()), jobs,
        [&](int64_t index, int worker) -> Result<Mined> {
          return mine_change(std::move(changes[static_cast<size_t>(index)]), clones_[static_cast<size_t>(worker)].get(), options_.filters);
        },
        [&](int64_t, Mined mined) { return take(std::move(mined)); });
    return reached.ok() ? Status() : reached.error();
  }

  Status take(Mined mined) {
    if (enough()) return {};
    if (!mined.loss && !solutions_.insert(sha256_hex(mined.candidate.gold)).second) mined.loss = Loss{"duplicate", ""};
    progress_.add(1, mined.loss ? 1 : 0);
    if (mined.loss) report_.funnel.add(mined.loss, mined.candidate);
    else report_.candidates.push_back(std::move(mined.candidate));
    return {};
  }

  const MiningOptions& options_;
  Progress& progress_;
  std::vector<std::unique_ptr<GitRepository>> clones_;
  std::set<std::string> solutions_;
  MiningReport report_;
};

}  // namespace

Result<MiningReport> run_mining(const MiningOptions& options, Progress& progress) { return Batch(options, progress).run(); }

}  // namespace assay
