#include "datasets/chat_form.h"
#include "datasets/format.h"
#include "datasets/token_columns.h"
#include "envs/base/version.h"

namespace assay::formats::atif {
namespace {

// Source: harbor 0.26, harbor/models/trajectories/ (the schema refuses members it does not know).
constexpr const char* kUsage = R"(Each row is one trajectory in the Agent Trajectory Interchange Format, ATIF-v1.7: `agent` (with `tool_definitions`), `steps` (the system
prompt and the user's message first; a step of the agent holds its calls and their results), `final_metrics`, and in `extra` where it
comes from and what the verifier said. Arguments that are no JSON object stand as text in the call's `extra.arguments`.

Where tokens were recorded, a step's `metrics` hold the whole prompt, the completion and its log-probabilities, and `metrics.extra`
what ATIF has no names for: `full_logprobs` (before truncation), `kept_counts` and `kept_token_ids` (of each completion token; 0:
nothing was cut), `routed_experts` (`{"dtype", "shape", "data": base64}`: a row for each token of prompt and completion but the
last, from `routed_experts_from` on, where the step before ended), `policy_version`, `selection_digest`.
)";

OrderedJson call_json(const ToolCall& call) {
  OrderedJson arguments = argument_object(call), json = {{"tool_call_id", call.id}, {"function_name", call.name}};
  const bool malformed = arguments.is_null();
  json["arguments"] = malformed ? OrderedJson::object() : std::move(arguments);
  if (malformed) json["extra"] = {{"arguments", call.arguments}};
  return json;
}

OrderedJson step_json(const Message& message, int64_t id) {
  const bool agent = message.role == Role::kAssistant;
  OrderedJson step = {{"step_id", id}, {"source", agent ? "agent" : message.role == Role::kSystem ? "system" : "user"}, {"message", message.text}};
  if (!message.reasoning.empty()) step["reasoning_content"] = message.reasoning;
  for (const ToolCall& call : message.tool_calls) step["tool_calls"].push_back(call_json(call));
  if (agent) step["llm_call_count"] = 1;
  return step;
}

// Results belong to the step that called.
OrderedJson steps_json(const Conversation& messages) {
  OrderedJson steps = OrderedJson::array();
  for (const Message& message : messages) {
    if (message.role != Role::kTool) steps.push_back(step_json(message, static_cast<int64_t>(steps.size()) + 1));
    else steps.back()["observation"]["results"].push_back({{"source_call_id", message.tool_call_id}, {"content", message.text}});
  }
  return steps;
}

// What was recorded of the step that a turn was.
OrderedJson metrics_json(const TokenSequence& sequence, const TurnSpan& span) {
  OrderedJson extra = {{"full_logprobs", log_probabilities_json(sequence.full_log_probabilities, span.sampled, span.end)}};
  const auto kept = [&](int64_t at) { return sequence.kept.begin() + sequence.kept_offsets[static_cast<size_t>(at)]; };
  if (kept(span.sampled) != kept(span.end)) {
    extra["kept_counts"] = kept_counts(sequence, span.sampled, span.end);
    extra["kept_token_ids"] = OrderedJson(OrderedJson::array_t(kept(span.sampled), kept(span.end)));
  }
  if (sequence.expert_layers > 0) {
    const int64_t row = int64_t{sequence.expert_layers} * sequence.experts_per_token, from = std::max<int64_t>(span.begin - 1, 0);
    TokenSequence part;
    part.expert_layers = sequence.expert_layers;
    part.experts_per_token = sequence.experts_per_token;
    part.experts.assign(sequence.experts.begin() + from * row, sequence.experts.begin() + (span.end - 1) * row);
    extra["routed_experts_from"] = from;
    extra["routed_experts"] = encoded_experts(part, ExpertRows::kTokensLessOne);
  }
  if (!span.policy_version.empty()) extra["policy_version"] = span.policy_version;
  if (!span.selection_digest.empty()) extra["selection_digest"] = span.selection_digest;
  return {{"prompt_tokens", span.sampled},
          {"completion_tokens", span.end - span.sampled},
          {"prompt_token_ids", tokens_json(sequence, 0, span.sampled)},
          {"completion_token_ids", tokens_json(sequence, span.sampled, span.end)},
          {"logprobs", log_probabilities_json(sequence.log_probabilities, span.sampled, span.end)},
          {"extra", std::move(extra)}};
}

void put_metrics(OrderedJson& steps, std::span<const TokenSequence> sequences) {
  std::vector<OrderedJson*> of_agent;
  for (OrderedJson& step : steps)
    if (step["source"] == "agent") of_agent.push_back(&step);
  for (const TokenSequence& sequence : sequences)
    for (const TurnSpan& span : sequence.turns) (*of_agent.at(static_cast<size_t>(span.turn)))["metrics"] = metrics_json(sequence, span);
}

Result<OrderedJson> row(const ExportItem& item) {
  const Rollout& rollout = *item.rollout;
  OrderedJson steps = steps_json(rollout.messages), extra;
  put_metrics(steps, item.sequences);
  put_origin(extra, item);
  extra["stop"] = rollout.stop;
  if (rollout.context) extra["context"] = to_json(*rollout.context);
  OrderedJson metrics = {{"total_prompt_tokens", rollout.usage.prompt_tokens},
                         {"total_completion_tokens", rollout.usage.completion_tokens},
                         {"total_cached_tokens", rollout.usage.cached_tokens},
                         {"total_steps", steps.size()}};
  return OrderedJson{{"schema_version", "ATIF-v1.7"},
                     {"session_id", rollout.id},
                     {"trajectory_id", rollout.id},
                     {"agent", {{"name", "assay"}, {"version", build_info().version}, {"model_name", rollout.policy}, {"tool_definitions", item.tools.json}}},
                     {"steps", std::move(steps)},
                     {"final_metrics", std::move(metrics)},
                     {"extra", std::move(extra)}};
}

}  // namespace

Format make() {
  return {.name = "atif",
          .summary = "ATIF v1.7 trajectories with system prompt and tool definitions (one row a rollout)",
          .unit = RowUnit::kRollout,
          .carries = {Content::kReasoning, Content::kTextBesideCalls, Content::kContextResets, Content::kTokens, Content::kLogProbabilities, Content::kFullLogProbabilities, Content::kKeptSets,
                      Content::kExperts, Content::kSelectionDigests, Content::kPolicyVersions},
          .origin = "/extra",
          .usage = kUsage,
          .row = row};
}

}  // namespace assay::formats::atif
