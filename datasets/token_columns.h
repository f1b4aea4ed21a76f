// Token sequences (datasets/token_sequence.h) as JSON: what formats that carry tokens share. t is the number of tokens, p that of
// the tokens before the first sampled one, the prompt; r = t - p that of the response.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "datasets/token_sequence.h"
#include "envs/base/json.h"

namespace assay {

int64_t prompt_tokens(const TokenSequence& sequence);   // p

// The values from position `from` to before `to`; log-probabilities as the shortest text that reads back as the same float.
OrderedJson tokens_json(const TokenSequence& sequence, int64_t from, int64_t to);
OrderedJson mask_json(const TokenSequence& sequence, int64_t from, int64_t to);
OrderedJson log_probabilities_json(const std::vector<float>& values, int64_t from, int64_t to);

// [rows, layers, experts per token] of the first `tokens` tokens as nested arrays; null where no experts were recorded.
OrderedJson experts_json(const TokenSequence& sequence, ExpertRows rows, int64_t tokens);

// Arrays as text, little-endian: {"dtype", "shape", "data": base64}. Experts are uint8 where all fit, else uint16.
OrderedJson encoded_experts(const TokenSequence& sequence, ExpertRows rows);
OrderedJson encoded_integers(std::span<const int32_t> values);

// How many tokens each token from `from` to before `to` could be drawn from; 0: nothing was cut, or it was not sampled.
std::vector<int32_t> kept_counts(const TokenSequence& sequence, int64_t from, int64_t to);

}  // namespace assay
