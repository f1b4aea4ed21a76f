// What an engine recorded of a rollout (envs/token_turn.h), as the sequences that trainers read: a row of everything per token.
//
// A sequence goes on as long as each turn continues all that the turn before left behind; where history was dropped or written
// again, the next sequence begins. Each sampled token of a rollout has mask 1 in exactly one sequence: that of the turn it was
// sampled in. A later sequence that repeats it as history has mask 0 there.
//
// Row i of the experts is what token i was computed with, and so gave the probability of token i + 1. Where a later turn computed
// history again, the rows of the turn that came first stand: they made the probabilities that were recorded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "envs/rollout.h"

namespace assay {

// Positions [begin, sampled) were given, [sampled, end) were sampled. The first of a sequence begins at 0, later ones where the
// one before ended.
struct TurnSpan {
  int64_t turn = 0;  // index in Rollout::turns; the turn wrote the assistant message of the same index
  int64_t begin = 0, sampled = 0, end = 0;
  std::string policy_version, selection_digest;

  bool operator==(const TurnSpan&) const = default;
};

struct TokenSequence {  // t tokens
  std::vector<int32_t> tokens;
  std::vector<uint8_t> mask;                  // [t]: 1 where sampled, 0 on prompts, tool output and history of earlier sequences
  std::vector<float> log_probabilities;       // [t]: as in TokenTurn; 0 where mask is 0
  std::vector<float> full_log_probabilities;  // [t]: likewise
  std::vector<int32_t> kept;                  // ascending sets, end to end
  std::vector<int64_t> kept_offsets;          // [t + 1]: token i was drawn from kept[offsets[i], offsets[i + 1]); empty: nothing was cut
  int32_t expert_layers = 0, experts_per_token = 0;  // 0: none recorded, or not of every token but the last
  std::vector<uint16_t> experts;              // [t - 1, expert_layers, experts_per_token]: the last token was never computed
  std::vector<TurnSpan> turns;

  bool operator==(const TokenSequence&) const = default;
};

// The two alignments of trainers: a row for each token but the last (slime), or for each token (verl, prime-rl), where the last
// row, which no loss reads, repeats the one before it so that it is a valid choice of experts.
enum class ExpertRows { kTokensLessOne, kTokens };
std::vector<uint16_t> expert_rows(const TokenSequence& sequence, ExpertRows rows);

inline constexpr int64_t kSequenceCells = int64_t{1} << 30;  // tokens and experts of a rollout's sequences together

// Whether the turns agree with each other: lengths that fit, finite log-probabilities of at most 0, kept sets that ascend and hold what
// was sampled, and experts of one shape, without gap, none twice in a choice; a turn may have recorded none. An Error of boundary kPolicy names `where` and the turn;
// kLimit if the sequences would hold more than kSequenceCells. Linear, takes no memory.
Status check_turns(const std::vector<TokenTurn>& turns, const std::string& where);
// And with their rollout: a turn for each assistant message, or none.
Status check_turns(const Rollout& rollout);

// The sequences in the order of their turns; those in which nothing was sampled are left out. Refuses what
// check_turns refuses.
Result<std::vector<TokenSequence>> token_sequences(const Rollout& rollout);

}  // namespace assay
