#include "envs/rollout_loop.h"

#include <algorithm>
#include <map>
#include <memory>

#include "envs/cold_start.h"
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
    Open(const Attempt& attempt, std::shared_ptr<Tools> own_tools, std::shared_ptr<const TaskView> seen,
         const RolloutOptions& options, int64_t now_us)
        : task(*attempt.task), tools(std::move(own_tools)), view(std::move(seen)), episode(task, *tools),
          window(opening(episode, options), options.context, tool_tokens(*view, options.context)), start_us(now_us) {}

    const Task& task;
    std::shared_ptr<Tools> tools;
    std::shared_ptr<const TaskView> view;
    Episode episode;
    ContextWindow window;
    std::unique_ptr<const TaskView> summary_view;  // without tools, while a summary is awaited
    Usage usage;
    std::vector<TokenTurn> turns;
    std::vector<StepTime> times;
    int64_t start_us, asked_us = 0;
  };

  static Conversation opening(const Episode& episode, const RolloutOptions& options) {
    return options.cold_start.empty() ? episode.opening() : with_cold_start(episode.opening(), options.cold_start);
  }

  static int64_t tool_tokens(const TaskView& view, const ContextOptions& context) {
    int64_t tokens = 0;
    if (context.strategy != ContextStrategy::kNone)
      for (const ToolSpec& tool : view.tools) tokens += context.count_tokens(public_tool_json(tool).dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
    return tokens;
  }
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
    auto open = std::make_unique<Open>(attempt(handle), *tools, view(task, **tools), options_, host_.clock->monotonic_us());
    ask(handle, *open_.emplace(handle, std::move(open)).first->second);
    return {};
  }

  // The attempts of a group follow each other and share one view.
  std::shared_ptr<const TaskView> view(const Task& task, Tools& tools) {
    if (&task != viewed_) view_ = std::make_shared<const TaskView>(view_of(task, tools.specs()));
    viewed_ = &task;
    return view_;
  }

  void ask(Handle handle, Open& open) {
    open.asked_us = host_.clock->monotonic_us();
    const TaskView* view = open.summary_view ? open.summary_view.get() : open.view.get();
    policy_.ask({handle, view, &open.window.visible(), options_.seed, attempt(handle).sample, open.episode.steps()});
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
    open.times.push_back({host_.clock->monotonic_us() - open.asked_us, 0});
    if (action.tokens) open.turns.push_back(std::move(*action.tokens));
    stop_at_limits(open);
    open.window.add_answer(std::move(*action.message), action.usage);
    const auto advanced = open.summary_view ? take_summary(open) : advance(open, action.malformed);
    if (!advanced.ok()) return end(action.rollout, advanced.error());
    if (open.episode.done()) return end(action.rollout, std::nullopt);
    ask(action.rollout, open);
    return {};
  }

  void stop_at_limits(Open& open) {
    if (host_.clock->monotonic_us() - open.start_us > open.task.limits.wall_ms * 1000) open.episode.stop_because("limit:wall");
    if (open.usage.completion_tokens > open.task.limits.tokens) open.episode.stop_because("limit:tokens");
  }

  // What arrives over a limit is kept, and its calls are refused one by one, so that each call has its result.
  Status advance(Open& open, const std::optional<Error>& malformed) {
    const int64_t before_us = host_.clock->monotonic_us();
    ASSAY_ASSIGN(Conversation results, open.episode.step(open.window.messages().back(), malformed));
    for (Message& result : results) open.window.add(std::move(result));
    open.times.back().tool_us = host_.clock->monotonic_us() - before_us;
    if (!open.episode.done() && open.window.overflows()) make_room(open);
    return {};
  }

  void make_room(Open& open) {
    if (options_.context.strategy != ContextStrategy::kSummary) return open.window.discard();
    open.window.ask_for_summary();
    TaskView without_tools = *open.view;
    without_tools.tools.clear();
    open.summary_view = std::make_unique<const TaskView>(std::move(without_tools));
  }

  Status take_summary(Open& open) {
    const Message& summary = open.window.messages().back();
    if (!summary.tool_calls.empty() || summary.text.empty())
      return make_error(Boundary::kPolicy, "the policy was asked for a summary of its history and wrote none", descriptor_);
    open.window.restart_from_summary();
    open.summary_view.reset();
    return {};
  }

  Status end(Handle handle, std::optional<Error> broken) {
    const std::unique_ptr<Open> open = std::move(open_.extract(handle).mapped());
    Result<Outcome> outcome = broken ? Result<Outcome>(Outcome{open->episode.answer(), {}}) : open->episode.outcome();
    if (!outcome.ok()) {
      broken = outcome.error();
      outcome = Outcome{open->episode.answer(), {}};
    }
    Result<Verdict> verdict = broken ? Result<Verdict>(std::move(*broken)) : host_.judge(open->task, *outcome);
    Rollout rollout = verdict.ok() ? named(handle) : failed(handle, verdict.error());
    if (verdict.ok()) rollout.verdict = std::move(*verdict);
    rollout.answer = std::move(outcome->answer);
    rollout.state = std::move(outcome->state);
    rollout.submitted = open->episode.submitted();
    rollout.stop = open->episode.stop();
    rollout.steps = open->episode.steps();
    rollout.calls = open->episode.calls();
    rollout.failed_calls = open->episode.failed_calls();
    rollout.usage = open->usage;
    rollout.turns = std::move(open->turns);
    rollout.times = std::move(open->times);
    for (const StepTime& time : rollout.times) rollout.tool_us += time.tool_us;
    rollout.wall_us = host_.clock->monotonic_us() - open->start_us;
    const ContextOptions& context = options_.context;
    if (context.strategy != ContextStrategy::kNone)
      rollout.context = ContextRecord{context_strategy_name(context.strategy), context.window_tokens, open->window.resets()};
    rollout.messages = std::move(open->window).take_messages();
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
