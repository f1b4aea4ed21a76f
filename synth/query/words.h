// A question in words, made from the labels, plurals and units of the schema. What is chosen by a description of its own is
// introduced in a sentence of its own ("Consider the city …") and spoken of by name afterwards ("that city"), so that no clause can be
// attached to the wrong noun.
#pragma once

#include <string>

#include "envs/base/rng.h"
#include "synth/query/evaluate.h"
#include "synth/query/options.h"

namespace assay::query {

struct Words {
  std::string question;   // one sentence or several
  std::string form;       // what the answer looks like: "Give the number alone, as a JSON integer, in CNY."
};

// `value` is the answer, for its form alone; `rng` chooses between phrasings.
Words say(const Question& question, const Value& value, const Tables& tables, const QueryOptions& options, Rng& rng);

// The answer as the value verifier expects it. Averages have a tolerance; everything else is exact.
Json expected_of(const Question& question, const Value& value);

}  // namespace assay::query
