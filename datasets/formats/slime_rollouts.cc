#include "datasets/chat_form.h"
#include "datasets/format.h"
#include "datasets/token_columns.h"

namespace assay::formats::slime_rollouts {
namespace {

// Source: slime, Sample in slime/utils/types.py.
constexpr const char* kUsage = R"(Each row is one `Sample` of slime (`Sample.from_dict`): `tokens`, `response_length`, `loss_mask` and `rollout_log_probs` (of the response; 0 on
what tools said), `rollout_routed_experts` (a row for each token but the last), `rollout_top_p_token_ids` with
`rollout_top_p_offsets` (of the response; an empty set: nothing was cut, or it was not sampled), `weight_versions`, `reward`, `status`,
`group_index`, `index`, `rollout_id` and `metadata`, which says where it comes from. A rollout whose history was cut has a row for
each of its sequences.
)";

void put_tokens(OrderedJson& row, const TokenSequence& sequence) {
  const int64_t prompt = prompt_tokens(sequence), tokens = static_cast<int64_t>(sequence.tokens.size());
  row["tokens"] = tokens_json(sequence, 0, tokens);
  row["response_length"] = tokens - prompt;
  row["loss_mask"] = mask_json(sequence, prompt, tokens);
  row["rollout_log_probs"] = log_probabilities_json(sequence.log_probabilities, prompt, tokens);
  if (sequence.expert_layers > 0) row["rollout_routed_experts"] = experts_json(sequence, ExpertRows::kTokensLessOne, tokens);
  if (!sequence.kept.empty()) {
    // Nothing before the response was sampled here, so its sets begin at 0.
    row["rollout_top_p_token_ids"] = sequence.kept;
    row["rollout_top_p_offsets"] = OrderedJson(OrderedJson::array_t(sequence.kept_offsets.begin() + prompt, sequence.kept_offsets.end()));
  }
  OrderedJson& versions = row["weight_versions"] = OrderedJson::array();
  for (const TurnSpan& span : sequence.turns) versions.push_back(span.policy_version);
}

Result<OrderedJson> row(const ExportItem& item) {
  const Rollout& rollout = *item.rollout;
  OrderedJson metadata, row = {{"group_index", item.group}, {"index", item.number}, {"rollout_id", rollout.id}, {"prompt", opening_json(item.task)}, {"label", item.task.id},
                               {"response", rollout.answer}, {"reward", rollout.verdict.reward}, {"status", rollout.stop.starts_with("limit:") ? "truncated" : "completed"}};
  if (item.sequence) put_tokens(row, *item.sequence);
  put_origin(metadata, item);
  metadata["messages"] = chat_json(rollout.messages);
  metadata["tools"] = item.tools.text;
  row["metadata"] = std::move(metadata);
  return row;
}

}  // namespace

Format make() {
  return {.name = "slime_rollouts",
          .summary = "recorded tokens as slime's Sample (one row a token sequence)",
          .unit = RowUnit::kSequence,
          .carries = {Content::kReasoning, Content::kTextBesideCalls, Content::kDeclaredTools, Content::kResponseFormat, Content::kTokens, Content::kLogProbabilities, Content::kKeptSets, Content::kExperts,
                      Content::kPolicyVersions},
          .all_outcomes = true,
          .origin = "/metadata",
          .usage = kUsage,
          .row = row};
}

}  // namespace assay::formats::slime_rollouts
