#include "engine/script.h"

#include <unordered_map>

namespace assay {
namespace {

class ScriptPolicy final : public Policy {
 public:
  ScriptPolicy(std::string descriptor, std::function<Script(const Turn&)> start)
      : descriptor_(std::move(descriptor)), start_(std::move(start)) {}

  std::string descriptor() const override { return descriptor_; }

  void ask(const Turn& turn) override {
    if (turn.step == 0) scripts_.erase(turn.rollout);
    auto script = scripts_.find(turn.rollout);
    if (script == scripts_.end()) script = scripts_.emplace(turn.rollout, start_(turn)).first;
    ready_.push_back({turn.rollout, script->second.next(last_results(*turn.conversation)), {}});
  }

  std::vector<Action> answer() override { return std::exchange(ready_, {}); }

  void finish(int64_t rollout) override { scripts_.erase(rollout); }

 private:
  std::string descriptor_;
  std::function<Script(const Turn&)> start_;
  std::unordered_map<int64_t, Script> scripts_;
  std::vector<Action> ready_;
};

}  // namespace

Result<Message> Script::next(ToolResults results) {
  if (!handle_.done()) {
    handle_.promise().results = std::move(results);
    handle_.resume();
  }
  if (!handle_.done()) return std::move(handle_.promise().message);
  if (!handle_.promise().end.ok()) return handle_.promise().end.error();
  Message goodbye;
  goodbye.role = Role::kAssistant;
  return goodbye;
}

ToolResults last_results(const Conversation& conversation) {
  size_t first = conversation.size();
  while (first > 0 && conversation[first - 1].role == Role::kTool) --first;
  ToolResults results;
  for (size_t i = first; i < conversation.size(); ++i) results.push_back(conversation[i].text);
  return results;
}

std::unique_ptr<Policy> script_policy(std::string descriptor, std::function<Script(const Turn&)> start) {
  return std::make_unique<ScriptPolicy>(std::move(descriptor), std::move(start));
}

}  // namespace assay
