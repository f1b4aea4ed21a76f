#include "cli/task_plan.h"

namespace assay {

TaskPlan::TaskPlan(std::unique_ptr<Factory> factory, int64_t count)
    : environments_(count), each_(static_cast<int64_t>(factory->difficulties(0).size())), tasks_(count * each_), cut_tasks_(tasks_) {
  factories_.push_back(std::move(factory));
}

Result<TaskPlan> TaskPlan::of_all_domains(const FactoryOptions& options, int64_t environments, int64_t tasks) {
  if (environments < 1 || tasks < environments)
    return input_error("expected at least one task for each environment, and one environment", "--environments, --tasks");
  TaskPlan plan;
  plan.environments_ = environments;
  plan.tasks_ = plan.cut_tasks_ = tasks;
  plan.most_in_environment_ = (tasks + environments - 1) / environments;
  for (const std::string& name : domain_names()) {
    FactoryOptions own = options;
    own.domain = name;
    own.tasks_per_environment = plan.most_in_environment_;
    own.turn = static_cast<int64_t>(plan.factories_.size());
    ASSAY_ASSIGN(std::unique_ptr<Factory> factory, Factory::create(own));
    if (factory->needs_executor()) plan.left_out_.push_back(name);
    else plan.factories_.push_back(std::move(factory));
  }
  return plan;
}

void TaskPlan::cut(const Shard& shard) {
  shard_ = shard;
  cut_tasks_ = 0;
  for (int64_t index = 0; index < environments_; ++index) cut_tasks_ += batch(index).count * each_;
}

TaskBatch TaskPlan::batch(int64_t index) const {
  TaskBatch batch = whole_batch(index);
  if (!shard_.holds("batch " + std::to_string(index))) batch.count = 0;
  return batch;
}

TaskBatch TaskPlan::whole_batch(int64_t index) const {
  if (!by_environment()) return {factories_[0].get(), index, 1};
  const int64_t domains = static_cast<int64_t>(factories_.size()), each = tasks_ / environments_, more = tasks_ % environments_;
  // The first `more` environments get one task more.
  return {factories_[static_cast<size_t>(index % domains)].get(), index / domains * most_in_environment_, each + (index < more ? 1 : 0)};
}

}  // namespace assay
