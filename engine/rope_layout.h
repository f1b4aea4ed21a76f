// How rotary dimensions are paired: (0, 1), (2, 3), … or (0, n/2), (1, n/2 + 1), …
#pragma once

namespace assay {

enum class RopeLayout { kInterleaved, kHalfSplit };

}  // namespace assay
