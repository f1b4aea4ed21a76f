#include "datasets/content.h"

namespace assay {

const char* content_name(Content content) {
  switch (content) {
    case Content::kReasoning: return "reasoning";
    case Content::kTextBesideCalls: return "text beside tool calls";
    case Content::kImages: return "images";
    case Content::kDeclaredTools: return "tools declared in messages";
    case Content::kResponseFormat: return "response formats";
    case Content::kContextResets: return "context resets";
    case Content::kTokens: return "tokens";
    case Content::kLogProbabilities: return "log-probabilities";
    case Content::kFullLogProbabilities: return "log-probabilities before truncation";
    case Content::kKeptSets: return "kept sets";
    case Content::kExperts: return "experts";
    case Content::kSelectionDigests: return "selection digests";
    case Content::kPolicyVersions: return "policy versions";
  }
  return "";
}

std::set<Content> contents_of(const Rollout& rollout) {
  std::set<Content> found;
  const auto note = [&found](bool holds, Content content) {
    if (holds) found.insert(content);
  };
  for (const Message& message : rollout.messages) {
    note(!message.reasoning.empty(), Content::kReasoning);
    note(!message.text.empty() && !message.tool_calls.empty(), Content::kTextBesideCalls);
    note(!message.images.empty(), Content::kImages);
    note(!message.tools.is_null(), Content::kDeclaredTools);
    note(!message.response_format.is_null(), Content::kResponseFormat);
  }
  note(rollout.context && !rollout.context->resets.empty(), Content::kContextResets);
  for (const TokenTurn& turn : rollout.turns) {
    note(true, Content::kTokens);
    note(!turn.log_probabilities.empty(), Content::kLogProbabilities);
    note(!turn.full_log_probabilities.empty(), Content::kFullLogProbabilities);
    note(!turn.kept.empty(), Content::kKeptSets);
    note(!turn.experts.empty(), Content::kExperts);
    note(!turn.selection_digest.empty(), Content::kSelectionDigests);
    note(!turn.policy_version.empty(), Content::kPolicyVersions);
  }
  return found;
}

}  // namespace assay
