#include "datasets/chat_form.h"
#include "datasets/format.h"
#include "datasets/responses_form.h"
#include "datasets/token_columns.h"

namespace assay::formats::nemo_gym_rollouts {
namespace {

// Source: nemo-gym 0.4, nemo_gym/base_resources_server.py (BaseVerifyResponse) and nemo_gym/openai_utils.py (items for training).
constexpr const char* kUsage = R"(Each row is one verified rollout of NeMo-Gym: `responses_create_params`, `response` (items of OpenAI's Responses API in `output`), `reward`,
`agent_ref` and `rollout_id`. Where tokens were recorded, the last item of each of the policy's turns carries `prompt_token_ids` (the
whole prompt), `generation_token_ids`, `generation_log_probs` and `routed_experts` (a row for each token of both; the last token of
the rollout, which nothing is computed from, repeats the row before).
)";

void put_tokens(OrderedJson& row, const TokenSequence& sequence, const TurnSpan& span) {
  row["prompt_token_ids"] = tokens_json(sequence, 0, span.sampled);
  row["generation_token_ids"] = tokens_json(sequence, span.sampled, span.end);
  row["generation_log_probs"] = log_probabilities_json(sequence.log_probabilities, span.sampled, span.end);
  if (sequence.expert_layers > 0) row["routed_experts"] = experts_json(sequence, ExpertRows::kTokens, span.end);
}

OrderedJson response_json(const ExportItem& item, const OrderedJson& parameters) {
  const Rollout& rollout = *item.rollout;
  ResponseItems items = response_items(rollout);
  for (const TokenSequence& sequence : item.sequences)
    for (const TurnSpan& span : sequence.turns) put_tokens(items.output[items.last_of_turn.at(static_cast<size_t>(span.turn))], sequence, span);
  return {{"id", rollout.id}, {"created_at", 0}, {"model", rollout.policy}, {"object", "response"}, {"output", std::move(items.output)},
          {"parallel_tool_calls", true}, {"tool_choice", "auto"}, {"tools", parameters.at("tools")}};
}

Result<OrderedJson> row(const ExportItem& item) {
  OrderedJson parameters = response_parameters(chat_json(opening_of(item.rollout->messages)), item.tools.json);
  OrderedJson row = {{"response", response_json(item, parameters)}, {"agent_ref", {{"type", "responses_api_agents"}, {"name", "assay_simple_agent"}}}};
  row["responses_create_params"] = std::move(parameters);
  put_origin(row, item);
  return row;
}

}  // namespace

Format make() {
  return {.name = "nemo_gym_rollouts",
          .summary = "verified rollouts as items of the Responses API, with recorded tokens, for NeMo-Gym (one row a rollout)",
          .unit = RowUnit::kRollout,
          .carries = {Content::kReasoning, Content::kTextBesideCalls, Content::kTokens, Content::kLogProbabilities, Content::kExperts},
          .all_outcomes = true,
          .usage = kUsage,
          .row = row};
}

}  // namespace assay::formats::nemo_gym_rollouts
