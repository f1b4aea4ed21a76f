// System prompts that bring a model to reason and to use tools before it was trained to do both (report.md section 3), in our own
// words: the files envs/cold_start/*.txt.
//
//   reasoning             thinks between <think> and </think>, then answers
//   tools                 calls tools without thinking
//   reasoning_with_tools  calls tools inside its reasoning, then answers
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "envs/message.h"

namespace assay {

struct ColdStartPrompt {
  std::string_view name, text;   // "{max_calls}" stands for the bound of tool calls
};

// Sorted by name.
std::span<const ColdStartPrompt> cold_start_prompts();

// The filled text; an unknown name lists the known ones.
Result<std::string> cold_start_prompt(const std::string& name, int64_t max_calls = 20);

// Puts the prompt before the text of the system message, which is made where there is none.
Conversation with_cold_start(Conversation conversation, const std::string& prompt);

}  // namespace assay
