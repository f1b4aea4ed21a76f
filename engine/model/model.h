// A DSA model: one forward, written over a table of kernels (arXiv 2512.02556; report.md section 4 in the project's notes has the facts).
//
// A forward takes rows of any number of sequences at once, prefill chunks and single decode steps alike. A row's result is the
// same bits whatever rows stand beside it and however its sequence was cut into chunks.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/checkpoint/checkpoint.h"
#include "engine/kernels/kernels.h"
#include "engine/model/choices.h"
#include "engine/model/kv_cache.h"
#include "engine/model/rope_table.h"
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

// How a token is drawn from a row of logits.
struct Draw {
  SamplingParams params;
  double uniform = 0;   // [0, 1)
};

struct ForwardOptions {
  Attention attention = Attention::kSparse;
  Trace* trace = nullptr;            // filled if given; slows the forward down
  const Forced* forced = nullptr;
  Choices* choices = nullptr;        // filled if given, at little cost
};

class Model {
 public:
  // Copies the weights into packed form; the checkpoint may be closed afterwards. `kernels` and `workers` outlive the model.
  // Fails if a weight is NaN or infinite; the error names it.
  static Result<std::unique_ptr<Model>> load(const Checkpoint& checkpoint, const Kernels& kernels, Workers& workers);
  ~Model();

  // Logits in the order of the chunks, [asked rows, vocab_size]; each sequence has grown by its chunk.
  // Errors (kInput): a token outside the vocabulary, forced choices that do not fit. (kPolicy): logits that are not finite, which
  // say that the weights are broken. Nothing grows when an error of kInput is returned.
  Result<std::vector<float>> forward(std::span<const Chunk> chunks, KvCache& cache, const ForwardOptions& options = {});

  // The same forward, and a token drawn from each row of logits, draws in the order of the rows; logits are not handed out. A row
  // whose logits are not finite, or that allows no token, gives token -1 and disturbs no other. Errors: those of kInput above.
  Result<std::vector<Sampled>> sample(std::span<const Chunk> chunks, std::span<const Draw> draws, KvCache& cache, const ForwardOptions& options = {});

  // Puts the weights of another checkpoint of the same config in the place of these. On failure these stay.
  Status replace_weights(const Checkpoint& checkpoint);

  struct StepSize {
    int64_t rows = 0;          // of one forward
    int64_t logits_rows = 0;   // those of them whose logits are asked for
    int64_t context = 0;       // tokens that a row may see
  };
  // Memory of a forward's buffers, which grow to the largest forward and stay.
  static int64_t step_bytes(const ModelConfig& config, const StepSize& size);

  const ModelConfig& config() const { return config_; }

 private:
  struct Step;   // the buffers of one forward

  Model(const ModelConfig& config, const Kernels& kernels, Workers& workers);

  // Rows of logits, finite or not.
  Result<std::vector<float>> compute(std::span<const Chunk> chunks, KvCache& cache, const ForwardOptions& options);
  Status check(std::span<const Chunk> chunks, const ForwardOptions& options) const;
  void attend(int64_t layer, Step& step, KvCache& cache, const ForwardOptions& options);
  void project(const LayerWeights& weights, int64_t layer, Step& step, KvCache& cache);
  void index(const LayerWeights& weights, int64_t layer, Step& step, KvCache& cache, const ForwardOptions& options);
  void select(int64_t layer, Step& step, KvCache& cache, const ForwardOptions& options);
  void note_selection(const Step& step, Choices& choices);
  void feed_forward(int64_t layer, Step& step, const ForwardOptions& options);
  void route(const LayerWeights& weights, int64_t layer, Step& step, const ForwardOptions& options);
  void run_experts(const LayerWeights& weights, Step& step);
  void run_mlp(const MlpWeights& weights, const float* x, float* y, Step& step);
  std::vector<float> head(std::span<const Chunk> chunks, Step& step);

  ModelConfig config_;
  const Kernels& kernels_;
  Workers& workers_;
  RopeTable rope_;
  ModelWeights weights_;
  std::unique_ptr<Step> step_;   // kept between forwards, so that buffers are allocated once
};

}  // namespace assay
