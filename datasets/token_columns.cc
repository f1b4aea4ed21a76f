#include "datasets/token_columns.h"

#include <algorithm>
#include <charconv>

#include "datasets/report/archive.h"

namespace assay {
namespace {

// The double that is written with as few digits as the float needs.
double short_double(float value) {
  char digits[32];
  const char* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  double read = 0;
  std::from_chars(digits, end, read);
  return read;
}

template <typename T>
std::string little_endian(std::span<const T> values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  for (size_t i = 0; i < values.size(); ++i)
    for (size_t k = 0; k < sizeof(T); ++k) bytes[i * sizeof(T) + k] = static_cast<char>(static_cast<uint64_t>(values[i]) >> (8 * k));
  return bytes;
}

}  // namespace

int64_t prompt_tokens(const TokenSequence& sequence) { return std::find(sequence.mask.begin(), sequence.mask.end(), 1) - sequence.mask.begin(); }

OrderedJson tokens_json(const TokenSequence& sequence, int64_t from, int64_t to) {
  return OrderedJson(OrderedJson::array_t(sequence.tokens.begin() + from, sequence.tokens.begin() + to));
}

OrderedJson mask_json(const TokenSequence& sequence, int64_t from, int64_t to) {
  return OrderedJson(OrderedJson::array_t(sequence.mask.begin() + from, sequence.mask.begin() + to));
}

OrderedJson log_probabilities_json(const std::vector<float>& values, int64_t from, int64_t to) {
  OrderedJson::array_t out;
  out.reserve(static_cast<size_t>(to - from));
  for (int64_t i = from; i < to; ++i) out.emplace_back(short_double(values[static_cast<size_t>(i)]));
  return out;
}

OrderedJson experts_json(const TokenSequence& sequence, ExpertRows rows, int64_t tokens) {
  if (sequence.expert_layers == 0) return {};
  const std::vector<uint16_t> experts = expert_rows(sequence, ExpertRows::kTokens);
  const uint16_t* at = experts.data();
  OrderedJson::array_t out;
  for (int64_t row = 0; row < tokens - (rows == ExpertRows::kTokensLessOne); ++row) {
    OrderedJson::array_t layers;
    for (int32_t layer = 0; layer < sequence.expert_layers; ++layer, at += sequence.experts_per_token) layers.push_back(OrderedJson::array_t(at, at + sequence.experts_per_token));
    out.push_back(std::move(layers));
  }
  return out;
}

OrderedJson encoded_experts(const TokenSequence& sequence, ExpertRows rows) {
  if (sequence.expert_layers == 0) return {};
  const std::vector<uint16_t> experts = expert_rows(sequence, rows);
  const bool small = std::all_of(experts.begin(), experts.end(), [](uint16_t expert) { return expert < 256; });
  const size_t row = static_cast<size_t>(sequence.expert_layers) * static_cast<size_t>(sequence.experts_per_token);
  return {{"dtype", small ? "uint8" : "uint16"},
          {"shape", {experts.size() / row, sequence.expert_layers, sequence.experts_per_token}},
          {"data", base64(small ? std::string(experts.begin(), experts.end()) : little_endian(std::span<const uint16_t>(experts)))}};
}

OrderedJson encoded_integers(std::span<const int32_t> values) {
  return {{"dtype", "int32"}, {"shape", {values.size()}}, {"data", base64(little_endian(values))}};
}

std::vector<int32_t> kept_counts(const TokenSequence& sequence, int64_t from, int64_t to) {
  std::vector<int32_t> counts(static_cast<size_t>(to - from));
  for (int64_t i = from; i < to; ++i)
    counts[static_cast<size_t>(i - from)] = static_cast<int32_t>(sequence.kept_offsets[static_cast<size_t>(i) + 1] - sequence.kept_offsets[static_cast<size_t>(i)]);
  return counts;
}

}  // namespace assay
