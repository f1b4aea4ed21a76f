// One verb over the shards of its work, as a job array of Slurm: long-lived workers, each with some of the shards, each shard with a
// store of its own. What became of a shard is told by a file that its worker writes, never by Slurm, which is asked only who still runs:
// so a shard that a lost node, a time-out or a kill took is one without such a file, and is submitted again.
//
//   FOLDER/plan.json      what is run; a folder belongs to one plan
//   FOLDER/submit.sbatch  the script, as it was submitted
//   FOLDER/cut            is there once every shard has its part of the store
//   FOLDER/7.db           the store of shard 7, and folders beside it
//   FOLDER/7.result       exit status of the verb, a line break, what it printed with --json; appears whole
//   FOLDER/logs/          what workers said
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "envs/base/clock.h"
#include "envs/base/json.h"
#include "envs/base/program.h"

namespace assay {

struct SlurmPlan {
  std::string folder, directory, program;   // absolute paths, as nodes see them; the verb is run in `directory`
  std::vector<std::string> command;         // the verb and its options, without --store, --shard and --json
  int64_t shards = 1, workers = 1;          // workers <= shards; worker w has the shards w, w + workers, …
  std::vector<std::string> options;         // of sbatch: "--time=1:00:00"

  std::string store(int64_t shard) const;
  std::string result(int64_t shard) const;
  std::string job_name() const;             // from the folder: nobody else's
};
Json to_json(const SlurmPlan& plan);

std::string sbatch_script(const SlurmPlan& plan);

// Makes the folder with plan and script. A folder that holds another plan is refused.
Status prepare_folder(const SlurmPlan& plan);

enum class ShardEnd {
  kOpen,      // no worker has come to its end
  kDone,      // also where some of its rollouts failed: they are stored, and told
  kStopped,   // interrupted, killed, or an error of its machine: goes on when it is submitted again
  kRefused,   // bad input: would be refused again
};
struct ShardResult {
  ShardEnd end = ShardEnd::kOpen;
  int status = 0;
  OrderedJson told;      // what the verb printed; null if nothing
  std::string problem;   // why it stopped or was refused
};
ShardResult read_result(const SlurmPlan& plan, int64_t shard);

struct SlurmOptions {
  int attempts = 3;           // submissions before shards that do not end are given up
  int64_t poll_ms = 5000;
  const std::atomic<bool>* cancelled = nullptr;   // stops the waiting, not the jobs
  std::function<void(int64_t done)> progress;     // shards
  std::function<void(const std::string& line)> say;
};
struct SlurmReport {
  std::vector<ShardResult> shards;
  int submissions = 0;
  bool interrupted = false;
};
// Submits what is open, unless jobs of this plan are queued already, waits, and submits what stopped again. `run` runs Slurm's programs.
Result<SlurmReport> run_on_slurm(const SlurmPlan& plan, const SlurmOptions& options, Clock& clock, const ProgramRunner& run);

}  // namespace assay
