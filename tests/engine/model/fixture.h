// Small random models on disk and in memory.
#pragma once

#include <catch2/catch.hpp>

#include <cstring>
#include <string>
#include <vector>

#include "engine/checkpoint/synthetic.h"
#include "engine/kernels/cuda_device.h"
#include "engine/model/model.h"
#include "envs/base/rng.h"
#include "tests/engine/folder.h"

namespace assay::test {

// Names of the devices there are, but the reference. Where CUDA is missing, says so once.
inline const std::vector<std::string>& fast_devices() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = device_names();
    if (all.back() != "cuda") std::printf("skipped: models on a CUDA device: %s\n", cuda::find_device().error().what.c_str());
    all.erase(all.begin());
    return all;
  }();
  return names;
}

// A device and its threads.
struct Machine {
  explicit Machine(const std::string& name = cpu_kernels().back().name, int threads = 2) : workers(threads), device(need(open_device(name, workers))) {}
  Workers workers;
  std::unique_ptr<Device> device;
};

inline std::vector<int32_t> random_tokens(int64_t count, int64_t vocabulary, uint64_t seed) {
  Rng rng(seed, "test/tokens");
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) tokens.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocabulary))));
  return tokens;
}

// Logits of every row, the sequence cut into pieces of `chunk` tokens.
inline std::vector<float> all_logits(Model& model, KvCache& cache, std::span<const int32_t> tokens, int64_t chunk, const ForwardOptions& options = {}) {
  CachedSequence sequence;
  if (const Status reserved = cache.reserve(sequence, static_cast<int64_t>(tokens.size())); !reserved.ok()) FAIL(reserved.error().text());
  std::vector<float> logits;
  while (!tokens.empty()) {
    const Chunk piece{&sequence, tokens.first(std::min(tokens.size(), static_cast<size_t>(chunk))), LogitsOf::kAllRows};
    const std::vector<float> some = need(model.forward({&piece, 1}, cache, options));
    logits.insert(logits.end(), some.begin(), some.end());
    tokens = tokens.subspan(piece.tokens.size());
  }
  cache.release(sequence);
  return logits;
}

// Changes one tensor of a float32 checkpoint of one shard.
template <typename Change>
void change_tensor(const std::string& directory, const std::string& name, const Change& change) {
  const Checkpoint checkpoint = need(Checkpoint::open(directory));
  const TensorView& tensor = checkpoint.tensor(name);
  const std::string before(reinterpret_cast<const char*>(tensor.data), static_cast<size_t>(tensor.byte_count()));
  std::vector<float> values(static_cast<size_t>(tensor.element_count()));
  std::memcpy(values.data(), before.data(), before.size());
  change(values);
  std::string bytes = need(read_file(directory + "/model.safetensors"));
  std::memcpy(bytes.data() + bytes.find(before), values.data(), before.size());
  if (const Status written = write_file(directory + "/model.safetensors", bytes); !written.ok()) FAIL(written.error().text());
}

// What reads this token overflows: of all tokens it alone has a first component, and the first layer's norm enlarges it beyond float32.
inline void poison_token(const std::string& directory, size_t token) {
  const size_t width = static_cast<size_t>(need(Checkpoint::open(directory)).config().hidden_size);
  change_tensor(directory, "model.embed_tokens.weight", [&](std::vector<float>& values) {
    for (size_t at = 0; at < values.size(); at += width) values[at] = at == token * width ? 100.0f : 0.0f;
  });
  change_tensor(directory, "model.layers.0.input_layernorm.weight", [](std::vector<float>& values) { values[0] = 3e38f; });
}

inline int64_t differing_bits(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  int64_t bits = 0;
  for (size_t i = 0; i < a.size(); ++i) bits += std::popcount(std::bit_cast<uint32_t>(a[i]) ^ std::bit_cast<uint32_t>(b[i]));
  return bits;
}

// Largest difference relative to the largest value of b.
inline double relative_error(std::span<const float> a, std::span<const float> b) {
  REQUIRE(a.size() == b.size());
  double difference = 0, scale = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(double{a[i]} - double{b[i]}));
    scale = std::max(scale, std::abs(double{b[i]}));
    if (std::isnan(a[i])) return INFINITY;
  }
  return difference / scale;
}

}  // namespace assay::test
