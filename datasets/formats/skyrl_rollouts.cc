#include "datasets/chat_form.h"
#include "datasets/format.h"
#include "datasets/token_columns.h"

namespace assay::formats::skyrl_rollouts {
namespace {

// Source: skyrl 0.3, GeneratorOutput in skyrl/train/generators/base.py.
constexpr const char* kUsage = R"(The columns are those of SkyRL's `GeneratorOutput`, a row one element of each: `prompt_token_ids`, `response_ids` (with what tools said),
`loss_masks` (0 there), `rollout_logprobs` (0 there), `rollout_expert_indices` (a row for each token of prompt and response; the last
repeats the one before), `rewards`, `stop_reasons`, `trajectory_ids` and `is_last_step`. `env_metrics` says where it comes from. A
rollout whose history was cut has a row for each of its sequences, of which the last has `is_last_step`.
)";

Result<OrderedJson> row(const ExportItem& item) {
  const Rollout& rollout = *item.rollout;
  OrderedJson row = OrderedJson::object(), metrics;
  if (const TokenSequence* const sequence = item.sequence) {
    const int64_t prompt = prompt_tokens(*sequence), tokens = static_cast<int64_t>(sequence->tokens.size());
    row["prompt_token_ids"] = tokens_json(*sequence, 0, prompt);
    row["response_ids"] = tokens_json(*sequence, prompt, tokens);
    row["loss_masks"] = mask_json(*sequence, prompt, tokens);
    row["rollout_logprobs"] = log_probabilities_json(sequence->log_probabilities, prompt, tokens);
    if (sequence->expert_layers > 0) row["rollout_expert_indices"] = experts_json(*sequence, ExpertRows::kTokens, tokens);
  }
  row["rewards"] = rollout.verdict.reward;
  row["stop_reasons"] = rollout.stop.starts_with("limit:") ? "length" : "stop";
  row["trajectory_ids"] = {{"instance_id", item.task.id}, {"repetition_id", rollout.sample}};
  row["is_last_step"] = item.sequences.empty() || item.sequence == &item.sequences.back();
  put_origin(metrics, item);
  metrics["messages"] = chat_json(rollout.messages);
  metrics["tools"] = item.tools.text;
  row["env_metrics"] = std::move(metrics);
  return row;
}

}  // namespace

Format make() {
  return {.name = "skyrl_rollouts",
          .summary = "recorded tokens as SkyRL's GeneratorOutput (one row a token sequence)",
          .unit = RowUnit::kSequence,
          .carries = {Content::kReasoning, Content::kTextBesideCalls, Content::kDeclaredTools, Content::kResponseFormat, Content::kTokens, Content::kLogProbabilities, Content::kExperts},
          .all_outcomes = true,
          .origin = "/env_metrics",
          .usage = kUsage,
          .row = row};
}

}  // namespace assay::formats::skyrl_rollouts
