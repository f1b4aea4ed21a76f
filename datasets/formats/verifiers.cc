#include "datasets/chat_form.h"
#include "datasets/format.h"
#include "datasets/token_columns.h"
#include "envs/base/version.h"

namespace assay::formats::verifiers {
namespace {

// Source: verifiers 0.4, verifiers/v1/episode.py, trace.py, graph.py and utils/trace_store.py.
constexpr const char* kUsage = R"(Each split is a run directory of verifiers v1: `traces.jsonl`, an episode with one trace a line. A trace is a graph of messages; where the
context was cut, the messages that the policy still saw begin a branch of their own. `rewards.verifier` is the verifier's; `info`
says where the trace comes from, `task.key` groups the attempts at one task. Where tokens were recorded, the node of an assistant's
message carries them with those of the prompt before it (`token_ids`, `mask`, `logprobs`). Experts and kept sets, which such records
leave out, stand in `info.branches`, an entry for each branch that was sampled in: `{"dtype", "shape", "data": base64}`, rows aligned with
the branch's `token_ids`, the last row of the experts repeated; `counts` of 0 where nothing was cut or sampled.

```python
from pathlib import Path
from verifiers.v1.trace import WireTrace
from verifiers.v1.utils.trace_store import read_episodes
episodes = read_episodes(Path("path/to/this/folder/train"), WireTrace)
```
)";

OrderedJson message_json(const Message& message) {
  OrderedJson json = {{"role", message.role == Role::kDeveloper ? "user" : role_name(message.role)}, {"content", message.text}};
  if (!message.reasoning.empty()) json["reasoning_content"] = message.reasoning;
  for (const ToolCall& call : message.tool_calls) json["tool_calls"].push_back({{"id", call.id}, {"type", "function"}, {"name", call.name}, {"arguments", call.arguments}});
  if (message.role == Role::kTool) json["tool_call_id"] = message.tool_call_id;
  return json;
}

// Where the policy's context began anew: message of the assistant -> first message after the opening that it still saw.
std::map<size_t, size_t> restarts(const ExportItem& item) {
  const Rollout& rollout = *item.rollout;
  std::map<size_t, size_t> kept_from;
  if (rollout.context)
    for (const ContextReset& reset : rollout.context->resets) kept_from[static_cast<size_t>(reset.message)] = static_cast<size_t>(reset.kept_from);
  return kept_from;
}

// A graph of messages, built path by path.
class Nodes {
 public:
  explicit Nodes(const ExportItem& item) : messages_(item.rollout->messages), opening_(opening_of(messages_).size()) {
    for (const TokenSequence& sequence : item.sequences)
      for (const TurnSpan& span : sequence.turns) turns_[static_cast<size_t>(span.turn)] = {&sequence, &span};
    const std::map<size_t, size_t> cut = restarts(item);
    size_t turn = 0, kept_from = opening_;
    for (size_t i = 0; i < messages_.size(); ++i) {
      const bool assistant = messages_[i].role == Role::kAssistant;
      const auto restart = cut.find(i);
      if (restart != cut.end()) kept_from = restart->second;
      if (restart != cut.end() || (assistant && begins_sequence(turn))) repeat(kept_from, i);
      add(i, i == 0, assistant);
      if (assistant) put_tokens(turn++);
    }
  }
  OrderedJson take() { return std::move(nodes_); }

 private:
  using Turn = std::pair<const TokenSequence*, const TurnSpan*>;

  bool begins_sequence(size_t turn) const {
    const auto found = turns_.find(turn);
    return turn > 0 && found != turns_.end() && found->second.second == &found->second.first->turns.front();
  }

  // A path of its own, of what the policy still saw before `message`.
  void repeat(size_t kept_from, size_t message) {
    for (size_t k = 0; k < opening_; ++k) add(k, k == 0, false);
    for (size_t k = kept_from; k < message; ++k) add(k, false, false);
  }

  void add(size_t message, bool root, bool sampled) {
    OrderedJson node = OrderedJson::object();
    if (!root) node["parent"] = nodes_.size() - 1;
    node["message"] = message_json(messages_[message]);
    node["sampled"] = sampled;
    nodes_.push_back(std::move(node));
  }

  // The tokens of what stands before a turn's message stand in its node too: nothing says where one of them ends.
  void put_tokens(size_t turn) {
    const auto found = turns_.find(turn);
    if (found == turns_.end()) return;
    const auto& [sequence, span] = found->second;
    OrderedJson& node = nodes_.back();
    node["token_ids"] = tokens_json(*sequence, span->begin, span->end);
    OrderedJson& mask = node["mask"] = OrderedJson::array();
    for (int64_t i = span->begin; i < span->end; ++i) mask.push_back(sequence->mask[static_cast<size_t>(i)] != 0);
    node["logprobs"] = log_probabilities_json(sequence->log_probabilities, span->sampled, span->end);
  }

  const Conversation& messages_;
  const size_t opening_;
  std::map<size_t, Turn> turns_;
  OrderedJson nodes_ = OrderedJson::array();
};

// What the records of verifiers leave out, by branch and aligned with its tokens.
OrderedJson arrays_json(std::span<const TokenSequence> sequences) {
  OrderedJson arrays = OrderedJson::array();
  for (const TokenSequence& sequence : sequences) {
    OrderedJson branch = {{"routed_experts", encoded_experts(sequence, ExpertRows::kTokens)}};
    const int64_t tokens = static_cast<int64_t>(sequence.tokens.size());
    branch["sampling_mask"] = sequence.kept.empty() ? OrderedJson() : OrderedJson{{"counts", encoded_integers(kept_counts(sequence, 0, tokens))}, {"ids", encoded_integers(sequence.kept)}};
    for (const TurnSpan& span : sequence.turns) branch["policy_versions"].push_back(span.policy_version);
    arrays.push_back(std::move(branch));
  }
  return arrays;
}

OrderedJson tools_json(const OrderedJson& public_tools) {
  OrderedJson tools = OrderedJson::array();
  for (const OrderedJson& tool : public_tools) tools.push_back(tool.at("function"));
  return tools;
}

OrderedJson task_json(const Task& task) {
  return {{"type", "AssayTask"}, {"data", {{"id", task.id}, {"system_prompt", task.system}, {"prompt", task.prompt}, {"domain", task.provenance.domain}, {"difficulty", task.difficulty}}}, {"key", task.id}};
}

Result<OrderedJson> row(const ExportItem& item) {
  const Rollout& rollout = *item.rollout;
  OrderedJson info;
  put_origin(info, item);
  if (!item.sequences.empty()) info["branches"] = arrays_json(item.sequences);
  OrderedJson trace = {{"version", 1},
                       {"id", rollout.id},
                       {"verifiers", {{"version", "assay " + build_info().version}}},
                       {"task", task_json(item.task)},
                       {"agent", {{"config", {{"model", rollout.policy}}}, {"name", "agent"}}},
                       {"tools", tools_json(item.tools.json)},
                       {"nodes", Nodes(item).take()},
                       {"rewards", {{"verifier", {{"score", rollout.verdict.reward}, {"weight", 1.0}}}}},
                       {"metrics", {{"steps", rollout.steps}, {"calls", rollout.calls}, {"failed_calls", rollout.failed_calls}}},
                       {"info", std::move(info)},
                       {"is_completed", true},
                       {"ok", true},
                       {"stop_condition", rollout.stop}};
  return OrderedJson{{"id", rollout.id}, {"env", {{"id", "assay/" + item.task.provenance.domain}}}, {"task", task_json(item.task)}, {"group", {{"id", item.task.id}}}, {"ok", true}, {"traces", OrderedJson::array({std::move(trace)})}};
}

}  // namespace

Format make() {
  return {.name = "verifiers",
          .summary = "run directories of verifiers and prime-rl: traces of all attempts (one episode a rollout)",
          .rows = "{split}/traces.jsonl",
          .unit = RowUnit::kRollout,
          .carries = {Content::kReasoning, Content::kTextBesideCalls, Content::kContextResets, Content::kTokens, Content::kLogProbabilities, Content::kKeptSets, Content::kExperts, Content::kPolicyVersions},
          .all_outcomes = true,
          .origin = "/traces/0/info",
          .usage = kUsage,
          .row = row};
}

}  // namespace assay::formats::verifiers
