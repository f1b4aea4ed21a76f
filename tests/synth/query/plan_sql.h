// Plans as plain SQL, written for the tests: an independent, slow way to their answers.
#pragma once

#include <string>

#include "envs/table.h"
#include "synth/query/plan.h"

namespace assay::query {

// A SELECT of the answer: one cell, or one name a row. Without `minus`.
std::string sql_of(const Question& question, const Tables& tables);

}  // namespace assay::query
