#include "engine/checkpoint/model_config.h"

#include <cmath>
#include <functional>
#include <set>

#include "engine/checkpoint/tensor_table.h"
#include "tests/engine/checkpoint/fixture.h"

namespace assay::test {
namespace {

Json preset_json(const std::string& name) { return Json::parse(need(preset_config(name)).to_json().dump()); }

ModelConfig parse(const Json& json) { return need(ModelConfig::from_json(json, "config.json")); }

Json changed(Json json, const Json& changes) {
  json.merge_patch(changes);
  return json;
}

// DeepSeek-V3.2 as published: older spellings of rotary parameters, keys that change nothing, FP8.
const char* kDeepseek = R"({"architectures": ["DeepseekV32ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 0,
  "eos_token_id": 1, "ep_size": 1, "first_k_dense_replace": 3, "hidden_act": "silu", "hidden_size": 7168, "index_head_dim": 128,
  "index_n_heads": 64, "index_topk": 2048, "initializer_range": 0.02, "intermediate_size": 18432, "kv_lora_rank": 512,
  "max_position_embeddings": 163840, "model_type": "deepseek_v32", "moe_intermediate_size": 2048, "moe_layer_freq": 1, "n_group": 8,
  "n_routed_experts": 256, "n_shared_experts": 1, "norm_topk_prob": true, "num_attention_heads": 128, "num_experts_per_tok": 8,
  "num_hidden_layers": 61, "num_key_value_heads": 128, "num_nextn_predict_layers": 1, "q_lora_rank": 1536, "qk_nope_head_dim": 128,
  "qk_rope_head_dim": 64, "quantization_config": {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8",
  "scale_fmt": "ue8m0", "weight_block_size": [128, 128]}, "rms_norm_eps": 1e-06, "rope_scaling": {"beta_fast": 32, "beta_slow": 1,
  "factor": 40, "mscale": 1.0, "mscale_all_dim": 1.0, "original_max_position_embeddings": 4096, "type": "yarn"}, "rope_theta": 10000,
  "routed_scaling_factor": 2.5, "scoring_func": "sigmoid", "tie_word_embeddings": false, "topk_group": 4, "topk_method": "noaux_tc",
  "torch_dtype": "bfloat16", "transformers_version": "4.44.2", "use_cache": true, "v_head_dim": 128, "vocab_size": 129280})";

// A GLM-5 with shared indexers: sizes far from DeepSeek's, experts without groups, several ends of a text.
const char* kGlm = R"({"architectures": ["GlmMoeDsaForCausalLM"], "eos_token_id": [154820, 154827, 154829], "first_k_dense_replace": 3,
  "hidden_act": "silu", "hidden_size": 6144, "index_head_dim": 128, "index_n_heads": 32, "index_topk": 2048, "index_topk_freq": 4,
  "intermediate_size": 12288, "kv_lora_rank": 512, "max_position_embeddings": 202752, "model_type": "glm_moe_dsa",
  "moe_intermediate_size": 2048, "n_group": 1, "n_routed_experts": 256, "n_shared_experts": 1, "norm_topk_prob": true,
  "num_attention_heads": 64, "num_experts_per_tok": 8, "num_hidden_layers": 78, "num_key_value_heads": 64, "num_nextn_predict_layers": 1,
  "q_lora_rank": 2048, "qk_nope_head_dim": 192, "qk_rope_head_dim": 64, "rms_norm_eps": 1e-05, "rope_parameters":
  {"rope_theta": 1000000, "rope_type": "default"}, "routed_scaling_factor": 2.5, "topk_group": 1, "v_head_dim": 256,
  "vocab_size": 154880})";

int64_t elements(const ModelConfig& config, const std::function<double(const TensorSpec&)>& share = [](const TensorSpec&) { return 1.0; }) {
  double sum = 0;
  for (const TensorSpec& spec : expected_tensors(config)) sum += static_cast<double>(spec.element_count()) * share(spec);
  return std::llround(sum);
}

}  // namespace

TEST_CASE("DeepSeek-V3.2's config is read as published") {
  const ModelConfig config = parse(Json::parse(kDeepseek));
  CHECK(config.type == ModelType::kDeepseekV32);
  CHECK(config.layers[2].mlp == MlpType::kDense);
  CHECK(config.layers[3].mlp == MlpType::kSparse);
  CHECK(config.qk_head_dim() == 192);
  CHECK(config.rope.type == RopeType::kYarn);
  CHECK(config.rope.original_context == 4096);
  CHECK(config.rope.attention_factor == 1);
  CHECK(config.mla_rope_layout == RopeLayout::kInterleaved);
  CHECK(config.indexer_rope_layout == RopeLayout::kHalfSplit);
  CHECK(config.softmax_scale() == Approx(0.135234).epsilon(1e-5));   // 192^-0.5 (0.1 ln 40 + 1)^2
  CHECK(config.num_nextn_predict_layers == 1);
  CHECK(config.eos_token_ids == std::vector<int64_t>{1});
  CHECK(config.parameter_count() == Approx(671.9e9).epsilon(1e-3));
  CHECK(config.active_parameter_count() == Approx(37e9).epsilon(0.02));
}

TEST_CASE("a GLM-5 config is read with its defaults") {
  const ModelConfig config = parse(Json::parse(kGlm));
  CHECK(config.type == ModelType::kGlmMoeDsa);
  CHECK(config.indexer_rope_layout == RopeLayout::kInterleaved);
  CHECK(config.rope.type == RopeType::kDefault);
  CHECK(config.rope.theta == 1e6);
  CHECK(config.softmax_scale() == 1 / 16.0);
  CHECK(config.n_group == 1);
  CHECK_FALSE(config.bos_token_id);
  CHECK(config.eos_token_ids.size() == 3);
  // Every fourth layer from the second on selects, and the first two.
  std::vector<int64_t> full;
  for (int64_t i = 0; i < 12; ++i)
    if (config.indexer_layer(i) == i) full.push_back(i);
  CHECK(full == std::vector<int64_t>{0, 1, 5, 9});
  CHECK(config.indexer_layer(8) == 5);
}

TEST_CASE("a config that is written is read back equal") {
  std::vector<ModelConfig> configs = {parse(Json::parse(kDeepseek)), parse(Json::parse(kGlm))};
  for (const ModelPreset& preset : model_presets()) configs.push_back(preset.config);
  ModelConfig odd = need(preset_config("tiny"));
  odd.mla_rope_layout = RopeLayout::kHalfSplit;
  odd.indexer_rope_layout = RopeLayout::kInterleaved;
  odd.rope = {.type = RopeType::kLinear, .theta = 500, .factor = 3};
  odd.attention_bias = odd.tie_word_embeddings = true;
  odd.norm_topk_prob = false;
  odd.n_shared_experts = 0;
  odd.bos_token_id = std::nullopt;
  odd.eos_token_ids = {};
  configs.push_back(odd);
  for (const ModelConfig& config : configs) CHECK(parse(Json::parse(config.to_json().dump())) == config);
}

TEST_CASE("the parameter count is that of the tensors") {
  for (const ModelPreset& preset : model_presets())
    for (const bool tied : {false, true}) {
      ModelConfig config = preset.config;
      config.tie_word_embeddings = tied;
      config.attention_bias = tied;
      CHECK(config.parameter_count() == elements(config));
      const double chosen = config.has_experts() ? static_cast<double>(config.num_experts_per_tok) / static_cast<double>(config.n_routed_experts) : 0;
      const int64_t one_row = tied ? 0 : (config.vocab_size - 1) * config.hidden_size;
      CHECK(config.active_parameter_count() == elements(config, [&](const TensorSpec& spec) { return spec.routed_expert ? chosen : 1.0; }) - one_row);
    }
}

TEST_CASE("a missing member is named, and exactly these may not be missing") {
  const std::set<std::string> required = {"model_type", "vocab_size", "hidden_size", "intermediate_size", "max_position_embeddings", "num_hidden_layers",
                                    "num_attention_heads", "q_lora_rank", "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim",
                                    "index_n_heads", "index_head_dim", "index_topk", "n_routed_experts", "num_experts_per_tok", "moe_intermediate_size"};
  for (const std::string preset : {"tiny", "glm_tiny"}) {
    const Json whole = changed(preset_json(preset), {{"n_routed_experts", 16}});   // so that the class's 8 groups are possible
    std::set<std::string> missed;
    for (const auto& [key, value] : whole.items()) {
      Json json = whole;
      json.erase(key);
      const auto config = ModelConfig::from_json(json, "config.json");
      if (config.ok()) continue;
      missed.insert(key);
      CHECK_THAT(config.error().what, Catch::StartsWith(key));
      CHECK(config.error().where == "config.json");
    }
    CHECK(missed == required);
  }
  Json yarn = preset_json("tiny");
  yarn["rope_parameters"].erase("factor");
  CHECK(refused(ModelConfig::from_json(yarn, "")).what == "rope_parameters.factor is missing");
}

TEST_CASE("a dense model needs nothing said about experts") {
  Json json = preset_json("dense_tiny");
  CHECK_FALSE(json.contains("n_routed_experts"));
  const ModelConfig config = parse(json);
  CHECK_FALSE(config.has_experts());
  // What a class writes for experts that no layer has is not read.
  CHECK(parse(changed(json, {{"n_routed_experts", 7}, {"n_group", 3}, {"num_experts_per_tok", 100}})) == config);
}

TEST_CASE("experts without groups, said in any of four ways, are one group") {
  Json json = preset_json("glm_tiny");
  const ModelConfig config = parse(json);
  json["n_group"] = nullptr;   // nlohmann keeps it; merge_patch would erase it
  json["topk_group"] = nullptr;
  CHECK(parse(json) == config);
  json.erase("n_group");
  json.erase("topk_group");
  CHECK(parse(json) == config);
  json["num_local_experts"] = json["n_routed_experts"];
  json.erase("n_routed_experts");
  CHECK(parse(json) == config);
}

TEST_CASE("a member of another type is named") {
  for (const std::string preset : {"tiny", "glm_tiny"}) {
    const Json whole = preset_json(preset);
    for (const auto& [key, value] : whole.items()) {
      if (key == "architectures") continue;   // not read
      std::vector<Json> wrong = {Json::object({{"a", 1}}), Json::array({"x", 1.5}), "text"};
      if (!value.is_boolean()) wrong.push_back(true);
      if (value.is_number_integer()) wrong.insert(wrong.end(), {1.5, UINT64_MAX, "1"});
      if (!value.is_number()) wrong.push_back(3.5);
      for (const Json& other : wrong) {
        if (key == "rope_parameters" && other.is_object()) continue;
        CAPTURE(key, other.dump());
        Json json = whole;
        json[key] = other;
        CHECK_THAT(refused(ModelConfig::from_json(json, "")).what, Catch::StartsWith(key + " is "));
      }
    }
    for (const auto& [key, value] : whole["rope_parameters"].items()) {
      CAPTURE(key);
      Json json = whole;
      json["rope_parameters"][key] = Json::array();
      CHECK_THAT(refused(ModelConfig::from_json(json, "")).what, Catch::StartsWith("rope_parameters." + key + " is []"));
    }
  }
  CHECK_THAT(refused(ModelConfig::from_json(Json::array(), "c")).what, Catch::Contains("JSON object"));
}

TEST_CASE("sizes and choices that no model has are refused by name") {
  struct Case {
    Json changes;
    std::string problem;
  };
  const std::vector<Case> cases = {
      {{{"model_type", "llama"}}, R"(model_type is "llama"; allowed: "deepseek_v32", "glm_moe_dsa")"},
      {{{"hidden_act", "gelu"}}, R"(hidden_act is "gelu")"},
      {{{"vocab_size", 0}}, "vocab_size is 0; allowed: 1 to"},
      {{{"vocab_size", 100'000'001}}, "vocab_size is 100000001"},
      {{{"hidden_size", -1}}, "hidden_size is -1"},
      {{{"hidden_size", 1'000'001}}, "hidden_size is 1000001"},
      {{{"num_hidden_layers", 0}}, "num_hidden_layers is 0"},
      {{{"num_hidden_layers", 10'001}}, "num_hidden_layers is 10001"},
      {{{"num_hidden_layers", INT64_MAX}}, "num_hidden_layers is 9223372036854775807"},
      {{{"num_hidden_layers", 4}}, "mlp_layer_types is"},
      {{{"max_position_embeddings", 0}}, "max_position_embeddings is 0"},
      {{{"num_key_value_heads", 2}}, "num_key_value_heads is 2; allowed: num_attention_heads, 4"},
      {{{"qk_rope_head_dim", 15}}, "qk_rope_head_dim is 15; allowed: even"},
      {{{"qk_rope_head_dim", 0}}, "qk_rope_head_dim is 0"},
      {{{"index_head_dim", 14}}, "index_head_dim is 14; allowed: at least qk_rope_head_dim, 16"},
      {{{"index_topk", 0}}, "index_topk is 0"},
      {{{"rms_norm_eps", -1e-6}}, "rms_norm_eps is -1e-06"},
      {{{"n_group", 3}}, "n_group is 3; allowed: divisors of n_routed_experts, 8"},
      {{{"n_group", 8}, {"topk_group", 8}}, "n_group is 8; allowed: at most half"},
      {{{"n_group", 0}}, "n_group is 0"},
      {{{"topk_group", 5}}, "topk_group is 5; allowed: 1 to 4"},
      {{{"num_experts_per_tok", 5}}, "num_experts_per_tok is 5; allowed: 1 to 4"},
      {{{"n_shared_experts", -1}}, "n_shared_experts is -1"},
      {{{"n_routed_experts", 100'001}}, "n_routed_experts is 100001"},
      {{{"moe_intermediate_size", 0}}, "moe_intermediate_size is 0"},
      {{{"moe_layer_freq", 2}}, "moe_layer_freq is 2; allowed: 1"},
      {{{"scoring_func", "softmax"}}, R"(scoring_func is "softmax"; allowed: "sigmoid")"},
      {{{"topk_method", "greedy"}}, R"(topk_method is "greedy")"},
      {{{"first_k_dense_replace", -1}}, "first_k_dense_replace is -1"},
      {{{"bos_token_id", 263}}, "bos_token_id is 263; allowed: 0 to 262"},
      {{{"eos_token_id", {1, -1}}}, "eos_token_id is -1"},
      {{{"eos_token_id", {1, "end"}}}, R"(eos_token_id is [1,"end"])"},
      {{{"indexer_types", {"full", "full", "shared"}}}, "indexer_types is"},
      {{{"rope_parameters", {{"rope_type", "longrope"}}}}, R"(rope_parameters.rope_type is "longrope")"},
      {{{"rope_parameters", {{"factor", 0.5}}}}, "rope factor is 0.5"},
      {{{"rope_parameters", {{"rope_theta", 1}}}}, "rope_theta is 1.0"},
      {{{"rope_parameters", {{"original_max_position_embeddings", 0}}}}, "rope original_max_position_embeddings is 0"},
      {{{"rope_parameters", {{"beta_slow", 64}}}}, "rope beta_fast is 32"},
      {{{"rope_parameters", {{"partial_rotary_factor", 0.5}}}}, "rope_parameters.partial_rotary_factor is 0.5; allowed: 1"},
      {{{"quantization_config", {{"quant_method", "awq"}}}}, R"(quantization_config.quant_method is "awq"; allowed: "fp8")"},
      {{{"quantization_config", {{"quant_method", "fp8"}, {"weight_block_size", {64, 64}}}}}, "quantization_config.weight_block_size is [64,64]"},
      {{{"quantization_config", {{"activation_scheme", "static"}}}}, "quantization_config.activation_scheme is \"static\""},
      // Each size is possible, all together are not.
      {{{"num_attention_heads", 100'000}, {"num_key_value_heads", 100'000}, {"hidden_size", 1'000'000}, {"v_head_dim", 1'000'000}}, "parameters; allowed"},
  };
  for (const auto& [changes, problem] : cases) {
    INFO("expected: " << problem);
    CHECK_THAT(refused(ModelConfig::from_json(changed(preset_json("tiny"), changes), "")).what, Catch::Contains(problem));
  }
  Json no_query_latent = preset_json("tiny");
  no_query_latent["q_lora_rank"] = nullptr;
  CHECK_THAT(refused(ModelConfig::from_json(no_query_latent, "")).what, Catch::StartsWith("q_lora_rank is null"));
}

TEST_CASE("GLM's indexer types come from a list, a pattern, or a frequency") {
  const Json whole = preset_json("glm_tiny");
  const auto types_of = [](const Json& json) {
    std::string types;
    for (const LayerConfig& layer : parse(json).layers) types += layer.indexer == IndexerType::kFull ? 'F' : 'S';
    return types;
  };
  Json json = whole;
  CHECK(types_of(json) == "FFSSF");
  json.erase("indexer_types");
  CHECK(types_of(json) == "FFFFF");
  json["index_topk_pattern"] = "FSSFS";
  CHECK(types_of(json) == "FSSFS");
  json["index_topk_pattern"] = {"full", "shared", "full", "full", "shared"};
  CHECK(types_of(json) == "FSFFS");
  json.erase("index_topk_pattern");
  json["index_topk_freq"] = 2;
  CHECK(types_of(json) == "FFSFS");
  json["index_skip_topk_offset"] = 3;
  CHECK(types_of(json) == "FFFSF");

  const auto problem_of = [&](const Json& changes) { return refused(ModelConfig::from_json(changed(whole, changes), "")).what; };
  CHECK_THAT(problem_of({{"indexer_types", {"shared", "full", "full", "full", "full"}}}), Catch::StartsWith("indexer_types is \"shared\" for the first layer"));
  CHECK_THAT(problem_of({{"indexer_types", {"full", "full"}}}), Catch::Contains("a list of 5, one for each layer"));
  CHECK_THAT(problem_of({{"indexer_types", {"full", "full", "none", "full", "full"}}}), Catch::Contains("a list of 5, one for each layer"));
  json = whole;
  json.erase("indexer_types");
  for (const std::string pattern : {"FSS", "FSSSX", ""}) {
    json["index_topk_pattern"] = pattern;
    CHECK_THAT(refused(ModelConfig::from_json(json, "")).what, Catch::Contains("5 letters F and S"));
  }
}

TEST_CASE("the layouts of rotary embedding follow the class unless the config says otherwise") {
  const auto layouts = [](const std::string& preset, const Json& changes) {
    const ModelConfig config = parse(changed(preset_json(preset), changes));
    return std::pair(config.mla_rope_layout, config.indexer_rope_layout);
  };
  constexpr RopeLayout kInterleaved = RopeLayout::kInterleaved, kHalfSplit = RopeLayout::kHalfSplit;
  CHECK(layouts("tiny", Json::object()) == std::pair(kInterleaved, kHalfSplit));
  CHECK(layouts("glm_tiny", Json::object()) == std::pair(kInterleaved, kInterleaved));
  CHECK(layouts("tiny", {{"indexer_rope_interleave", true}}) == std::pair(kInterleaved, kInterleaved));
  CHECK(layouts("glm_tiny", {{"indexer_rope_interleave", false}, {"rope_interleave", false}}) == std::pair(kHalfSplit, kHalfSplit));
}

TEST_CASE("frequencies are plain, divided, or ramped between the two") {
  ModelConfig config = need(preset_config("dense_tiny"));
  config.qk_rope_head_dim = 64;
  config.rope = {.theta = 10000};
  const std::vector<double> plain = config.rope_frequencies();
  REQUIRE(plain.size() == 32);
  CHECK(plain[0] == 1);
  CHECK(plain[16] == Approx(0.01));
  config.rope = {.type = RopeType::kLinear, .theta = 10000, .factor = 4};
  for (size_t i = 0; i < 32; ++i) CHECK(config.rope_frequencies()[i] == Approx(plain[i] / 4));
  // Rotations within 4096 tokens fall from 652 to below 1: 32 of them at pair 10.5, 1 at pair 22.5 (arXiv 2309.00071, section 3.2).
  config.rope = {.type = RopeType::kYarn, .theta = 10000, .factor = 40, .original_context = 4096};
  const std::vector<double> ramped = config.rope_frequencies();
  CHECK(ramped[10] == plain[10]);
  CHECK(ramped[11] < plain[11]);
  CHECK(ramped[16] == Approx(plain[16] * (7 / 13.0 + 6 / 13.0 / 40)));
  CHECK(ramped[22] > plain[22] / 40 * 1.01);
  CHECK(ramped[23] == Approx(plain[23] / 40));
}

TEST_CASE("a config is read from its file with bounds") {
  Folder folder;
  const std::string path = folder.path() + "/config.json";
  CHECK_THAT(refused(ModelConfig::load(path)).what, Catch::Contains("cannot open"));
  need(write_file(path, "{\"model_type\": \"deepseek_v32\""));
  CHECK_THAT(refused(ModelConfig::load(path)).what, Catch::Contains("not JSON"));
  need(write_file(path, std::string(5 << 20, ' ')));
  CHECK_THAT(refused(ModelConfig::load(path)).what, Catch::Contains("larger than the limit"));
  need(write_file(path, kDeepseek));
  CHECK(need(ModelConfig::load(path)).hidden_size == 7168);
}

}  // namespace assay::test
