// The embedded model as a service to rollouts: turns of any number of sequences, batched continuously, on one thread of the engine's.
//
// Promised: a turn's tokens, log-probabilities and records are a function of the weights, the sequence's tokens and the request
// alone. What else is in the batch, how prefill is chunked, whether a prefix was found computed, whether the sequence was kept,
// dropped, preempted or forked changes no bit (per table of kernels; see engine/kernels/kernels.h).
//
// A sequence is the tokens of one conversation. A turn drops some of its end, adds a prompt and samples; between turns the engine
// keeps what was computed (latents and indexer keys) as long as nothing else needs the room, and computes it again otherwise.
// Tokens that sequences have in common are computed once: whole blocks of 64 are found by hash, wherever they come from.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/checkpoint/checkpoint.h"
#include "engine/model/model.h"
#include "engine/runtime/token_guide.h"
#include "envs/token_turn.h"

namespace assay {

struct Mailbox;
struct Sequence;

using SequenceId = int64_t;   // never used twice

struct TurnRequest {
  int64_t shared = 0;             // leading tokens of the sequence that stay, at most its length
  std::vector<int32_t> prompt;    // what follows them; with `shared`, at least one token
  SamplingParams sampling;
  uint64_t seed = 0;              // a draw depends on seed, rollout, the token's position in the sequence, and its distribution
  uint64_t rollout = 0;
  int64_t limit = 256;            // sampled tokens at most, at least 1
  std::vector<int32_t> stops;     // each ends the turn and stays in it
  std::shared_ptr<TokenGuide> guide;   // may be null; the engine lets go of it before it hands out the turn
};

enum class TurnEnd {
  kStop,        // a stop token, or the guide
  kLimit,       // request.limit
  kContext,     // the model has no positions left
  kCancelled,
};

struct FinishedTurn {
  struct Record {
    TokenTurn tokens;
    TurnEnd end = TurnEnd::kStop;
    int64_t reused = 0;       // of shared + prompt: tokens found computed when the turn began
    int64_t preemptions = 0;
  };
  SequenceId sequence = 0;
  // Errors, of this sequence alone (it can only be released then): kInput (a token outside the vocabulary, an empty prompt, …),
  // kLimit (more tokens than positions or cache), kPolicy (logits that are not finite, nothing allowed; cancelled before a token was sampled).
  Result<Record> record;
};

struct EngineOptions {
  std::string backend;                // as open_device takes it; empty: CUDA where there is a device
  int threads = 1;                    // of the host, that compute
  KvCache::Plan cache;                // shared by all sequences
  int64_t max_sequences = 64;         // computed in one step
  int64_t step_tokens = 512;          // rows of one step at most, at least max_sequences; prefills are cut to fit
  std::string policy_version;         // of the checkpoint; stands in every TokenTurn
  Attention attention = Attention::kSparse;
};

// Since the engine began; as of the last turn that finished or sequence that was released.
struct EngineStats {
  int64_t steps = 0;
  int64_t prompt_tokens_computed = 0;   // rows of prefill, recomputed ones included
  int64_t prompt_tokens_reused = 0;     // found computed when a turn began or resumed
  int64_t sampled_tokens = 0;
  int64_t preemptions = 0;              // of sequences in mid-turn
  int64_t dropped = 0;                  // kept caches that gave way between turns
  int64_t largest_batch = 0;            // sequences in one step
  int64_t held_tokens = 0;              // now: room in the cache that sequences hold
};

class Engine {
 public:
  // Refuses (kLimit, with what to change) what will not fit into memory: weights, cache and the buffers of the largest step. The
  // checkpoint may be closed afterwards.
  static Result<std::unique_ptr<Engine>> open(const Checkpoint& checkpoint, const EngineOptions& options);
  // All clients are gone.
  ~Engine();

  const ModelConfig& config() const;
  const std::string& device() const;   // that it computes on, by name
  EngineStats stats() const;

  // Waits until the turns that have begun are finished, then replaces the weights; turns submitted meanwhile begin with the new
  // ones, and nothing computed with the old ones is used again. The config must be the same. On failure the old weights stay.
  Status swap_weights(const Checkpoint& checkpoint, const std::string& policy_version);

 private:
  friend class EngineClient;
  struct State;

  Engine();
  std::unique_ptr<State> state_;
};

// One user of an engine, such as a policy: sees its own sequences only. Used by one thread; any number of clients may work at once.
// Nothing blocks but finished().
class EngineClient {
 public:
  explicit EngineClient(Engine& engine);   // which outlives it
  ~EngineClient();                         // cancels and releases all it has
  EngineClient(const EngineClient&) = delete;
  EngineClient& operator=(const EngineClient&) = delete;

  SequenceId open();   // an empty sequence
  // Begins a turn of a sequence that has none open. What is wrong with the request is said by its finished turn.
  void submit(SequenceId sequence, TurnRequest request);
  // A new sequence equal to this one, which has no open turn. Both share what is computed. Its records go on from those of the original, so
  // a rollout of it is the original's turns so far and then its own.
  SequenceId fork(SequenceId sequence);
  // Ends the open turn, if there is one, with what was sampled so far; it comes out of finished() as any other does.
  void cancel(SequenceId sequence);
  // Lets go of a sequence; an open turn is cancelled and does not come out.
  void release(SequenceId sequence);

  // Turns that are finished, each once; waits until there is one. Empty only if no turn is open.
  std::vector<FinishedTurn> finished();

 private:
  SequenceId add(std::function<void(Sequence&)> fill);

  Engine::State& engine_;
  std::shared_ptr<Mailbox> mailbox_;
  std::set<SequenceId> sequences_;   // not released
};

}  // namespace assay
