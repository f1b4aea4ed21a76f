// What an engine recorded while it sampled one message, for trainers that must not guess it again: token ids that are never made
// from text a second time, log-probabilities before and after truncation, kept sets and experts (arXiv 2512.02556, section 3.1:
// Keep Sampling Mask, Keep Routing). The i-th turn of a rollout wrote its i-th assistant message.
//
// The sequence that the turn left behind is
//   the first `shared` tokens of what the turn before left behind  |  prompt, p tokens  |  sampled, n tokens
// so a conversation that only grows repeats nothing, and one whose history was dropped starts again where it differs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay {

struct TokenTurn {
  int64_t shared = 0;
  std::vector<int32_t> prompt;
  std::vector<int32_t> sampled;

  // [n] each, natural logarithms.
  std::vector<float> log_probabilities;        // under the kept set, renormalised: the policy that acted
  std::vector<float> full_log_probabilities;   // under softmax(logits / temperature), before any cut

  // [n]: how many tokens could be sampled; 0 where nothing was cut. The sets follow one another, each ascending.
  std::vector<int32_t> kept_counts;
  std::vector<int32_t> kept;

  // [rows, expert_layers, experts_per_token] for the rows at positions experts_from … shared + p + n - 2 of the sequence: each token
  // that this turn computed or found computed. The last sampled token is computed by the turn that follows, if any.
  int32_t expert_layers = 0, experts_per_token = 0;   // layers with routed experts; 0: none recorded
  int64_t experts_from = 0;
  std::vector<uint16_t> experts;

  std::string selection_digest;   // SHA-256 over a 64-bit hash of each of those rows' attended token sets; empty: not kept
  std::string policy_version;     // identity of the weights that sampled

  bool operator==(const TokenTurn&) const = default;
};

}  // namespace assay
