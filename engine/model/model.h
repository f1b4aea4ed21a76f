// A DSA model: one forward, written over a device (arXiv 2512.02556; report.md section 4 in the project's notes has the facts).
//
// A forward takes rows of any number of sequences at once, prefill chunks and single decode steps alike. A row's result is the
// same bits whatever rows stand beside it and however its sequence was cut into chunks. Only tokens, positions and page tables go to
// the device, only what is asked for comes back.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/checkpoint/checkpoint.h"
#include "engine/device/device.h"
#include "engine/model/choices.h"
#include "engine/model/kv_cache.h"
#include "engine/model/trace.h"
#include "engine/model/weights.h"

namespace assay {

enum class Attention { kSparse, kDense };     // dense: the indexer runs not at all; for comparison
enum class LogitsOf { kNone, kLastRow, kAllRows };

// Tokens that follow what the sequence has computed so far. Its pages are reserved already.
struct Chunk {
  CachedSequence* sequence = nullptr;
  std::span<const int32_t> tokens;
  LogitsOf logits = LogitsOf::kLastRow;
};

struct ForwardOptions {
  Attention attention = Attention::kSparse;
  Trace* trace = nullptr;            // filled if given; slows the forward down
  const Forced* forced = nullptr;
  Choices* choices = nullptr;        // filled if given, at little cost
};

class Model {
 public:
  // Copies the weights into packed form; the checkpoint may be closed afterwards. The device outlives the model.
  // Errors (kInput): a weight is NaN or infinite, and is named. (kLimit): the device has no room for them.
  static Result<std::unique_ptr<Model>> load(const Checkpoint& checkpoint, Device& device);
  ~Model();

  // Logits in the order of the chunks, [asked rows, vocab_size]; each sequence has grown by its chunk.
  // Errors (kInput): a token outside the vocabulary, forced choices that do not fit. (kLimit): no room for the buffers of so many rows,
  // see reserve. (kPolicy): logits that are not finite, which say that the weights are broken; a fault of the device.
  // Nothing grows when an error of kInput or kLimit is returned.
  Result<std::vector<float>> forward(std::span<const Chunk> chunks, KvCache& cache, const ForwardOptions& options = {});

  // The same forward, and a token drawn from each row of logits, draws in the order of the rows; the logits stay where they are. A row
  // whose logits are not finite, or that allows no token, gives token -1 and disturbs no other. Errors: the others above.
  Result<std::vector<Sampled>> sample(std::span<const Chunk> chunks, std::span<const Draw> draws, KvCache& cache, const ForwardOptions& options = {});

  // Puts the weights of another checkpoint of the same config in the place of these. On failure these stay.
  Status replace_weights(const Checkpoint& checkpoint);

  struct StepSize {
    int64_t rows = 0;          // of one forward
    int64_t logits_rows = 0;   // those of them whose logits are asked for
    int64_t context = 0;       // tokens that a row may see
    bool operator==(const StepSize&) const = default;
  };
  // Memory of a forward's buffers, which grow to the largest forward and stay.
  static int64_t step_bytes(const ModelConfig& config, const StepSize& size);
  // Takes it now. Error (kLimit): the device has not so much.
  Status reserve(const StepSize& size);

  const ModelConfig& config() const { return config_; }
  Device& device() const { return device_; }

 private:
  struct Buffers;
  struct Step;   // one forward: its buffers, its rows, and what it still has to do

  Model(const ModelConfig& config, Device& device);

  Status check(std::span<const Chunk> chunks, const ForwardOptions& options) const;
  // Leaves the logits in the buffers, finite or not.
  Status compute(std::span<const Chunk> chunks, KvCache& cache, const ForwardOptions& options);
  Status fit(const StepSize& size, int64_t pages);
  Status prepare(std::span<const Chunk> chunks, const ForwardOptions& options);
  void run(KvCache& cache, const ForwardOptions& options);
  void attend(int64_t layer, KvCache& cache, const ForwardOptions& options);
  void project(const LayerWeights& weights, int64_t layer, KvCache& cache);
  void index(const LayerWeights& weights, int64_t layer, KvCache& cache, const ForwardOptions& options);
  void select(int64_t layer, KvCache& cache, const ForwardOptions& options);
  void choose(int64_t layer, KvCache& cache, Trace* trace);
  void feed_forward(int64_t layer, const ForwardOptions& options);
  void route(const LayerWeights& weights, int64_t layer, const ForwardOptions& options);
  void trace_route(const LayerWeights& weights, const GateParams& gate, LayerTrace& trace);
  void run_experts(const LayerWeights& weights);
  void run_mlp(const MlpWeights& weights, const float* x, float* y);
  void head();
  void ask_choices();
  void take_choices(Choices& choices) const;   // when the device has been waited for

  ModelConfig config_;
  Device& device_;
  Vector frequencies_;   // of rotary positions
  ModelWeights weights_;
  std::unique_ptr<Step> step_;   // kept between forwards, so that buffers are allocated once
};

}  // namespace assay
