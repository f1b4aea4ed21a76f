// Sharing the rows of a kernel among workers.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/runtime/workers.h"

namespace assay {

// Calls body(first, last) for ranges that cover [0, rows) once, on several workers where `row_cost` (values touched in a
// row, or as many cheap steps) makes that worth waking them. Results may not depend on how the rows are cut.
void for_rows(Workers& workers, int64_t rows, int64_t row_cost, const std::function<void(int64_t first, int64_t last)>& body);

}  // namespace assay
