#include "engine/model/weights.h"

#include <functional>
#include <span>
#include <string>
#include <utility>

#include "engine/numeric.h"

namespace assay {
namespace {

float element(const TensorView& tensor, int64_t index) {
  switch (tensor.dtype) {
    case DType::kBF16: return bf16_to_float(reinterpret_cast<const uint16_t*>(tensor.data)[index]);
    case DType::kF16: return f16_to_float(reinterpret_cast<const uint16_t*>(tensor.data)[index]);
    case DType::kF8E4M3: return e4m3_to_float(reinterpret_cast<const uint8_t*>(tensor.data)[index]);
    default: return reinterpret_cast<const float*>(tensor.data)[index];
  }
}

// The copying of one tensor; any may run side by side.
struct Task {
  size_t bytes = 0;   // of the copy
  std::function<Status()> run;
};

// Plans how a checkpoint's tensors become weights.
class Loader {
 public:
  // Without a device the tasks can be counted, not run.
  explicit Loader(const Checkpoint& checkpoint, Device* device = nullptr) : checkpoint_(checkpoint), device_(device) {}

  std::span<const Task> tasks() const { return tasks_; }

  void vector(const std::string& name, Vector& out) {
    const TensorView& tensor = checkpoint_.tensor(name);
    add(name, static_cast<size_t>(tensor.element_count()) * sizeof(float), [this, &tensor, &out]() -> Status {
      std::vector<float> values(static_cast<size_t>(tensor.element_count()));
      for (int64_t i = 0; i < tensor.element_count(); ++i) values[static_cast<size_t>(i)] = element(tensor, i);
      ASSAY_ASSIGN(out, place_vector(*device_, std::move(values)));
      return {};
    });
  }
  void optional_vector(const std::string& name, Vector& out) {
    if (checkpoint_.find(name)) vector(name, out);
  }

  // As stored: float32, bfloat16 or FP8 with scales. Half precision becomes float32, which holds it exactly.
  void matrix(const std::string& name, Weight& out) {
    const TensorView& tensor = checkpoint_.tensor(name);
    const TensorView* scales = checkpoint_.scale_of(name);
    if (tensor.dtype == DType::kF16) return float_matrix(name, out);
    const WeightType type = tensor.dtype == DType::kF8E4M3 ? WeightType::kE4m3 : tensor.dtype == DType::kBF16 ? WeightType::kBf16 : WeightType::kF32;
    add(name, packed_bytes(type, tensor.shape[0], tensor.shape[1]), [this, &tensor, scales, type, &out] {
      return place(pack_weight(type, tensor.data, tensor.shape[0], tensor.shape[1], tensor.shape[1], 1,
                               scales ? reinterpret_cast<const float*>(scales->data) : nullptr), out);
    });
  }

  void float_matrix(const std::string& name, Weight& out) {
    const TensorView& tensor = checkpoint_.tensor(name);
    add(name, packed_bytes(WeightType::kF32, tensor.shape[0], tensor.shape[1]), [this, name, &tensor, &out] {
      const std::vector<float> values = dequantised(name);
      return place(pack_weight(WeightType::kF32, values.data(), tensor.shape[0], tensor.shape[1], tensor.shape[1], 1), out);
    });
  }

  // kv_b_proj is [heads, nope + v, rank]: its key half is transposed into uk, its value half is uv.
  void absorbed(const std::string& name, LayerWeights& layer) {
    const ModelConfig& config = checkpoint_.config();
    const int64_t rank = config.kv_lora_rank, nope = config.qk_nope_head_dim, value = config.v_head_dim;
    const size_t heads = static_cast<size_t>(config.num_attention_heads);
    const bool bf16 = checkpoint_.tensor(name).dtype == DType::kBF16;
    const WeightType type = bf16 ? WeightType::kBf16 : WeightType::kF32;
    layer.uk.resize(heads);
    layer.uv.resize(heads);
    add(name, heads * (packed_bytes(type, rank, nope) + packed_bytes(type, value, rank)), [=, this, &layer]() -> Status {
      const std::vector<float> values = bf16 ? std::vector<float>() : dequantised(name);
      const std::byte* data = bf16 ? checkpoint_.tensor(name).data : reinterpret_cast<const std::byte*>(values.data());
      const int64_t row_bytes = rank * (bf16 ? 2 : 4);
      for (size_t head = 0; head < heads; ++head) {
        const std::byte* keys = data + static_cast<int64_t>(head) * (nope + value) * row_bytes;
        ASSAY_TRY(place(pack_weight(type, keys, rank, nope, 1, rank), layer.uk[head]));
        ASSAY_TRY(place(pack_weight(type, keys + nope * row_bytes, value, rank, rank, 1), layer.uv[head]));
      }
      return {};
    });
  }

  void mlp(const std::string& prefix, MlpWeights& out) {
    matrix(prefix + "gate_proj.weight", out.gate);
    matrix(prefix + "up_proj.weight", out.up);
    matrix(prefix + "down_proj.weight", out.down);
  }

 private:
  static size_t packed_bytes(WeightType type, int64_t rows, int64_t columns) { return Weight{type, rows, columns, nullptr, nullptr}.bytes(); }

  // Values are looked at just before they are copied, so that they are read from memory once.
  void add(const std::string& name, size_t bytes, std::function<Status()> copy) {
    tasks_.push_back({bytes, [this, name, copy = std::move(copy)]() -> Status {
                        ASSAY_TRY(checkpoint_.check_values(checkpoint_.tensor(name)));
                        if (const TensorView* scales = checkpoint_.scale_of(name)) ASSAY_TRY(checkpoint_.check_values(*scales));
                        return copy();
                      }});
  }

  Status place(Weight weight, Weight& out) {
    ASSAY_ASSIGN(out, place_weight(*device_, std::move(weight)));
    return {};
  }

  std::vector<float> dequantised(const std::string& name) const {
    const TensorView& tensor = checkpoint_.tensor(name);
    const TensorView* scales = checkpoint_.scale_of(name);
    const int64_t rows = tensor.shape[0], columns = tensor.shape[1], blocks = (columns + kScaleBlock - 1) / kScaleBlock;
    std::vector<float> values(static_cast<size_t>(rows * columns));
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = 0; column < columns; ++column) {
        const float scale = scales ? reinterpret_cast<const float*>(scales->data)[row / kScaleBlock * blocks + column / kScaleBlock] : 1.0f;
        values[static_cast<size_t>(row * columns + column)] = element(tensor, row * columns + column) * scale;
      }
    return values;
  }

  const Checkpoint& checkpoint_;
  Device* device_;
  std::vector<Task> tasks_;
};

void load_indexer(Loader& load, const std::string& prefix, IndexerWeights& out) {
  load.matrix(prefix + "wq_b.weight", out.wq_b);
  load.matrix(prefix + "wk.weight", out.wk);
  load.float_matrix(prefix + "weights_proj.weight", out.weights_proj);
  load.vector(prefix + "k_norm.weight", out.k_norm);
  load.vector(prefix + "k_norm.bias", out.k_norm_bias);
}

void load_attention(Loader& load, const std::string& prefix, LayerWeights& out) {
  load.matrix(prefix + "q_a_proj.weight", out.q_a);
  load.matrix(prefix + "q_b_proj.weight", out.q_b);
  load.matrix(prefix + "kv_a_proj_with_mqa.weight", out.kv_a);
  load.matrix(prefix + "o_proj.weight", out.o);
  load.optional_vector(prefix + "q_a_proj.bias", out.q_a_bias);
  load.optional_vector(prefix + "kv_a_proj_with_mqa.bias", out.kv_a_bias);
  load.optional_vector(prefix + "o_proj.bias", out.o_bias);
  load.vector(prefix + "q_a_layernorm.weight", out.q_a_norm);
  load.vector(prefix + "kv_a_layernorm.weight", out.kv_a_norm);
  load.absorbed(prefix + "kv_b_proj.weight", out);
  if (out.has_indexer) load_indexer(load, prefix + "indexer.", out.indexer);
}

void load_feed_forward(Loader& load, const std::string& prefix, const ModelConfig& config, LayerWeights& out) {
  if (!out.is_moe) return load.mlp(prefix, out.mlp);
  if (config.n_shared_experts > 0) load.mlp(prefix + "shared_experts.", out.mlp);
  load.float_matrix(prefix + "gate.weight", out.moe.router);
  load.vector(prefix + "gate.e_score_correction_bias", out.moe.correction_bias);
  out.moe.experts.resize(static_cast<size_t>(config.n_routed_experts));
  for (size_t expert = 0; expert < out.moe.experts.size(); ++expert) load.mlp(prefix + "experts." + std::to_string(expert) + ".", out.moe.experts[expert]);
}

// Plans all of `weights`, in the order of the forward pass.
void load_model(Loader& load, const ModelConfig& config, ModelWeights& weights) {
  load.vector("model.embed_tokens.weight", weights.embedding);
  weights.layers.resize(config.layers.size());
  for (size_t index = 0; index < config.layers.size(); ++index) {
    const std::string prefix = "model.layers." + std::to_string(index) + ".";
    LayerWeights& layer = weights.layers[index];
    layer.has_indexer = config.layers[index].indexer == IndexerType::kFull;
    layer.is_moe = config.layers[index].mlp == MlpType::kSparse;
    load.vector(prefix + "input_layernorm.weight", layer.input_norm);
    load.vector(prefix + "post_attention_layernorm.weight", layer.post_attention_norm);
    load_attention(load, prefix + "self_attn.", layer);
    load_feed_forward(load, prefix + "mlp.", config, layer);
  }
  load.vector("model.norm.weight", weights.norm);
  load.matrix(config.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight", weights.lm_head);
}

}  // namespace

Result<Vector> place_vector(Device& device, std::vector<float> values) {
  Vector vector{nullptr, static_cast<int64_t>(values.size())};
  const size_t bytes = values.size() * sizeof(float);
  const auto owner = std::make_shared<std::vector<float>>(std::move(values));
  ASSAY_ASSIGN(vector.memory, device.place({owner, reinterpret_cast<std::byte*>(owner->data())}, bytes));
  return vector;
}

Result<ModelWeights> load_weights(const Checkpoint& checkpoint, Device& device) {
  ModelWeights weights;
  Loader load(checkpoint, &device);
  load_model(load, checkpoint.config(), weights);
  std::vector<Status> ends(load.tasks().size());
  device.workers().run(static_cast<int64_t>(ends.size()), [&](int64_t task, int) { ends[static_cast<size_t>(task)] = load.tasks()[static_cast<size_t>(task)].run(); });
  for (const Status& end : ends) ASSAY_TRY(end);
  return weights;
}

int64_t weight_bytes(const Checkpoint& checkpoint) {
  ModelWeights weights;
  Loader load(checkpoint);
  load_model(load, checkpoint.config(), weights);
  size_t bytes = 0;
  for (const Task& task : load.tasks()) bytes += task.bytes;
  return static_cast<int64_t>(bytes);
}

}  // namespace assay
