// What acts. A policy is handed turns of many rollouts and gives back messages, in any order: local policies answer at
// once, an endpoint has hundreds in flight, an engine batches them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "envs/message.h"
#include "envs/rollout.h"
#include "envs/task.h"
#include "envs/token_turn.h"

namespace assay {

// One rollout's turn to speak. Pointers stay valid until the turn is answered.
struct Turn {
  int64_t rollout = 0;                   // handle of the rollout within this run
  const TaskView* task = nullptr;
  const Conversation* conversation = nullptr;
  uint64_t seed = 0;                     // of the run
  int64_t sample = 0;                    // of the rollout
  int64_t step = 0;                      // 0 for the first message; a policy that keeps state starts it here
};

struct Action {
  int64_t rollout = 0;
  Result<Message> message = Message{};   // an assistant message; an Error ends the rollout as failed at its boundary
  Usage usage;
  std::optional<TokenTurn> tokens = std::nullopt;   // what was recorded of them, where the policy samples by itself
  std::optional<Error> malformed = std::nullopt;    // why the message could not be read as it was meant: its calls are refused, and this is what they return
};

// Used by one thread.
class Policy {
 public:
  virtual ~Policy() = default;
  virtual std::string descriptor() const = 0;
  // Takes a turn; never blocks.
  virtual void ask(const Turn& turn) = 0;
  // Actions that are ready; blocks until there is at least one if any turn is open. Empty only when none is open.
  virtual std::vector<Action> answer() = 0;
  // The rollout has ended; its state can go.
  virtual void finish(int64_t rollout) { (void)rollout; }
  // Another of the same for another thread, which shares with this one what is large; null where a new one is as good.
  virtual std::unique_ptr<Policy> sibling() { return nullptr; }
};

}  // namespace assay
