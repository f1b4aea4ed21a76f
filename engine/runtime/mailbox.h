// Where the engine's thread leaves finished turns for one client. Guarded by the engine's mutex.
#pragma once

#include <condition_variable>
#include <vector>

#include "engine/runtime/engine.h"

namespace assay {

struct Mailbox {
  std::vector<FinishedTurn> turns;
  int64_t open = 0;                    // submitted, and neither here nor released
  std::condition_variable changed;
};

}  // namespace assay
