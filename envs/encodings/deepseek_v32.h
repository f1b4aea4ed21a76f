// The tokens of DeepSeek-V3.2's message format (report.md section 3).
#pragma once

#include <array>
#include <string_view>

#include "envs/encodings/dsml/call_block.h"

namespace assay::encodings::deepseek_v32 {

inline constexpr std::string_view kBegin = "<｜begin▁of▁sentence｜>", kEnd = "<｜end▁of▁sentence｜>";
inline constexpr std::string_view kUser = "<｜User｜>", kAssistant = "<｜Assistant｜>";
inline constexpr std::string_view kThink = "<think>", kThinkEnd = "</think>";

// No text may hold these: as a part of a prompt they would end a message or begin another.
inline constexpr std::array kTurnTokens = {kBegin, kEnd, kUser, kAssistant};
// What an assistant says may not hold these either. Others may speak of them.
inline constexpr std::array kAnswerTokens = {kThink, kThinkEnd, dsml::kMarker};

}  // namespace assay::encodings::deepseek_v32
