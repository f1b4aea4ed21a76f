#include "envs/rollout_loop.h"

#include <algorithm>
#include <map>
#include <memory>

#include "envs/episode.h"

namespace assay {
namespace {

class Loop {
 public:
  Loop(Policy& policy, const RolloutHost& host, const RolloutOptions& options, const std::vector<Attempt>& attempts,
       const std::function<Status(Rollout)>& done)
      : policy_(policy), host_(host), options_(options), attempts_(attempts), done_(done), descriptor_(policy.descriptor()) {}

  ~Loop() {
    for (const auto& [handle, open] : open_) policy_.finish(handle);
  }

  Status run() {
    while (!cancelled()) {
      ASSAY_TRY(fill());
      if (open_.empty()) return {};
      std::vector<Action> actions = policy_.answer();
      if (actions.empty()) ASSAY_TRY(fail_all());
      for (Action& action : actions) {
        if (cancelled()) return {};
        ASSAY_TRY(take(action));
      }
    }
    return {};
  }

 private:
  struct Open {
    Open(const Attempt& attempt, std::shared_ptr<Tools> own_tools, const Verifier* judge, std::shared_ptr<const TaskView> seen, int64_t now_us)
        : task(*attempt.task), tools(std::move(own_tools)), verifier(judge), view(std::move(seen)), episode(task, *tools), conversation(episode.opening()),
          start_us(now_us) {}

    const Task& task;
    std::shared_ptr<Tools> tools;
    const Verifier* verifier;
    std::shared_ptr<const TaskView> view;
    Episode episode;
    Conversation conversation;
    Usage usage;
    int64_t start_us, tool_us = 0;
  };
  using Handle = int64_t;  // the attempt's place in attempts_

  bool cancelled() const { return host_.cancelled && host_.cancelled->load(std::memory_order_relaxed); }
  const Attempt& attempt(Handle handle) const { return attempts_[static_cast<size_t>(handle)]; }

  Status fill() {
    while (static_cast<int64_t>(open_.size()) < std::max<int64_t>(options_.in_flight, 1) && next_ < attempts_.size())
      ASSAY_TRY(start(static_cast<Handle>(next_++)));
    return {};
  }

  Status start(Handle handle) {
    const Task& task = *attempt(handle).task;
    auto tools = host_.tools(task);
    if (!tools.ok()) return done_(failed(handle, tools.error()));
    auto verifier = host_.verifier(task);
    if (!verifier.ok()) return done_(failed(handle, verifier.error()));
    auto open = std::make_unique<Open>(attempt(handle), *tools, *verifier, view(task, **tools), host_.clock->monotonic_us());
    ask(handle, *open_.emplace(handle, std::move(open)).first->second);
    return {};
  }

  // The attempts of a group follow each other and share one view.
  std::shared_ptr<const TaskView> view(const Task& task, Tools& tools) {
    if (&task != viewed_) view_ = std::make_shared<const TaskView>(view_of(task, tools.specs()));
    viewed_ = &task;
    return view_;
  }

  void ask(Handle handle, const Open& open) {
    policy_.ask({handle, open.view.get(), &open.conversation, options_.seed, attempt(handle).sample, open.episode.steps()});
  }

  Status take(Action& action) {
    const auto found = open_.find(action.rollout);
    if (found == open_.end()) return {};  // an answer to what has ended already
    Open& open = *found->second;
    open.usage.prompt_tokens += action.usage.prompt_tokens;
    open.usage.completion_tokens += action.usage.completion_tokens;
    open.usage.cached_tokens += action.usage.cached_tokens;
    if (!action.message.ok()) return end(action.rollout, action.message.error());
    if (action.message->role != Role::kAssistant)
      return end(action.rollout, make_error(Boundary::kPolicy, "the policy wrote a message that is not the assistant's", descriptor_));
    if (auto broken = advance(open, std::move(*action.message)); !broken.ok()) return end(action.rollout, broken.error());
    if (open.episode.done()) return end(action.rollout, std::nullopt);
    ask(action.rollout, open);
    return {};
  }

  // What arrives over a limit is kept, and its calls are refused one by one, so that each call has its result.
  Status advance(Open& open, Message message) {
    const int64_t before_us = host_.clock->monotonic_us();
    if (before_us - open.start_us > open.task.limits.wall_ms * 1000) open.episode.stop_because("limit:wall");
    if (open.usage.completion_tokens > open.task.limits.tokens) open.episode.stop_because("limit:tokens");
    open.conversation.push_back(std::move(message));
    ASSAY_ASSIGN(Conversation results, open.episode.step(open.conversation.back()));
    for (Message& result : results) open.conversation.push_back(std::move(result));
    open.tool_us += host_.clock->monotonic_us() - before_us;
    return {};
  }

  Status end(Handle handle, std::optional<Error> broken) {
    const std::unique_ptr<Open> open = std::move(open_.extract(handle).mapped());
    Result<Outcome> outcome = broken ? Result<Outcome>(Outcome{open->episode.answer(), {}}) : open->episode.outcome();
    if (!outcome.ok()) {
      broken = outcome.error();
      outcome = Outcome{open->episode.answer(), {}};
    }
    Rollout rollout = broken ? failed(handle, std::move(*broken)) : named(handle);
    if (!broken) rollout.verdict = open->verifier->judge(*outcome);
    rollout.answer = std::move(outcome->answer);
    rollout.state = std::move(outcome->state);
    rollout.submitted = open->episode.submitted();
    rollout.stop = open->episode.stop();
    rollout.steps = open->episode.steps();
    rollout.calls = open->episode.calls();
    rollout.failed_calls = open->episode.failed_calls();
    rollout.usage = open->usage;
    rollout.tool_us = open->tool_us;
    rollout.wall_us = host_.clock->monotonic_us() - open->start_us;
    rollout.messages = std::move(open->conversation);
    policy_.finish(handle);
    return done_(std::move(rollout));
  }

  // Only a policy that breaks its contract comes here; waiting for it would never end.
  Status fail_all() {
    while (!open_.empty())
      ASSAY_TRY(end(open_.begin()->first, make_error(Boundary::kPolicy, "the policy stopped answering", descriptor_)));
    return {};
  }

  Rollout named(Handle handle) const {
    Rollout rollout;
    rollout.task = attempt(handle).task->id;
    rollout.policy = descriptor_;
    rollout.seed = options_.seed;
    rollout.sample = attempt(handle).sample;
    rollout.id = rollout_id(rollout.task, rollout.policy, rollout.seed, rollout.sample);
    return rollout;
  }

  Rollout failed(Handle handle, Error error) const {
    Rollout rollout = named(handle);
    rollout.status = RolloutStatus::kFailed;
    rollout.failure = std::move(error);
    return rollout;
  }

  Policy& policy_;
  const RolloutHost& host_;
  const RolloutOptions& options_;
  const std::vector<Attempt>& attempts_;
  const std::function<Status(Rollout)>& done_;
  const std::string descriptor_;
  std::map<Handle, std::unique_ptr<Open>> open_;
  size_t next_ = 0;
  const Task* viewed_ = nullptr;
  std::shared_ptr<const TaskView> view_;
};

}  // namespace

Status play(Policy& policy, const RolloutHost& host, const RolloutOptions& options, const std::vector<Attempt>& attempts,
            const std::function<Status(Rollout)>& done) {
  return Loop(policy, host, options, attempts, done).run();
}

}  // namespace assay
