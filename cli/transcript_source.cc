#include "cli/transcript_source.h"

#include "synth/build/repair_task.h"
#include "synth/factory.h"

namespace assay {
namespace {

class RenamedPolicy final : public Policy {
 public:
  RenamedPolicy(std::unique_ptr<Policy> policy, std::string descriptor)
      : policy_(std::move(policy)), descriptor_(std::move(descriptor)) {}
  std::string descriptor() const override { return descriptor_; }
  void ask(const Turn& turn) override { policy_->ask(turn); }
  std::vector<Action> answer() override { return policy_->answer(); }
  void finish(int64_t rollout) override { policy_->finish(rollout); }
  std::unique_ptr<Policy> sibling() override {
    std::unique_ptr<Policy> other = policy_->sibling();
    return other ? renamed_policy(std::move(other), descriptor_) : nullptr;
  }

 private:
  std::unique_ptr<Policy> policy_;
  std::string descriptor_;
};

}  // namespace

std::unique_ptr<Policy> renamed_policy(std::unique_ptr<Policy> policy, std::string descriptor) {
  return std::make_unique<RenamedPolicy>(std::move(policy), std::move(descriptor));
}

Result<const Conversation*> TranscriptSource::find(const std::string& task, int64_t sample) {
  const std::pair key(task, from_.empty() ? 0 : sample);
  auto it = kept_.find(key);
  if (it == kept_.end()) {
    ASSAY_ASSIGN(Conversation found, from_.empty() ? gold(task) : stored(task, sample));
    it = kept_.emplace(key, std::move(found)).first;
  }
  return static_cast<const Conversation*>(&it->second);
}

Result<Conversation> TranscriptSource::gold(const std::string& id) {
  ASSAY_ASSIGN(std::shared_ptr<const Task> task, host_.task(id));
  if (task->archetype == kRepairArchetype) return repair_gold(*task);
  ASSAY_ASSIGN(std::shared_ptr<Toolset> tools, host_.tools(*task));
  ASSAY_ASSIGN(std::shared_ptr<const Environment> environment, store_.environment(task->environment));
  // A domain that is not at hand any more is missed only by an archetype that needs it.
  AuditRequest audit;
  if (Result<std::shared_ptr<const Domain>> domain = host_.domain(*task); domain.ok())
    if (Result<AuditRequest> found = request_of(*task, std::move(*domain), environment, *tools); found.ok()) audit = std::move(*found);
  MakeRequest request = audit.request;
  request.environment = environment;
  request.tools = tools.get();
  request.kept = host_.kept(*task);
  if (runs_programs(*environment)) {
    ASSAY_ASSIGN(request.executor, host_.executor());
  }
  ASSAY_ASSIGN(const Archetype* archetype, find_archetype(task->archetype));
  ASSAY_ASSIGN(Exploration found, archetype->gold(*task, request));
  return std::move(found.transcript);
}

Result<Conversation> TranscriptSource::stored(const std::string& task, int64_t sample) {
  RolloutFilter filter;
  filter.task = task;
  filter.policy = from_;
  ASSAY_ASSIGN(std::vector<RolloutRow> rows, store_.rollouts(filter));
  const RolloutRow* best = nullptr;
  for (const RolloutRow& row : rows)
    if (row.sample == sample && (!best || row.seed < best->seed)) best = &row;
  if (!best)
    return input_error("no stored rollout of '" + from_ + "' with sample " + std::to_string(sample), "task " + task,
                       "a smaller --group, or another --from (assay show store)");
  ASSAY_ASSIGN(Rollout rollout, store_.rollout(best->id));
  return std::move(rollout.messages);
}

}  // namespace assay
