// The text of a record of kind kTokens: the turns of one rollout, packed. Its layout is in SEGMENTS.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "envs/rollout.h"

namespace assay {

struct TokenRecord {
  std::string rollout;  // id
  std::vector<TokenTurn> turns;
};

// Of a rollout that check_turns (datasets/token_sequence.h) accepts.
std::string token_record_text(const Rollout& rollout);

// The record that has exactly this text. Hostile bytes give an Error that begins with `where`, never more than kSequenceCells numbers;
// what the turns say is for check_turns to judge.
Result<TokenRecord> token_record_from_text(std::string_view text, const std::string& where);

// All of a turn, under the names of its members; experts nested by row and layer, kept sets by token.
OrderedJson to_json(const TokenTurn& turn);

}  // namespace assay
