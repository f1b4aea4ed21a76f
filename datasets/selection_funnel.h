// Why tasks and rollouts were left out of a selection: each for exactly one reason, the first of this list that holds, so the counts
// add up.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "envs/base/json.h"

namespace assay {

enum class SelectionLoss {
  // Of tasks and of rollouts alike.
  kRule,            // not what was asked for
  // Of tasks.
  kUncertified, kUnsound, kChance, kSolutions, kFormat, kStatement, kAttacked, kNotMeasured, kPassRate, kContaminated,
  kDuplicate, kNearDuplicate, kBalance, kNoRollout, kLimit,
  // Of rollouts.
  kTaskLost, kNoVerdict, kOutcome, kDisputed, kFailure, kMessages, kTokensUnknown, kTokens, kReasoning, kContaminatedRollout, kRepeated, kEnough,
};
using Loss = SelectionLoss;   // where nothing else is lost

const char* loss_name(Loss loss);    // "near_duplicate"
const char* loss_words(Loss loss);   // "nearly the prompt of one that is kept"

struct SelectionFunnel {
  struct Stage {
    int64_t seen = 0;
    std::map<Loss, int64_t> lost;

    int64_t left() const;
    int64_t count(Loss loss) const;
  };
  Stage tasks, rollouts;
};

// {"tasks": {"seen","lost": {name: count},"left"}, "rollouts": the same}.
OrderedJson to_json(const SelectionFunnel& funnel);
// For people, without markup: "12 tasks: attacked, an attack scored at them".
std::string funnel_lines(const SelectionFunnel::Stage& stage, const std::string& noun, const std::string& indent);

}  // namespace assay
