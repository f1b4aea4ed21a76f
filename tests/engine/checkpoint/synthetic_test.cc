#include "engine/checkpoint/synthetic.h"

#include <cmath>
#include <filesystem>
#include <map>

#include "engine/checkpoint/tensor_table.h"
#include "engine/numeric.h"
#include "envs/base/hash.h"
#include "tests/engine/checkpoint/fixture.h"

namespace assay::test {
namespace {

// All tensors of all shards by name, with dtype and shape in front of their bytes.
std::map<std::string, std::string> contents(const std::string& directory) {
  std::map<std::string, std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() != ".safetensors") continue;
    for (StoredTensor& tensor : read_tensors(entry.path().string())) all[tensor.name] = tensor.dtype + shape_text(tensor.shape) + tensor.bytes;
  }
  return all;
}

std::map<std::string, std::string> written(const ModelConfig& config, const SyntheticOptions& options) {
  Folder folder;
  need(write_synthetic(config, folder.path(), options));
  return contents(folder.path());
}

std::vector<float> floats_of(const TensorView& tensor) {
  const float* data = reinterpret_cast<const float*>(tensor.data);
  return {data, data + tensor.element_count()};
}

}  // namespace

TEST_CASE("the same seed writes the same bytes, on every machine") {
  Folder folder;
  need(write_synthetic(need(preset_config("glm_tiny")), folder.path() + "/a", {.dtype = WeightDType::kFp8, .shards = 2, .seed = 42}));
  const auto hash_of = [&](const std::string& file) { return sha256_hex(need(read_file(folder.path() + "/a/" + file))).substr(0, 16); };
  CHECK(hash_of("model-00001-of-00002.safetensors") == "c40d3d31e4dc93e6");
  CHECK(hash_of("model-00002-of-00002.safetensors") == "293eae6690e3bbdc");
  CHECK(hash_of("model.safetensors.index.json") == "e1f4bb0ee5975434");
  CHECK(hash_of("config.json") == "0ec41d0804ad9b79");
  CHECK(hash_of("tokenizer.json") == "560e700a76cbcf7d");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path() + "/a"), {}) == 5);
}

TEST_CASE("any number of shards holds the same tensors") {
  for (const std::string preset : {"tiny", "glm_tiny"})
    for (const WeightDType dtype : {WeightDType::kBF16, WeightDType::kFp8}) {
      const ModelConfig config = need(preset_config(preset));
      const auto whole = written(config, {.dtype = dtype, .seed = 3});
      const int64_t most = static_cast<int64_t>(expected_tensors(config).size());   // one each
      for (const int64_t shards : {int64_t{2}, int64_t{7}, most - 1, most}) {
        Folder folder;
        need(write_synthetic(config, folder.path(), {.dtype = dtype, .shards = shards, .seed = 3}));
        CHECK((contents(folder.path()) == whole));
        CHECK(need(Checkpoint::open(folder.path())).file_count() == static_cast<size_t>(shards));
      }
      CHECK((written(config, {.dtype = dtype, .seed = 4}) != whole));
    }
}

TEST_CASE("shards are of about equal size") {
  Folder folder;
  const ModelConfig config = need(preset_config("20m"));
  need(write_synthetic(config, folder.path(), {.shards = 5, .only_zeros = true}));
  const int64_t fifth = synthetic_size(config, WeightDType::kBF16).bytes / 5;
  for (int i = 1; i <= 5; ++i) {
    const int64_t bytes = static_cast<int64_t>(std::filesystem::file_size(folder.path() + "/model-0000" + std::to_string(i) + "-of-00005.safetensors"));
    CHECK(std::abs(bytes - fifth) < fifth / 5);
  }
}

TEST_CASE("BF16 and FP8 are roundings of the same float32 values") {
  for (const std::string preset : {"tiny", "dense_tiny", "glm_tiny"}) {
    const ModelConfig config = need(preset_config(preset));
    Folder exact, half, quarter;
    need(write_synthetic(config, exact.path(), {.dtype = WeightDType::kF32, .seed = 6}));
    need(write_synthetic(config, half.path(), {.dtype = WeightDType::kBF16, .seed = 6}));
    need(write_synthetic(config, quarter.path(), {.dtype = WeightDType::kFp8, .seed = 6}));
    const Checkpoint f32 = need(Checkpoint::open(exact.path())), bf16 = need(Checkpoint::open(half.path())), fp8 = need(Checkpoint::open(quarter.path()));
    for (const TensorSpec& spec : expected_tensors(config)) {
      CAPTURE(preset, spec.name);
      const std::vector<float> values = floats_of(f32.tensor(spec.name));
      const TensorView &rounded = bf16.tensor(spec.name), &quantised = fp8.tensor(spec.name);
      const bool gate_bias = spec.role == TensorRole::kGateBias;
      REQUIRE(rounded.dtype == (gate_bias ? DType::kF32 : DType::kBF16));
      REQUIRE(quantised.dtype == (spec.role == TensorRole::kLinear ? DType::kF8E4M3 : rounded.dtype));
      if (gate_bias) continue;
      const uint16_t* halves = reinterpret_cast<const uint16_t*>(rounded.data);
      for (size_t i = 0; i < values.size(); ++i) REQUIRE(halves[i] == float_to_bf16(values[i]));
      if (spec.role != TensorRole::kLinear) continue;
      // Sizes are ragged, so blocks at the right and lower edges are smaller; each has its own power of two.
      const TensorView& scales = *fp8.scale_of(spec.name);
      const int64_t columns = spec.sizes[1], blocks = scales.shape[1];
      REQUIRE(blocks == (columns + 127) / 128);
      std::vector<float> largest(static_cast<size_t>(scales.element_count()), 0);
      for (size_t i = 0; i < values.size(); ++i) {
        const int64_t row = static_cast<int64_t>(i) / columns, column = static_cast<int64_t>(i) % columns;
        const size_t block = static_cast<size_t>(row / 128 * blocks + column / 128);
        const float scale = floats_of(scales)[block];
        const float value = e4m3_to_float(static_cast<uint8_t>(quantised.data[i])) * scale;
        REQUIRE(std::abs(value - values[i]) <= std::max(std::abs(values[i]) / 16, scale / 1024));   // half a step; below 2^-6, of 2^-9
        largest[block] = std::max(largest[block], std::abs(values[i]));
      }
      for (size_t block = 0; block < largest.size(); ++block) {
        const float scale = floats_of(scales)[block];
        CHECK(std::exp2(std::round(std::log2(scale))) == scale);
        CHECK(largest[block] <= 448 * scale);
        CHECK(largest[block] > 448 * scale / 2.001f);
      }
    }
  }
}

TEST_CASE("values have the deviation that keeps activations at their size, and no bias is zero") {
  Folder folder;
  ModelConfig config = need(preset_config("20m"));
  config.layers.resize(2);
  config.attention_bias = true;
  need(write_synthetic(config, folder.path(), {.dtype = WeightDType::kF32}));
  const Checkpoint checkpoint = need(Checkpoint::open(folder.path()));
  for (const TensorSpec& spec : expected_tensors(config)) {
    const std::vector<float> values = floats_of(checkpoint.tensor(spec.name));
    double sum = 0, squares = 0;
    for (const float value : values) sum += value, squares += value * value;
    const double count = static_cast<double>(values.size()), mean = sum / count, deviation = std::sqrt(squares / count - mean * mean);
    CAPTURE(spec.name, mean, deviation);
    if (spec.rank == 2) CHECK(deviation * std::sqrt(static_cast<double>(spec.sizes[1])) == Approx(1).epsilon(0.05));
    CHECK(mean == Approx(spec.role == TensorRole::kNorm ? 1 : 0).margin(5 * deviation / std::sqrt(count)));
    for (const float value : values) CHECK((value != 0 || spec.rank == 2));
  }
}

TEST_CASE("a directory that is not empty, a number of shards that is not possible and an invalid config are refused") {
  Folder folder;
  const ModelConfig config = need(preset_config("dense_tiny"));
  need(write_file(folder.path() + "/notes.txt", "mine"));
  const auto refusal = [](const Status& status) { return status.ok() ? "" : status.error().what; };
  CHECK(refusal(write_synthetic(config, folder.path(), {})) == "the directory is not empty");
  CHECK_THAT(refusal(write_synthetic(config, folder.path() + "/notes.txt", {})), Catch::Contains("cannot use the directory"));
  for (const int64_t shards : {-1, 0, 1000}) CHECK_THAT(refusal(write_synthetic(config, folder.path() + "/new", {.shards = shards})), Catch::Contains("number of shards"));
  ModelConfig broken = config;
  broken.index_topk = 0;
  CHECK_THAT(refusal(write_synthetic(broken, folder.path() + "/new", {})), Catch::Contains("index_topk"));
  CHECK_FALSE(std::filesystem::exists(folder.path() + "/new"));
  ModelConfig huge = need(preset_config("10g"));
  huge.layers.resize(5000);
  huge.vocab_size = 100'000'000;
  CHECK_THAT(refusal(write_synthetic(huge, folder.path() + "/new", {})), Catch::Contains("the file system has"));
  CHECK(std::filesystem::is_empty(folder.path() + "/new"));
  need(write_synthetic(config, folder.path() + "/new", {}));
}

TEST_CASE("a checkpoint of holes opens and takes no space") {
  Folder folder;
  need(write_synthetic(need(preset_config("100m")), folder.path(), {.only_zeros = true}));
  const Checkpoint checkpoint = need(Checkpoint::open(folder.path()));
  CHECK(checkpoint.stored_bytes() > 200'000'000);
  CHECK(checkpoint.check_values(checkpoint.tensor("lm_head.weight")).ok());
}

TEST_CASE("the tokenizer of bytes has a token for each byte and one for every id of the vocabulary") {
  for (const int64_t size : {byte_vocabulary_size(), int64_t{1280}}) {
    const OrderedJson tokenizer = byte_tokenizer(size);
    std::map<int64_t, std::string> tokens;
    for (const auto& added : tokenizer["added_tokens"]) tokens[added["id"]] = added["content"];
    std::map<int64_t, std::string> bytes;
    for (const auto& [text, id] : tokenizer["model"]["vocab"].items()) {
      tokens[id] = text;
      if (id >= 7) bytes[id] = text;   // before them stand the special tokens, which are added tokens as well
    }
    CHECK(static_cast<int64_t>(tokens.size()) == size);
    CHECK(tokens.rbegin()->first == size - 1);
    CHECK(bytes.size() == 256);
    // GPT-2's table: printable characters are themselves, a space is Ġ, a line feed Ċ.
    CHECK(bytes[7 + 'A'] == "A");
    CHECK(bytes[7 + ' '] == "Ġ");
    CHECK(bytes[7 + '\n'] == "Ċ");
    CHECK(bytes[7 + 0xad] == "Ń");
    CHECK(tokens[0] == "<｜begin▁of▁sentence｜>");
  }
  Folder folder;
  ModelConfig small = need(preset_config("dense_tiny"));
  small.vocab_size = 100;
  need(write_synthetic(small, folder.path(), {}));
  CHECK_FALSE(std::filesystem::exists(folder.path() + "/tokenizer.json"));
}

TEST_CASE("presets are valid, named once, and as large as they say") {
  std::map<std::string, ModelConfig> presets;
  for (const ModelPreset& preset : model_presets()) {
    need(preset.config.validate(preset.name));
    CHECK(presets.emplace(preset.name, preset.config).second);
  }
  CHECK(presets.at("20m").parameter_count() == Approx(20e6).epsilon(0.05));
  CHECK(presets.at("100m").parameter_count() == Approx(100e6).epsilon(0.05));
  CHECK(synthetic_size(presets.at("10g"), WeightDType::kFp8).bytes == Approx(10e9).epsilon(0.05));
  CHECK_THAT(refused(preset_config("20M")).text(), Catch::Contains("20m"));
  CHECK(need(weight_dtype("fp8")) == WeightDType::kFp8);
  CHECK_FALSE(weight_dtype("int4").ok());
}

}  // namespace assay::test
