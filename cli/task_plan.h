// Which tasks a run of `assay synth` makes, and in what order: a function of its options alone, so a run that was interrupted goes on
// where it stopped. Tasks come in batches; a batch is made by one thread.
#pragma once

#include <memory>
#include <vector>

#include "datasets/shard.h"
#include "synth/factory.h"

namespace assay {

// Tasks first … first + count - 1 of a factory.
struct TaskBatch {
  Factory* factory = nullptr;
  int64_t first = 0, count = 0;
};

// Immutable but for the factories' caches; any thread.
class TaskPlan {
 public:
  // Tasks, or lineages, 0 … count - 1 of one factory, each a batch of its own.
  TaskPlan(std::unique_ptr<Factory> factory, int64_t count);

  // Every built-in domain in turn, an environment from each, until there are `environments`; `tasks` spread over them as evenly as
  // whole numbers allow. A batch is an environment. Each domain begins with another difficulty and archetype than the one before, so any
  // first part of the run has about as much of each. Domains whose tools run programs are left out: a sandbox is started for each task.
  // `options`: of every factory; domain, data, mapping, turn and tasks_per_environment are not read.
  static Result<TaskPlan> of_all_domains(const FactoryOptions& options, int64_t environments, int64_t tasks);

  // Leaves the batches of one shard, by their index; the others are empty from now on.
  void cut(const Shard& shard);

  int64_t batches() const { return environments_; }
  int64_t tasks() const { return cut_tasks_; }
  TaskBatch batch(int64_t index) const;

  const std::vector<std::unique_ptr<Factory>>& factories() const { return factories_; }
  const std::vector<std::string>& left_out() const { return left_out_; }   // names of domains
  // Whether an environment belongs to one batch, and need not be kept after it.
  bool by_environment() const { return factories_.size() > 1; }

 private:
  TaskPlan() = default;
  std::vector<std::unique_ptr<Factory>> factories_;
  std::vector<std::string> left_out_;
  TaskBatch whole_batch(int64_t index) const;
  int64_t environments_ = 0, each_ = 1, tasks_ = 0, most_in_environment_ = 1;   // before the cut; each_: tasks of an index
  int64_t cut_tasks_ = 0;
  Shard shard_;
};

}  // namespace assay
