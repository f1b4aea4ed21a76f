// Acts out the assistant messages of a conversation again, in order; then a message without tool calls.
#pragma once

#include "engine/policy_factory.h"
#include "engine/script.h"

namespace assay {

using Transcripts = decltype(PolicyOptions::transcripts);

// A rollout whose transcript is missing ends with an error of boundary kPolicy.
std::unique_ptr<Policy> transcript_policy(std::string descriptor, Transcripts transcripts);

}  // namespace assay
