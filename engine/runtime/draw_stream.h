// The uniform number that a token is drawn with: a function of (seed, rollout, position) alone.
#pragma once

#include <cstdint>

#include "envs/base/rng.h"

namespace assay {

// `position`: where the drawn token will stand in its sequence. In [0, 1).
inline double uniform_at(uint64_t seed, uint64_t rollout, int64_t position) {
  return Rng(seed, mix64(stream_of("sampling") + rollout), static_cast<uint64_t>(position)).unit();
}

}  // namespace assay
