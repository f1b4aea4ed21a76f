#include "datasets/chat_form.h"
#include "datasets/format.h"
#include "datasets/token_columns.h"

namespace assay::formats::verl_rollouts {
namespace {

// Source: verl 0.9.1, AgentLoopOutput in verl/experimental/agent_loop/agent_loop.py.
constexpr const char* kUsage = R"(Each row is one `AgentLoopOutput` of verl: `prompt_ids`, `response_ids` (with what tools said), `response_mask` (0 there), `response_logprobs`
(0 there), `routed_experts` (a row for each token of prompt and response; the last, which nothing is computed from, repeats the one
before), `reward_score`, `num_turns`, and in `extra_fields` where it comes from, with `uid` for the group. A rollout whose history was
cut has a row for each of its sequences.
)";

Result<OrderedJson> row(const ExportItem& item) {
  const Rollout& rollout = *item.rollout;
  OrderedJson row = OrderedJson::object(), extra = {{"uid", item.task.id}};
  if (const TokenSequence* const sequence = item.sequence) {
    const int64_t prompt = prompt_tokens(*sequence), tokens = static_cast<int64_t>(sequence->tokens.size());
    row["prompt_ids"] = tokens_json(*sequence, 0, prompt);
    row["response_ids"] = tokens_json(*sequence, prompt, tokens);
    row["response_mask"] = mask_json(*sequence, prompt, tokens);
    row["response_logprobs"] = log_probabilities_json(sequence->log_probabilities, prompt, tokens);
    if (sequence->expert_layers > 0) row["routed_experts"] = experts_json(*sequence, ExpertRows::kTokens, tokens);
  }
  row["reward_score"] = rollout.verdict.reward;
  row["num_turns"] = rollout.messages.size();
  row["metrics"] = OrderedJson::object();
  put_origin(extra, item);
  extra["messages"] = chat_json(rollout.messages);
  extra["tools"] = item.tools.text;
  row["extra_fields"] = std::move(extra);
  return row;
}

}  // namespace

Format make() {
  return {.name = "verl_rollouts",
          .summary = "recorded tokens as verl's AgentLoopOutput (one row a token sequence)",
          .unit = RowUnit::kSequence,
          .carries = {Content::kReasoning, Content::kTextBesideCalls, Content::kDeclaredTools, Content::kResponseFormat, Content::kTokens, Content::kLogProbabilities, Content::kExperts},
          .all_outcomes = true,
          .origin = "/extra_fields",
          .usage = kUsage,
          .row = row};
}

}  // namespace assay::formats::verl_rollouts
