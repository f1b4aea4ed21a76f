// The export benchmark at any size.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/bench.h"

namespace assay::bench {

// `count` rollouts of about 2,000 tokens, 16 a task, written as every format that is made of rollouts; one thread. What was made is said
// on standard error.
Result<std::vector<Figure>> measure_export(const std::string& area, int64_t count);

}  // namespace assay::bench
