#include "datasets/token_sequence.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace assay {
namespace {

constexpr float kRounding = 1e-3f;  // a log-probability of 0, computed in float32
constexpr int32_t kMostLayers = 1024, kMostExperts = 256;

// What the turns before left behind, in numbers.
struct Reached {
  int64_t tokens = 0;
  int64_t rows = 0;   // of experts
  int64_t cells = 0;  // of the sequences closed so far
  int64_t row = 0;    // experts of a token
};

template <typename T>
int64_t length(const std::vector<T>& values) {
  return static_cast<int64_t>(values.size());
}

int64_t row_size(const TokenTurn& turn) { return int64_t{turn.expert_layers} * turn.experts_per_token; }

bool has_possible_shape(const TokenTurn& turn) {
  return turn.expert_layers >= 0 && turn.expert_layers <= kMostLayers && turn.experts_per_token >= 0 && turn.experts_per_token <= kMostExperts &&
         (turn.expert_layers == 0 || turn.experts_per_token > 0);
}

// The first turn that recorded experts, or the first.
const TokenTurn& shape_of(const std::vector<TokenTurn>& turns) {
  const auto found = std::find_if(turns.begin(), turns.end(), [](const TokenTurn& turn) { return turn.expert_layers != 0; });
  return found == turns.end() ? turns.front() : *found;
}

// Each check returns what is wrong, or an empty text.
std::string wrong_tokens(const TokenTurn& turn, const Reached& before) {
  if (turn.shared < 0 || turn.shared > before.tokens)
    return "it shares " + std::to_string(turn.shared) + " tokens, and the turn before left " + std::to_string(before.tokens);
  if (turn.shared + length(turn.prompt) == 0) return "it sampled after no token at all";
  if (turn.prompt.empty() && turn.sampled.empty()) return "it holds no token";
  for (const auto* tokens : {&turn.prompt, &turn.sampled})
    if (std::any_of(tokens->begin(), tokens->end(), [](int32_t token) { return token < 0; })) return "a token id is negative";
  return "";
}

std::string wrong_probabilities(const TokenTurn& turn) {
  for (const auto* values : {&turn.log_probabilities, &turn.full_log_probabilities}) {
    if (values->size() != turn.sampled.size())
      return std::to_string(turn.sampled.size()) + " tokens were sampled, with " + std::to_string(values->size()) + " log-probabilities";
    for (float value : *values)
      if (!std::isfinite(value) || value > kRounding) return std::to_string(value) + " is no log-probability of a sampled token";
  }
  return "";
}

std::string wrong_kept_set(std::span<const int32_t> set, int32_t sampled) {
  if (set.front() < 0 || std::adjacent_find(set.begin(), set.end(), std::greater_equal<>()) != set.end())
    return "a kept set does not ascend";
  if (!std::binary_search(set.begin(), set.end(), sampled)) return "token " + std::to_string(sampled) + " was sampled from a set without it";
  return "";
}

std::string wrong_kept(const TokenTurn& turn) {
  if (turn.kept_counts.size() != turn.sampled.size())
    return std::to_string(turn.sampled.size()) + " tokens were sampled, with " + std::to_string(turn.kept_counts.size()) + " counts of kept sets";
  size_t from = 0;
  for (size_t i = 0; i < turn.sampled.size(); ++i) {
    const int32_t count = turn.kept_counts[i];
    if (count < 0 || static_cast<size_t>(count) > turn.kept.size() - from) return "the kept sets end before their counts do";
    if (count == 0) continue;
    std::string wrong = wrong_kept_set({turn.kept.data() + from, static_cast<size_t>(count)}, turn.sampled[i]);
    if (!wrong.empty()) return wrong;
    from += static_cast<size_t>(count);
  }
  return from == turn.kept.size() ? "" : "the kept sets go on after their counts end";
}

// Choices of `each` experts, end to end.
bool repeats_an_expert(const std::vector<uint16_t>& experts, int32_t each) {
  uint64_t seen[1024] = {};  // a bit for each possible expert
  bool found = false;
  for (size_t at = 0; at < experts.size(); at += static_cast<size_t>(each)) {
    const std::span<const uint16_t> choice(experts.data() + at, static_cast<size_t>(each));
    for (uint16_t expert : choice) {
      found |= seen[expert / 64] >> (expert % 64) & 1;
      seen[expert / 64] |= uint64_t{1} << (expert % 64);
    }
    for (uint16_t expert : choice) seen[expert / 64] = 0;
  }
  return found;
}

std::string wrong_experts(const TokenTurn& turn, const TokenTurn& shape, int64_t rows_before, int64_t tokens) {
  if (turn.expert_layers == 0) return turn.experts.empty() ? "" : "experts without a shape";
  if (turn.expert_layers != shape.expert_layers || turn.experts_per_token != shape.experts_per_token)
    return "its experts are of another shape than an earlier turn's";
  if (!has_possible_shape(turn)) return "experts of an impossible shape";
  const int64_t row = row_size(turn);
  if (turn.experts_from < 0 || turn.experts_from > rows_before)
    return "its experts begin at token " + std::to_string(turn.experts_from) + ", and those before are known to " + std::to_string(rows_before);
  const int64_t rows = tokens - 1 - turn.experts_from;
  if (length(turn.experts) != rows * row)
    return std::to_string(rows) + " rows of " + std::to_string(row) + " experts were expected, not " + std::to_string(turn.experts.size()) + " numbers";
  return repeats_an_expert(turn.experts, turn.experts_per_token) ? "an expert stands twice in one choice" : "";
}

std::string wrong_turn(const TokenTurn& turn, const TokenTurn& shape, Reached& reached) {
  std::string wrong = wrong_tokens(turn, reached);
  if (wrong.empty()) wrong = wrong_probabilities(turn);
  if (wrong.empty()) wrong = wrong_kept(turn);
  if (!wrong.empty()) return wrong;
  const int64_t tokens = turn.shared + length(turn.prompt) + length(turn.sampled);
  const int64_t rows_before = std::min(turn.shared, reached.rows);
  wrong = wrong_experts(turn, shape, rows_before, tokens);
  if (!wrong.empty()) return wrong;
  if (turn.shared < reached.tokens) reached.cells += reached.tokens * (1 + reached.row);
  reached.tokens = tokens;
  reached.rows = turn.expert_layers > 0 ? tokens - 1 : rows_before;
  return "";
}

// ---- Building, of turns that were checked ----

// Back to the first `shared` tokens, as history.
TokenSequence history(const TokenSequence& before, int64_t shared) {
  TokenSequence next;
  const size_t tokens = static_cast<size_t>(shared);
  next.tokens.assign(before.tokens.begin(), before.tokens.begin() + shared);
  next.mask.resize(tokens);
  next.log_probabilities.resize(tokens);
  next.full_log_probabilities.resize(tokens);
  next.kept_offsets.resize(tokens + 1);
  next.expert_layers = before.expert_layers;
  next.experts_per_token = before.experts_per_token;
  const size_t row = static_cast<size_t>(before.expert_layers) * static_cast<size_t>(before.experts_per_token);
  next.experts.assign(before.experts.begin(), before.experts.begin() + static_cast<int64_t>(std::min(before.experts.size(), tokens * row)));
  return next;
}

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void append_kept(const TokenTurn& turn, TokenSequence& sequence) {
  sequence.kept_offsets.resize(sequence.kept_offsets.size() + turn.prompt.size(), sequence.kept_offsets.back());
  for (int32_t count : turn.kept_counts) sequence.kept_offsets.push_back(sequence.kept_offsets.back() + count);
  append(sequence.kept, turn.kept);
}

void append_experts(const TokenTurn& turn, TokenSequence& sequence) {
  if (turn.expert_layers == 0) return;
  sequence.expert_layers = turn.expert_layers;
  sequence.experts_per_token = turn.experts_per_token;
  const int64_t known = length(sequence.experts) - turn.experts_from * row_size(turn);
  sequence.experts.insert(sequence.experts.end(), turn.experts.begin() + known, turn.experts.end());
}

void append_turn(const TokenTurn& turn, int64_t index, TokenSequence& sequence) {
  TurnSpan span{index, sequence.turns.empty() ? 0 : sequence.turns.back().end, 0, 0, turn.policy_version, turn.selection_digest};
  append(sequence.tokens, turn.prompt);
  span.sampled = length(sequence.tokens);
  append(sequence.tokens, turn.sampled);
  span.end = length(sequence.tokens);
  sequence.turns.push_back(std::move(span));

  sequence.mask.resize(sequence.mask.size() + turn.prompt.size(), 0);
  sequence.mask.resize(sequence.tokens.size(), 1);
  sequence.log_probabilities.resize(sequence.log_probabilities.size() + turn.prompt.size());
  append(sequence.log_probabilities, turn.log_probabilities);
  sequence.full_log_probabilities.resize(sequence.full_log_probabilities.size() + turn.prompt.size());
  append(sequence.full_log_probabilities, turn.full_log_probabilities);
  append_kept(turn, sequence);
  append_experts(turn, sequence);
}

// Keeps a sequence in which something was sampled. Experts of some tokens only are of no use to anybody.
void close(TokenSequence sequence, std::vector<TokenSequence>& sequences) {
  const bool sampled = std::any_of(sequence.turns.begin(), sequence.turns.end(), [](const TurnSpan& span) { return span.sampled < span.end; });
  if (!sampled) return;
  const int64_t row = int64_t{sequence.expert_layers} * sequence.experts_per_token;
  if (length(sequence.experts) < (length(sequence.tokens) - 1) * row) {
    sequence.experts.clear();
    sequence.expert_layers = sequence.experts_per_token = 0;
  }
  sequences.push_back(std::move(sequence));
}

}  // namespace

std::vector<uint16_t> expert_rows(const TokenSequence& sequence, ExpertRows rows) {
  std::vector<uint16_t> out = sequence.experts;
  const int64_t row = int64_t{sequence.expert_layers} * sequence.experts_per_token;
  if (rows == ExpertRows::kTokens) out.insert(out.end(), sequence.experts.end() - row, sequence.experts.end());
  return out;
}

Status check_turns(const std::vector<TokenTurn>& turns, const std::string& where) {
  if (turns.empty()) return {};
  const TokenTurn& shape = shape_of(turns);
  Reached reached;
  if (has_possible_shape(shape)) reached.row = row_size(shape);   // otherwise that turn is refused
  for (size_t i = 0; i < turns.size(); ++i) {
    const std::string wrong = wrong_turn(turns[i], shape, reached);
    if (!wrong.empty()) return make_error(Boundary::kPolicy, "what the engine recorded does not agree: " + wrong, where + ", turn " + std::to_string(i));
  }
  reached.cells += reached.tokens * (1 + reached.row);
  if (reached.cells > kSequenceCells)
    return make_error(Boundary::kLimit, "its sequences hold " + std::to_string(reached.cells) + " tokens and experts, more than the limit of " +
                                            std::to_string(kSequenceCells), where);
  return {};
}

Status check_turns(const Rollout& rollout) {
  const std::string where = "rollout " + rollout.id.substr(0, 12);
  const auto written = std::count_if(rollout.messages.begin(), rollout.messages.end(),
                                     [](const Message& message) { return message.role == Role::kAssistant; });
  if (!rollout.turns.empty() && written != length(rollout.turns))
    return make_error(Boundary::kPolicy, std::to_string(rollout.turns.size()) + " turns were recorded of " + std::to_string(written) + " assistant messages", where);
  return check_turns(rollout.turns, where);
}

Result<std::vector<TokenSequence>> token_sequences(const Rollout& rollout) {
  ASSAY_TRY(check_turns(rollout));
  std::vector<TokenSequence> sequences;
  TokenSequence open = history({}, 0);
  for (size_t i = 0; i < rollout.turns.size(); ++i) {
    const TokenTurn& turn = rollout.turns[i];
    if (turn.shared < length(open.tokens)) {
      TokenSequence next = history(open, turn.shared);
      close(std::move(open), sequences);
      open = std::move(next);
    }
    append_turn(turn, static_cast<int64_t>(i), open);
  }
  close(std::move(open), sequences);
  return sequences;
}

}  // namespace assay
