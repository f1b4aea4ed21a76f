// How much memory this process may still take.
#pragma once

#include <cstdint>

namespace assay {

// What the machine has left: MemAvailable, or less if a control group (v2 or v1) allows less. INT64_MAX if nothing says.
int64_t available_memory_bytes();

}  // namespace assay
