#include "engine/model/weights.h"

#include "tests/engine/checkpoint/fixture.h"
#include "tests/engine/model/fixture.h"

namespace assay::test {
namespace {

struct Case {
  std::string preset;
  WeightDType dtype;
};

const std::vector<Case> kCases = {{"tiny", WeightDType::kF32}, {"tiny", WeightDType::kFp8}, {"glm_tiny", WeightDType::kBF16}, {"dense_tiny", WeightDType::kFp8}};

size_t bytes_of(std::initializer_list<const Weight*> weights) {
  size_t bytes = 0;
  for (const Weight* weight : weights) bytes += weight->bytes();
  return bytes;
}
size_t bytes_of(std::initializer_list<const Vector*> vectors) {
  size_t bytes = 0;
  for (const Vector* vector : vectors) bytes += static_cast<size_t>(vector->size) * sizeof(float);
  return bytes;
}
size_t bytes_of(const MlpWeights& mlp) { return bytes_of({&mlp.gate, &mlp.up, &mlp.down}); }

size_t bytes_of(const LayerWeights& layer) {
  size_t bytes = bytes_of({&layer.input_norm, &layer.post_attention_norm, &layer.q_a_norm, &layer.kv_a_norm, &layer.q_a_bias, &layer.kv_a_bias, &layer.o_bias,
                           &layer.indexer.k_norm, &layer.indexer.k_norm_bias, &layer.moe.correction_bias});
  bytes += bytes_of({&layer.q_a, &layer.q_b, &layer.kv_a, &layer.o, &layer.indexer.wq_b, &layer.indexer.wk, &layer.indexer.weights_proj, &layer.moe.router});
  for (size_t head = 0; head < layer.uk.size(); ++head) bytes += bytes_of({&layer.uk[head], &layer.uv[head]});
  for (const MlpWeights& expert : layer.moe.experts) bytes += bytes_of(expert);
  return bytes + bytes_of(layer.mlp);
}

}  // namespace

TEST_CASE("the bytes announced for the weights are those that they take") {
  for (const auto& [preset, dtype] : kCases)
    for (const bool odd : {false, true}) {
      CAPTURE(preset, name_of(dtype), odd);
      ModelConfig config = need(preset_config(preset));
      if (odd) config.attention_bias = config.tie_word_embeddings = true, config.n_shared_experts = 0;
      Folder folder;
      need(write_synthetic(config, folder.path(), {.dtype = dtype}));
      const Checkpoint checkpoint = need(Checkpoint::open(folder.path()));
      const Machine machine;
      const ModelWeights weights = need(load_weights(checkpoint, *machine.device));
      size_t bytes = bytes_of({&weights.embedding, &weights.norm}) + bytes_of({&weights.lm_head});
      for (const LayerWeights& layer : weights.layers) bytes += bytes_of(layer);
      CHECK(weight_bytes(checkpoint) == static_cast<int64_t>(bytes));
    }
}

TEST_CASE("a NaN in any tensor keeps a model from being loaded, and is named") {
  for (const auto& [preset, dtype] : kCases) {
    Folder folder;
    need(write_synthetic(need(preset_config(preset)), folder.path(), {.dtype = dtype}));
    const std::string path = folder.path() + "/model.safetensors";
    const std::vector<StoredTensor> good = read_tensors(path);
    const Machine machine;
    for (size_t i = 0; i < good.size(); i += good.size() > 200 ? 7 : 1) {   // of many experts some
      std::vector<StoredTensor> tensors = good;
      StoredTensor& broken = tensors[i];
      CAPTURE(preset, broken.name);
      const std::string nan = broken.dtype == "F32" ? std::string("\0\0\xc0\x7f", 4) : broken.dtype == "BF16" ? "\xc0\x7f" : "\x7f";
      broken.bytes.replace(0, nan.size(), nan);
      write_tensors(path, tensors);
      const auto model = Model::load(need(Checkpoint::open(folder.path())), *machine.device);
      REQUIRE_FALSE(model.ok());
      CHECK(model.error().boundary == Boundary::kInput);
      CHECK_THAT(model.error().what, Catch::Contains("the weight " + broken.name + " [0") && Catch::Contains("NaN"));
    }
  }
}

TEST_CASE("of several broken weights the first of the forward pass is named, whatever the threads do") {
  Folder folder;
  need(write_synthetic(need(preset_config("tiny")), folder.path(), {.dtype = WeightDType::kFp8}));
  const std::string path = folder.path() + "/model.safetensors";
  std::vector<StoredTensor> tensors = read_tensors(path);
  for (StoredTensor& tensor : tensors)
    if (tensor.dtype == "F8_E4M3") tensor.bytes.back() = '\x7f';
  write_tensors(path, tensors);
  const Checkpoint checkpoint = need(Checkpoint::open(folder.path()));
  const Machine machine(cpu_kernels().back().name, 4);
  for (int i = 0; i < 20; ++i) CHECK_THAT(refused(load_weights(checkpoint, *machine.device)).what, Catch::Contains("model.layers.0.self_attn.q_a_proj.weight [71, 135]"));
}

}  // namespace assay::test
