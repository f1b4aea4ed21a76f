// What a rollout may hold that not every format has a place for. A format names what it carries; what it does not is counted and
// said, or refused (assay export --strict).
#pragma once

#include <set>
#include <string>

#include "envs/rollout.h"

namespace assay {

enum class Content {
  kReasoning,             // beside an assistant's text
  kTextBesideCalls,       // an assistant's text in a message that calls tools
  kImages,                // of tools
  kDeclaredTools,         // inside a conversation, by the system or a developer
  kResponseFormat,        // likewise
  kContextResets,         // what of the messages the policy saw when
  kTokens,                // as sampled: ids and mask
  kLogProbabilities,      // of the policy that acted
  kFullLogProbabilities,  // before truncation
  kKeptSets,
  kExperts,
  kSelectionDigests,
  kPolicyVersions,
};

// "reasoning", "log-probabilities before truncation".
const char* content_name(Content content);

std::set<Content> contents_of(const Rollout& rollout);

// Conversations as chat APIs write them, with arguments as text.
inline const std::set<Content> kChatContents = {Content::kReasoning, Content::kTextBesideCalls, Content::kDeclaredTools, Content::kResponseFormat};

}  // namespace assay
