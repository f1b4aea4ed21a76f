// Conversations as OpenAI's Responses API writes them, which NeMo-Gym reads.
#pragma once

#include <vector>

#include "envs/rollout.h"

namespace assay {

// {"input","tools","parallel_tool_calls","tool_choice"}; `opening` and `tools`, in chat form, become input and tools.
OrderedJson response_parameters(const OrderedJson& opening, const OrderedJson& tools);

struct ResponseItems {
  OrderedJson output;                  // an array of reasoning, messages, function calls and their outputs
  std::vector<size_t> last_of_turn;    // the last item of each message of the assistant
};

// All that was said after the opening.
ResponseItems response_items(const Rollout& rollout);

}  // namespace assay
