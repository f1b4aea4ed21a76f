// What can be said of a question without answering it: how many calls it needs at least, and how often a guess is right.
#pragma once

#include "envs/tool.h"
#include "synth/chance.h"
#include "synth/query/evaluate.h"

namespace assay::query {

// Needs of which no two are met by one call need a call each, and the submission is one more. A call is a tool with what its reveals are
// given; which pieces of information it asks for does not count. One that counts rows may meet the need of every row that it
// could count.
int64_t least_calls(const std::vector<Need>& needs, const Tables& tables, const std::vector<ToolSpec>& tools);

// Guessing among the values that the answer could have if only the question's filters and superlatives were left out: one of those rows
// or their cells by name, a number up to what all of them give, any subset of them.
ChanceRate guess_rate(const Question& question, const Evaluated& answer, TableSource& source);

}  // namespace assay::query
