#include "cli/rollout_batch.h"

#include <algorithm>
#include <set>

#include "cli/jobs.h"
#include "cli/transcript_source.h"
#include "envs/cold_start.h"
#include "envs/rollout_loop.h"

namespace assay {
namespace {

struct Worker {
  Worker(DatabaseCache& databases, const BatchOptions& options)
      : host(databases), transcripts(host, databases.store(), options.from) {}
  Host host;
  TranscriptSource transcripts;
  std::unique_ptr<Policy> policy;
};

// `first` is the policy of another worker, or null.
Status open_policy(const BatchOptions& options, Policy* first, Worker& worker) {
  if (first) worker.policy = first->sibling();
  if (worker.policy) return {};
  PolicyOptions policy_options = options.policy_options;
  policy_options.cancelled = options.cancelled;
  policy_options.transcripts = [&worker](const std::string& task, int64_t sample) {
    return worker.transcripts.find(task, sample);
  };
  ASSAY_ASSIGN(worker.policy, make_policy(options.policy, policy_options));
  std::string descriptor = worker.policy->descriptor();
  if (!options.from.empty()) descriptor += ":" + options.from;
  if (!options.cold_start.empty()) descriptor += "+" + options.cold_start;
  if (options.context.strategy != ContextStrategy::kNone)
    descriptor += std::string("+") + context_strategy_name(options.context.strategy) + "@" + std::to_string(options.context.window_tokens);
  if (descriptor != worker.policy->descriptor()) worker.policy = renamed_policy(std::move(worker.policy), std::move(descriptor));
  return {};
}

bool is_endpoint(const std::string& policy) { return policy.find("://") != std::string::npos; }

// Tasks that are played together: of one environment for local policies, whose tools are then bound once; many for an
// endpoint, whose slowest rollout of each chunk is waited for.
struct Chunk {
  size_t begin = 0, end = 0;
};

// Sixteen times what is in flight, so that the end of a chunk costs little, and leaves something for other processes.
std::vector<Chunk> chunks_of(const std::vector<TaskRow>& tasks, const BatchOptions& options) {
  const bool endpoint = is_endpoint(options.policy);
  const int64_t in_flight = options.policy_options.in_flight;
  const size_t most = endpoint ? static_cast<size_t>(std::clamp<int64_t>(16 * in_flight / options.group, 16, 1024)) : 16;
  std::vector<Chunk> chunks;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const bool same = !chunks.empty() && i - chunks.back().begin < most &&
                      (endpoint || tasks[i].environment == tasks[chunks.back().begin].environment);
    if (!same) chunks.push_back({i, i});
    chunks.back().end = i + 1;
  }
  return chunks;
}

void tally(PolicySummary& summary, bool scored, bool passed, int64_t calls) {
  ++summary.rollouts;
  summary.scored += scored;
  summary.passed += passed;
  summary.failed += !scored;
  summary.mean_calls += (static_cast<double>(calls) - summary.mean_calls) / static_cast<double>(summary.rollouts);
}

constexpr int64_t kLeaseMs = 60'000, kRenewMs = 15'000, kWaitMs = 100;

// What became of a chunk; other processes hold the leases of the tasks `elsewhere`.
struct Played {
  BatchReport report;
  std::vector<TaskRow> elsewhere;
};

// Plays one chunk on one thread.
class ChunkPlayer {
 public:
  ChunkPlayer(Store& store, Worker& worker, const BatchOptions& options, Progress& progress)
      : store_(store), worker_(worker), options_(options), progress_(progress) {}

  Result<Played> play(const TaskRow* begin, const TaskRow* end) {
    ASSAY_ASSIGN(const std::vector<std::string> leased, lease(begin, end));
    for (const TaskRow* row = begin; row != end; ++row)
      if (!elsewhere_.contains(row->id)) ASSAY_TRY(plan(*row));
    ASSAY_TRY(play_planned(begin, end));
    worker_.transcripts.clear();
    ASSAY_TRY(store_.give_back(work(), leased));
    Played played{std::move(report_), {}};
    std::copy_if(begin, end, std::back_inserter(played.elsewhere), [&](const TaskRow& row) { return elsewhere_.contains(row.id); });
    return played;
  }

 private:
  std::string work() const { return "rollout " + worker_.policy->descriptor() + " " + std::to_string(options_.seed); }

  // Of tasks that lack a rollout. What they lack is looked up again once they are leased: who had them before may have played it.
  Result<std::vector<std::string>> lease(const TaskRow* begin, const TaskRow* end) {
    std::vector<std::string> open;
    for (const TaskRow* row = begin; row != end; ++row) {
      ASSAY_ASSIGN(const std::vector<int64_t> missing, missing_samples(*row));
      if (!missing.empty()) open.push_back(row->id);
    }
    if (open.empty()) return open;
    ASSAY_ASSIGN(std::vector<std::string> leased, store_.lease(work(), open, kLeaseMs));
    elsewhere_.insert(open.begin(), open.end());
    for (const std::string& id : leased) elsewhere_.erase(id);
    return leased;
  }

  Status play_planned(const TaskRow* begin, const TaskRow* end) {
    if (attempts_.empty()) return {};
    RolloutHost host;
    host.tools = [this](const Task& task) { return tools(task); };
    host.judge = [this](const Task& task, const Outcome& outcome) { return worker_.host.judge(task, outcome); };
    host.clock = options_.policy_options.clock;
    host.cancelled = options_.cancelled;
    RolloutOptions play_options;
    play_options.seed = options_.seed;
    play_options.in_flight = options_.policy_options.in_flight;
    play_options.context = options_.context;
    if (!options_.cold_start.empty()) {
      ASSAY_ASSIGN(play_options.cold_start, cold_start_prompt(options_.cold_start));
    }
    ASSAY_ASSIGN(const bool heavy, any_runs_programs(begin, end));
    // Each open episode may hold an interpreter with all its memory.
    if (heavy) play_options.in_flight = std::min(play_options.in_flight, kHeavyInFlight);
    // A machine without the sandbox fails the batch, not every rollout of it.
    if (heavy) ASSAY_TRY(worker_.host.executor());
    return assay::play(*worker_.policy, host, play_options, attempts_, [this](Rollout rollout) { return take(std::move(rollout)); });
  }

  static constexpr int64_t kHeavyInFlight = 4;

  Result<bool> any_runs_programs(const TaskRow* begin, const TaskRow* end) {
    std::set<std::string> seen;
    for (const TaskRow* row = begin; row != end; ++row) {
      if (!seen.insert(row->environment).second) continue;
      ASSAY_ASSIGN(const std::shared_ptr<const Environment> environment, store_.environment(row->environment));
      if (runs_programs(*environment)) return true;
    }
    return false;
  }

  Result<std::vector<int64_t>> missing_samples(const TaskRow& row) {
    std::vector<int64_t> missing;
    for (int64_t sample = 0; sample < options_.group; ++sample) {
      ASSAY_ASSIGN(const bool there,
                   store_.has_rollout(rollout_id(row.id, worker_.policy->descriptor(), options_.seed, sample)));
      if (!there) missing.push_back(sample);
    }
    return missing;
  }

  Status plan(const TaskRow& row) {
    difficulty_[row.id] = row.difficulty;
    ++report_.by_difficulty[row.difficulty].tasks;
    ASSAY_ASSIGN(const std::vector<int64_t> missing, missing_samples(row));
    if (missing.size() < static_cast<size_t>(options_.group)) ASSAY_TRY(keep_stored(row));
    if (missing.empty()) return {};
    ASSAY_ASSIGN(std::shared_ptr<const Task> task, worker_.host.task(row.id));
    for (int64_t sample : missing) attempts_.push_back({task.get(), sample});
    tasks_.push_back(std::move(task));
    return {};
  }

  Status keep_stored(const TaskRow& row) {
    RolloutFilter filter;
    filter.task = row.id;
    filter.policy = worker_.policy->descriptor();
    filter.seed = options_.seed;
    ASSAY_ASSIGN(const std::vector<RolloutRow> stored, store_.rollouts(filter));
    for (const RolloutRow& old : stored) {
      if (old.sample < 0 || old.sample >= options_.group) continue;
      tally(report_.by_difficulty[row.difficulty], old.scored, old.passed, old.calls);
      if (!old.scored) ++report_.failures[old.boundary + ": stored earlier"];
      ++report_.kept;
      progress_.skip(1);
    }
    return {};
  }

  // Episodes borrow these until the chunk ends, so they are held here whatever the caches forget.
  Result<std::shared_ptr<Tools>> tools(const Task& task) {
    ASSAY_ASSIGN(std::shared_ptr<Toolset> found, worker_.host.tools(task));
    return std::static_pointer_cast<Tools>(std::move(found));
  }

  Status take(Rollout rollout) {
    const bool scored = rollout.status == RolloutStatus::kScored;
    tally(report_.by_difficulty[difficulty_[rollout.task]], scored, scored && rollout.verdict.passed, rollout.calls);
    if (rollout.failure) ++report_.failures[boundary_name(rollout.failure->boundary) + ": " + rollout.failure->what + (rollout.failure->hint.empty() ? "" : " (try: " + rollout.failure->hint + ")")];
    ++report_.played;
    ASSAY_TRY(store_.put_rollout(rollout));
    progress_.add(1, scored ? 0 : 1);
    return {};
  }

  Store& store_;
  Worker& worker_;
  const BatchOptions& options_;
  Progress& progress_;
  BatchReport report_;
  std::set<std::string> elsewhere_;
  std::vector<std::shared_ptr<const Task>> tasks_;
  std::map<std::string, int> difficulty_;
  std::vector<Attempt> attempts_;
};

void merge(PolicySummary& into, const PolicySummary& from) {
  const int64_t all = into.rollouts + from.rollouts;
  if (all > 0)
    into.mean_calls = (into.mean_calls * static_cast<double>(into.rollouts) +
                       from.mean_calls * static_cast<double>(from.rollouts)) / static_cast<double>(all);
  into.tasks += from.tasks;
  into.rollouts = all;
  into.scored += from.scored;
  into.passed += from.passed;
  into.failed += from.failed;
}

void merge(BatchReport& into, const BatchReport& from) {
  for (const auto& [difficulty, summary] : from.by_difficulty) merge(into.by_difficulty[difficulty], summary);
  for (const auto& [what, count] : from.failures)
    if (into.failures.size() < 100 || into.failures.count(what)) into.failures[what] += count;
  into.played += from.played;
  into.kept += from.kept;
}

}  // namespace

PolicySummary BatchReport::total() const {
  PolicySummary total;
  for (const auto& [difficulty, summary] : by_difficulty) merge(total, summary);
  total.policy = policy;
  return total;
}

Result<BatchReport> run_batch(DatabaseCache& databases, std::vector<TaskRow> tasks, const BatchOptions& options, Progress& progress) {
  std::stable_sort(tasks.begin(), tasks.end(),
                   [](const TaskRow& a, const TaskRow& b) { return a.environment < b.environment; });
  std::vector<std::unique_ptr<Worker>> workers;
  const int jobs = is_endpoint(options.policy) ? 1 : options.jobs;
  for (int i = 0; i < std::max(jobs, 1); ++i) {
    workers.push_back(std::make_unique<Worker>(databases, options));
    ASSAY_TRY(open_policy(options, workers.front()->policy.get(), *workers.back()));
  }

  BatchReport report;
  report.policy = workers[0]->policy->descriptor();
  Store& store = databases.store();
  // A beat that fails is made good by the next; at worst a task is played twice, of which the store keeps one.
  const Heartbeat renewing(kRenewMs, [&store] { (void)store.renew_leases(kLeaseMs); });
  const JobOptions job_options{.jobs = jobs, .cancelled = options.cancelled};
  const auto cancelled = [&] { return options.cancelled && options.cancelled->load(); };
  while (!tasks.empty() && !cancelled()) {
    const std::vector<Chunk> chunks = chunks_of(tasks, options);
    std::vector<TaskRow> elsewhere;
    const Result<int64_t> played = ordered_map<Played>(
        0, static_cast<int64_t>(chunks.size()), job_options,
        [&](int64_t index, int worker) {
          const Chunk& chunk = chunks[static_cast<size_t>(index)];
          return ChunkPlayer(store, *workers[static_cast<size_t>(worker)], options, progress)
              .play(tasks.data() + chunk.begin, tasks.data() + chunk.end);
        },
        [&](int64_t, Played chunk) -> Status {
          merge(report, chunk.report);
          elsewhere.insert(elsewhere.end(), chunk.elsewhere.begin(), chunk.elsewhere.end());
          return {};
        });
    ASSAY_TRY(store.flush());
    if (!played.ok()) return played.error();
    if (elsewhere.size() == tasks.size()) options.policy_options.clock->sleep_ms(kWaitMs);
    tasks = std::move(elsewhere);
  }
  for (auto& [difficulty, summary] : report.by_difficulty) {
    summary.policy = report.policy;
    summary.difficulty = difficulty;
  }
  report.interrupted = cancelled();
  return report;
}

}  // namespace assay
