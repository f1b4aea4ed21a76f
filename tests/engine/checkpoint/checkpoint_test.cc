#include "engine/checkpoint/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <functional>

#include "engine/checkpoint/tensor_table.h"
#include "tests/engine/checkpoint/fixture.h"

namespace assay::test {
namespace {

using Kind = TensorProblem::Kind;

constexpr const char* kSingle = "/model.safetensors";
constexpr const char* kIndex = "/model.safetensors.index.json";

int width_of(const StoredTensor& tensor) { return tensor.dtype == "F32" || tensor.dtype == "I32" ? 4 : tensor.dtype.starts_with("F8") ? 1 : 2; }

// A checkpoint on disk whose tensors and config can be changed.
struct Written {
  explicit Written(const std::string& preset = "tiny", WeightDType dtype = WeightDType::kBF16, int64_t shards = 1) : config(need(preset_config(preset))) {
    need(write_synthetic(config, folder.path(), {.dtype = dtype, .shards = shards, .seed = 5}));
  }
  std::string path(const std::string& file) const { return folder.path() + file; }
  void put(const std::string& file, const Json& json) const { need(write_file(path(file), json.dump())); }
  Json json(const std::string& file) const { return need(read_json_file(path(file))); }
  Result<Checkpoint> open() const { return Checkpoint::open(folder.path()); }
  void configure(const std::function<void(ModelConfig&)>& change) {
    change(config);
    need(write_file(path("/config.json"), config.to_json().dump()));
  }
  void change(const std::function<void(std::vector<StoredTensor>&)>& edit, const std::string& file = kSingle) const {
    std::vector<StoredTensor> tensors = read_tensors(path(file));
    edit(tensors);
    std::ranges::stable_sort(tensors, std::greater(), width_of);   // so that all are aligned
    write_tensors(path(file), tensors);
  }

  ModelConfig config;
  Folder folder;
};

StoredTensor& tensor_named(std::vector<StoredTensor>& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &StoredTensor::name);
  if (found == tensors.end()) FAIL("no tensor " + name);
  return *found;
}

void erase(std::vector<StoredTensor>& tensors, const std::string& name) {
  tensor_named(tensors, name);
  std::erase_if(tensors, [&](const StoredTensor& tensor) { return tensor.name == name; });
}

const std::string kWeight = "model.layers.1.self_attn.q_a_proj.weight";   // [72, 136] in tiny
const std::string kNorm = "model.layers.0.input_layernorm.weight";

}  // namespace

TEST_CASE("a checkpoint of any preset, dtype and number of shards opens with every tensor") {
  for (const std::string preset : {"tiny", "dense_tiny", "glm_tiny"})
    for (const WeightDType dtype : {WeightDType::kF32, WeightDType::kBF16, WeightDType::kFp8})
      for (const int64_t shards : {1, 3}) {
        const Written written(preset, dtype, shards);
        const Checkpoint checkpoint = need(written.open());
        CHECK(checkpoint.config() == written.config);
        CHECK(checkpoint.file_count() == static_cast<size_t>(shards));
        CHECK(checkpoint.notes().empty());
        CHECK(std::ranges::is_sorted(checkpoint.tensors(), {}, &TensorView::name));
        const SyntheticSize size = synthetic_size(written.config, dtype);
        CHECK(static_cast<int64_t>(checkpoint.tensors().size()) == size.tensors);
        CHECK(checkpoint.stored_bytes() == size.bytes);
        for (const TensorSpec& spec : expected_tensors(written.config)) {
          const TensorView& tensor = checkpoint.tensor(spec.name);
          CHECK(std::ranges::equal(tensor.shape, spec.shape()));
          CHECK((checkpoint.scale_of(spec.name) != nullptr) == (tensor.dtype == DType::kF8E4M3));
          CHECK(checkpoint.check_values(tensor).ok());
        }
        CHECK(checkpoint.find("model.layers.99.mlp.up_proj.weight") == nullptr);
        CHECK(need(Checkpoint::tensor_problems(written.folder.path())).empty());
      }
}

TEST_CASE("tensors may be of different dtypes, half precision among them") {
  const Written written("tiny", WeightDType::kF32);
  written.change([](auto& tensors) {
    for (StoredTensor& tensor : tensors) {
      if (tensor.name != kWeight && tensor.name != kNorm) continue;
      tensor.dtype = "F16";
      tensor.bytes.resize(tensor.bytes.size() / 2);
    }
  });
  const Checkpoint checkpoint = need(written.open());
  CHECK(checkpoint.tensor(kWeight).dtype == DType::kF16);
  CHECK(checkpoint.dtype_counts().at("F16") == 2);
}

TEST_CASE("each way in which a tensor can differ is named, with what was found and what is expected") {
  struct Case {
    WeightDType dtype;
    std::function<void(std::vector<StoredTensor>&)> edit;
    TensorProblem problem;
  };
  const auto retype = [](const std::string& name, const std::string& dtype) {
    return [=](std::vector<StoredTensor>& tensors) { tensor_named(tensors, name).dtype = dtype; };
  };
  const std::string scale = kWeight + "_scale_inv";
  const std::vector<Case> cases = {
      {WeightDType::kBF16, [](auto& tensors) { erase(tensors, kWeight); }, {Kind::kMissing, kWeight, "", ""}},
      {WeightDType::kBF16, [](auto& tensors) { tensors.push_back({"model.layers.0.self_attn.q_proj.weight", "U8", {1, 2}, "ab"}); },
       {Kind::kUnknown, "\"model.layers.0.self_attn.q_proj.weight\"", "", ""}},
      {WeightDType::kBF16, [](auto& tensors) { tensors.push_back({"evil\n\x1b[2J", "U8", {1, 2}, "ab"}); }, {Kind::kUnknown, "\"evil\\n\\u001b[2J\"", "", ""}},
      {WeightDType::kBF16, [](auto& tensors) { std::ranges::reverse(tensor_named(tensors, kWeight).shape); }, {Kind::kMisshapen, kWeight, "[136, 72]", "[72, 136]"}},
      {WeightDType::kBF16, [](auto& tensors) { tensor_named(tensors, kNorm).shape = {1, 136}; }, {Kind::kMisshapen, kNorm, "[1, 136]", "[136]"}},
      {WeightDType::kF32, retype(kWeight, "I32"), {Kind::kMistyped, kWeight, "I32", "F32, BF16, F16, F8_E4M3"}},
      {WeightDType::kF32, retype(kNorm, "I32"), {Kind::kMistyped, kNorm, "I32", "F32, BF16, F16"}},
      {WeightDType::kFp8, retype(kWeight, "F8_E5M2"), {Kind::kMistyped, kWeight, "F8_E5M2", "F32, BF16, F16, F8_E4M3"}},
      {WeightDType::kFp8, [=](auto& tensors) { erase(tensors, scale); }, {Kind::kMissing, scale, "", ""}},
      {WeightDType::kFp8, retype(scale, "I32"), {Kind::kMistyped, scale, "I32", "F32"}},
      {WeightDType::kFp8, [=](auto& tensors) { std::ranges::reverse(tensor_named(tensors, scale).shape); }, {Kind::kMisshapen, scale, "[2, 1]", "[1, 2]"}},
      // A scale beside a weight that needs none.
      {WeightDType::kBF16, [=](auto& tensors) { tensors.push_back({scale, "F32", {1, 2}, std::string(8, '\0')}); }, {Kind::kUnknown, "\"" + scale + "\"", "", ""}},
      // FP8 where a matrix is never quantised.
      {WeightDType::kFp8,
       [](auto& tensors) {
         StoredTensor& gate = tensor_named(tensors, "model.layers.1.mlp.gate.weight");
         gate.dtype = "F8_E4M3";
         gate.bytes.resize(gate.bytes.size() / 2);
       },
       {Kind::kMistyped, "model.layers.1.mlp.gate.weight", "F8_E4M3", "F32, BF16, F16"}},
  };
  for (const auto& [dtype, edit, problem] : cases) {
    CAPTURE(name_of(problem.kind), problem.tensor);
    const Written written("tiny", dtype);
    written.change(edit);
    // What stands in the place of an unexpected dtype may bring its scale with it as an unknown tensor.
    const std::vector<TensorProblem> problems = need(Checkpoint::tensor_problems(written.folder.path()));
    REQUIRE_FALSE(problems.empty());
    CHECK(problems[0].kind == problem.kind);
    CHECK(problems[0].tensor == problem.tensor);
    CHECK(problems[0].found == problem.found);
    CHECK(problems[0].expected == problem.expected);
    const Error error = refused(written.open());
    CHECK_THAT(error.what, Catch::Contains("1 " + std::string(name_of(problem.kind)) + ": " + problem.tensor));
    CHECK_THAT(error.what, Catch::Contains(problem.found));
    CHECK_THAT(error.what, Catch::Contains(problem.expected));
    CHECK(error.where == written.folder.path());
  }
}

TEST_CASE("an error of many tensors names a few, counts the rest and stays short") {
  Written written("glm_tiny");
  written.configure([](ModelConfig& config) { config.hidden_size = 140; });
  const Error error = refused(written.open());
  CHECK_THAT(error.what, Catch::Contains(" misshapen: ") && Catch::Contains(" more"));
  CHECK(error.what.size() < 1000);
  CHECK(need(Checkpoint::tensor_problems(written.folder.path())).size() > 100);
}

TEST_CASE("what transformers stores beside the model is left out and said") {
  SECTION("multi-token-prediction layers") {
    Written written;
    written.change([](auto& tensors) { tensors.push_back({"model.layers.3.eh_proj.weight", "BF16", {1}, "ab"}); });
    CHECK_THAT(refused(written.open()).what, Catch::Contains("1 unknown"));
    written.configure([](ModelConfig& config) { config.num_nextn_predict_layers = 1; });
    const Checkpoint checkpoint = need(written.open());
    REQUIRE(checkpoint.notes().size() == 1);
    CHECK_THAT(checkpoint.notes()[0], Catch::Contains("multi-token-prediction") && Catch::Contains("1 tensors"));
    CHECK(checkpoint.find("model.layers.3.eh_proj.weight") == nullptr);
  }
  SECTION("rotary buffers") {
    const Written written;
    written.change([](auto& tensors) { tensors.push_back({"model.layers.0.self_attn.rotary_emb.inv_freq", "F32", {1}, "abcd"}); });
    CHECK_THAT(need(written.open()).notes().at(0), Catch::Contains("rotary"));
  }
  SECTION("the unused head of a tied model") {
    Written written;
    written.configure([](ModelConfig& config) { config.tie_word_embeddings = true; });
    const Checkpoint checkpoint = need(written.open());
    CHECK_THAT(checkpoint.notes().at(0), Catch::Contains("lm_head"));
    CHECK(checkpoint.find("lm_head.weight") == nullptr);
  }
  SECTION("empty matrices of shared experts that a model has not") {
    Written written;
    written.configure([](ModelConfig& config) { config.n_shared_experts = 0; });
    CHECK_THAT(refused(written.open()).what, Catch::Contains("shared_experts"));
    written.change([](auto& tensors) {
      for (StoredTensor& tensor : tensors)
        if (tensor.name.find("shared_experts") != std::string::npos) tensor.shape = {0, 136}, tensor.bytes.clear();
    });
    CHECK_THAT(need(written.open()).notes().at(0), Catch::Contains("no shared experts"));
  }
}

TEST_CASE("a directory without its files says which is missing") {
  Folder folder;
  CHECK_THAT(refused(Checkpoint::open(folder.path() + "/none")).text(), Catch::Contains("/none/config.json: cannot open"));
  const Written written;
  std::filesystem::rename(written.path(kSingle), written.path("/pytorch_model.bin"));
  CHECK_THAT(refused(written.open()).what, Catch::Contains("neither model.safetensors nor model.safetensors.index.json"));
  std::filesystem::rename(written.path("/pytorch_model.bin"), written.path(kSingle));
  need(write_file(written.path(kIndex), "{}"));
  CHECK_THAT(refused(written.open()).what, Catch::Contains("both model.safetensors and model.safetensors.index.json"));
}

TEST_CASE("index and shards that do not agree are refused with the tensor and the shard") {
  const Written written("tiny", WeightDType::kBF16, 3);
  const Json good = written.json(kIndex);
  const std::string first = "model-00001-of-00003.safetensors", second = "model-00002-of-00003.safetensors";
  const auto problem_with = [&](const std::function<void(Json&)>& edit) {
    Json index = good;
    edit(index);
    written.put(kIndex, index);
    const Error error = refused(written.open());
    written.put(kIndex, good);
    return error.what;
  };
  REQUIRE(good["weight_map"]["model.embed_tokens.weight"] == first);

  CHECK_THAT(problem_with([](Json& index) { index.erase("weight_map"); }), Catch::Contains("weight_map is missing"));
  CHECK_THAT(problem_with([](Json& index) { index["weight_map"] = Json::array(); }), Catch::Contains("weight_map is missing"));
  CHECK_THAT(problem_with([](Json& index) { index["weight_map"] = Json::object(); }), Catch::Contains("weight_map is empty"));
  CHECK_THAT(problem_with([](Json& index) { index = "x"; }), Catch::Contains("weight_map is missing"));
  CHECK_THAT(problem_with([](Json& index) { index["weight_map"]["lm_head.weight"] = 3; }), Catch::Contains("the shard of \"lm_head.weight\" is \"3\", not a file name"));
  CHECK_THAT(problem_with([](Json& index) { index["weight_map"]["lm_head.weight"] = "model-00004-of-00003.safetensors"; }),
             Catch::Contains("names the shard model-00004-of-00003.safetensors, which does not exist"));
  for (const std::string name : {"../model.safetensors", "/etc/x.safetensors", ".hidden.safetensors", "config.json", "", "a/b.safetensors"})
    CHECK_THAT(problem_with([&](Json& index) { index["weight_map"]["lm_head.weight"] = name; }), Catch::Contains("names of .safetensors files in this directory"));
  CHECK_THAT(problem_with([&](Json& index) { index["weight_map"]["model.embed_tokens.weight"] = second; }),
             Catch::Contains("1 tensors are not in the shard that the index names: \"model.embed_tokens.weight\" in " + second));
  CHECK_THAT(problem_with([&](Json& index) { index["weight_map"]["extra"] = first; }), Catch::Contains("\"extra\" in " + first));
  CHECK_THAT(problem_with([](Json& index) { index["weight_map"].erase("model.embed_tokens.weight"); }),
             Catch::Contains("1 tensors of shards are not in the index: \"model.embed_tokens.weight\" of " + first));

  const auto twice = [](auto& tensors) { tensors.push_back({"model.embed_tokens.weight", "U8", {1}, "a"}); };
  written.change(twice, "/" + second);
  CHECK_THAT(refused(written.open()).what, Catch::Contains("tensor \"model.embed_tokens.weight\" is in two shards, " + first + " and " + second));
  std::filesystem::resize_file(written.path("/" + second), 1000);
  CHECK_THAT(refused(written.open()).text(), Catch::Contains(second + ": truncated"));
}

TEST_CASE("NaN and infinity are found in every dtype, with the tensor and the index") {
  struct Case {
    WeightDType dtype;
    std::string tensor, bits;   // little-endian
    bool finite;
  };
  const std::string scale = kWeight + "_scale_inv";
  const std::vector<Case> cases = {
      {WeightDType::kF32, kWeight, {"\x00\x00\xc0\x7f", 4}, false}, {WeightDType::kF32, kWeight, {"\x01\x00\x80\xff", 4}, false},
      {WeightDType::kF32, kWeight, {"\x00\x00\x80\x7f", 4}, false}, {WeightDType::kF32, kWeight, {"\xff\xff\x7f\xff", 4}, true},
      {WeightDType::kBF16, kWeight, "\xc0\x7f", false},             {WeightDType::kBF16, kWeight, {"\x80\xff", 2}, false},
      {WeightDType::kBF16, kWeight, "\x7f\x7f", true},              {WeightDType::kFp8, kWeight, "\x7f", false},
      {WeightDType::kFp8, kWeight, "\xff", false},                  {WeightDType::kFp8, kWeight, "\x7e", true},
      {WeightDType::kFp8, scale, {"\x00\x00\x80\x7f", 4}, false},   {WeightDType::kBF16, kNorm, "\xc0\x7f", false},
  };
  for (const Case& each : cases)
    for (const bool last : {false, true}) {
      CAPTURE(name_of(each.dtype), each.tensor, last);
      const Written written("tiny", each.dtype);
      int64_t flat = 0;
      written.change([&](auto& tensors) {
        StoredTensor& tensor = tensor_named(tensors, each.tensor);
        const size_t count = tensor.bytes.size() / each.bits.size();
        flat = last ? static_cast<int64_t>(count) - 1 : static_cast<int64_t>(count / 2);
        tensor.bytes.replace(static_cast<size_t>(flat) * each.bits.size(), each.bits.size(), each.bits);
      });
      const Checkpoint checkpoint = need(written.open());
      const TensorView& tensor = checkpoint.tensor(each.tensor);
      const Status status = checkpoint.check_values(tensor);
      REQUIRE(status.ok() == each.finite);
      for (const TensorView& other : checkpoint.tensors())
        if (other.name != each.tensor) CHECK(checkpoint.check_values(other).ok());
      if (each.finite) continue;
      const std::string place = tensor.shape.size() == 1 ? "[" + std::to_string(flat) + "]"
                                                         : "[" + std::to_string(flat / tensor.shape[1]) + ", " + std::to_string(flat % tensor.shape[1]) + "]";
      CHECK_THAT(status.error().what, Catch::Contains(each.tensor + " " + place + " is NaN or infinite"));
    }
}

TEST_CASE("half-precision NaN and infinity are found too") {
  const Written written("tiny", WeightDType::kBF16);
  written.change([](auto& tensors) {
    tensor_named(tensors, kWeight).dtype = "F16";
    std::ranges::fill(tensor_named(tensors, kWeight).bytes, '\0');
    tensor_named(tensors, kWeight).bytes.replace(2 * 137, 2, {"\x00\xfc", 2});
  });
  const Checkpoint checkpoint = need(written.open());
  CHECK_THAT(checkpoint.check_values(checkpoint.tensor(kWeight)).error().what, Catch::Contains("[1, 1]"));
}

TEST_CASE("views live as long as a copy of the checkpoint") {
  const Written written;
  std::vector<Checkpoint> copies;
  {
    const Checkpoint checkpoint = need(written.open());
    copies.push_back(checkpoint);
  }
  CHECK(copies[0].check_values(copies[0].tensor(kWeight)).ok());
}

}  // namespace assay::test
