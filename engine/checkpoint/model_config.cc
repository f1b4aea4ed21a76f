#include "engine/checkpoint/model_config.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace assay {
namespace {

// Bounds of a size. With the bounds on the total below, no number of elements or bytes computed from a config overflows.
constexpr int64_t kMaxWidth = 1'000'000;
constexpr int64_t kMaxVocab = 100'000'000;
constexpr int64_t kMaxCount = 100'000;       // heads, experts
constexpr int64_t kMaxLayers = 10'000;
constexpr int64_t kMaxExpertsInAll = 1'000'000;
constexpr int64_t kMaxContext = int64_t{1} << 40;
constexpr int64_t kMaxParameters = 1'000'000'000'000'000;

std::string value_text(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  constexpr size_t kShown = 60;
  return text.size() <= kShown ? text : text.substr(0, kShown) + "…";
}

std::string number_text(double value) { return value_text(Json(value)); }

Error not_allowed(const std::string& where, std::string_view key, const std::string& value, const std::string& allowed,
                  std::string hint = "") {
  return input_error(std::string(key) + " is " + value + "; allowed: " + allowed, where, std::move(hint));
}

// Typed access to an object of config.json; null counts as absent. The first error is kept.
class ConfigReader {
 public:
  ConfigReader(const Json& object, std::string where, std::string prefix = "")
      : object_(object), where_(std::move(where)), prefix_(std::move(prefix)) {}

  const Json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  int64_t integer(const char* key) { return integer(key, std::nullopt); }
  int64_t integer(const char* key, std::optional<int64_t> fallback) {
    const Json* value = find(key);
    if (!value && !fallback) return fail(input_error(prefix_ + key + " is missing", where_)), 0;
    if (!value) return *fallback;
    if (!is_integer(*value)) return refuse(key, *value, "a whole number"), 0;
    return value->get<int64_t>();
  }
  double number(const char* key, std::optional<double> fallback) {
    const Json* value = find(key);
    if (!value && !fallback) return fail(input_error(prefix_ + key + " is missing", where_)), 0;
    if (!value) return *fallback;
    if (!value->is_number()) return refuse(key, *value, "a number"), 0;
    return value->get<double>();
  }
  bool boolean(const char* key, bool fallback) {
    const Json* value = find(key);
    if (!value) return fallback;
    if (!value->is_boolean()) return refuse(key, *value, "true, false"), false;
    return value->get<bool>();
  }
  // One of `allowed`; "" if absent.
  std::string text(const char* key, const std::vector<std::string>& allowed, const std::string& hint = "") {
    const Json* value = find(key);
    if (!value) return "";
    if (value->is_string() && std::ranges::count(allowed, value->get_ref<const std::string&>())) return value->get<std::string>();
    std::string list;
    for (const std::string& name : allowed) list += (list.empty() ? "\"" : ", \"") + name + "\"";
    return refuse(key, *value, list, hint), "";
  }
  // `count` words of `allowed`; empty if absent.
  std::vector<std::string> words(const char* key, int64_t count, const std::vector<std::string>& allowed) {
    const Json* value = find(key);
    if (!value) return {};
    std::vector<std::string> found;
    if (value->is_array())
      for (const Json& word : *value)
        if (word.is_string() && std::ranges::count(allowed, word.get_ref<const std::string&>())) found.push_back(word);
    if (!value->is_array() || found.size() != value->size() || static_cast<int64_t>(found.size()) != count)
      return refuse(key, *value, "a list of " + std::to_string(count) + ", one for each layer, of \"" + allowed[0] + "\" and \"" + allowed[1] + "\""),
             std::vector<std::string>{};
    return found;
  }

  static bool is_integer(const Json& value) {
    return value.is_number_integer() && (!value.is_number_unsigned() || value.get<uint64_t>() <= INT64_MAX);
  }
  void refuse(const char* key, const Json& value, const std::string& allowed, const std::string& hint = "") {
    fail(not_allowed(where_, prefix_ + key, value_text(value), allowed, hint));
  }
  void fail(Error error) {
    if (!error_) error_ = std::move(error);
  }
  Status status() const { return error_ ? Status(*error_) : Status(); }
  const std::string& where() const { return where_; }

 private:
  const Json& object_;
  std::string where_, prefix_;
  std::optional<Error> error_;
};

double yarn_mscale(double factor, double mscale) { return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1; }

// `rope_scaling` of older files goes before `rope_parameters`; theta may stand beside either.
Result<RopeConfig> read_rope(ConfigReader& config, int64_t max_position_embeddings) {
  static const Json kEmpty = Json::object();
  const Json* given = config.find("rope_scaling");
  const char* key = "rope_scaling";
  if (!given || given->empty()) {
    given = config.find("rope_parameters");
    key = "rope_parameters";
  }
  if (given && !given->is_object()) return not_allowed(config.where(), key, value_text(*given), "an object, null");
  ConfigReader reader(given ? *given : kEmpty, config.where(), std::string(key) + ".");

  RopeConfig rope;
  const std::string type = reader.text(reader.find("rope_type") ? "rope_type" : "type", {"default", "linear", "yarn"},
                                       "other scalings are not implemented");
  rope.type = type == "yarn" ? RopeType::kYarn : type == "linear" ? RopeType::kLinear : RopeType::kDefault;
  rope.theta = reader.number("rope_theta", config.number("rope_theta", 10000));
  if (rope.type != RopeType::kDefault) {
    rope.factor = reader.number("factor", std::nullopt);
    rope.mscale_all_dim = reader.number("mscale_all_dim", 0);
    const double partial = reader.number("partial_rotary_factor", config.number("partial_rotary_factor", 1));
    if (partial != 1) reader.refuse("partial_rotary_factor", partial, "1");
  }
  if (rope.type == RopeType::kYarn) {
    rope.original_context = config.integer("original_max_position_embeddings",
                                           reader.integer("original_max_position_embeddings", max_position_embeddings));
    rope.beta_fast = reader.number("beta_fast", 32);
    rope.beta_slow = reader.number("beta_slow", 1);
    rope.truncate = reader.boolean("truncate", true);
    rope.mscale = reader.number("mscale", 0);
    const double inferred = rope.mscale != 0 && rope.mscale_all_dim != 0
                                ? yarn_mscale(rope.factor, rope.mscale) / yarn_mscale(rope.factor, rope.mscale_all_dim)
                                : yarn_mscale(rope.factor, 1);
    rope.attention_factor = reader.number("attention_factor", inferred);
  }
  ASSAY_TRY(reader.status());
  ASSAY_TRY(config.status());
  return rope;
}

void read_mlp_types(ConfigReader& reader, ModelConfig& config) {
  const int64_t dense = reader.integer("first_k_dense_replace", 3);
  if (dense < 0) reader.refuse("first_k_dense_replace", dense, "0 or more");
  const std::vector<std::string> types = reader.words("mlp_layer_types", config.num_hidden_layers(), {"dense", "sparse"});
  for (size_t i = 0; i < config.layers.size(); ++i) {
    const bool sparse = types.empty() ? static_cast<int64_t>(i) >= dense : types[i] == "sparse";
    config.layers[i].mlp = sparse ? MlpType::kSparse : MlpType::kDense;
  }
}

// "FSSF…" or a list of words; empty if absent or wrong.
std::vector<std::string> read_pattern(ConfigReader& reader, int64_t layers) {
  const Json* pattern = reader.find("index_topk_pattern");
  if (!pattern || !pattern->is_string()) return reader.words("index_topk_pattern", layers, {"full", "shared"});
  std::vector<std::string> types;
  for (char c : pattern->get_ref<const std::string&>()) types.push_back(c == 'F' ? "full" : c == 'S' ? "shared" : "");
  if (static_cast<int64_t>(types.size()) == layers && std::ranges::count(types, "") == 0) return types;
  reader.refuse("index_topk_pattern", *pattern, std::to_string(layers) + " letters F and S, one for each layer");
  return {};
}

void read_indexer_types(ConfigReader& reader, ModelConfig& config) {
  const int64_t layers = config.num_hidden_layers();
  std::vector<std::string> types = reader.words("indexer_types", layers, {"full", "shared"});
  if (config.type == ModelType::kDeepseekV32) {
    if (std::ranges::count(types, "shared"))
      reader.refuse("indexer_types", *reader.find("indexer_types"), "\"full\" for every layer of a deepseek_v32 model");
    return;
  }
  if (types.empty()) types = read_pattern(reader, layers);
  const int64_t frequency = std::max<int64_t>(reader.integer("index_topk_freq", 1), 1);
  const int64_t offset = reader.integer("index_skip_topk_offset", 2);
  if (offset < 0 || offset > kMaxLayers) return reader.refuse("index_skip_topk_offset", offset, "0 to 10000");
  for (int64_t i = 0; i < layers; ++i) {
    const bool full = types.empty() ? std::max<int64_t>(i - offset + 1, 0) % frequency == 0 : types[static_cast<size_t>(i)] == "full";
    config.layers[static_cast<size_t>(i)].indexer = full ? IndexerType::kFull : IndexerType::kShared;
  }
}

// Groups of null are no groups; absent ones are the class's default.
int64_t read_groups(ConfigReader& reader, const Json& json, const char* key, int64_t fallback) {
  return reader.integer(key, json.contains(key) ? 1 : fallback);
}

void read_experts(ConfigReader& reader, const Json& json, ModelConfig& config) {
  reader.text("scoring_func", {"sigmoid"});
  reader.text("topk_method", {"noaux_tc"});
  if (reader.integer("moe_layer_freq", 1) != 1) reader.refuse("moe_layer_freq", *reader.find("moe_layer_freq"), "1");
  const bool groups = config.type == ModelType::kDeepseekV32;
  const char* experts = reader.find("num_experts")         ? "num_experts"
                        : reader.find("num_local_experts") ? "num_local_experts"
                                                           : "n_routed_experts";
  config.n_routed_experts = reader.integer(experts);
  config.n_shared_experts = reader.integer("n_shared_experts", json.contains("n_shared_experts") ? 0 : 1);
  config.num_experts_per_tok = reader.integer("num_experts_per_tok");
  config.moe_intermediate_size = reader.integer("moe_intermediate_size");
  config.n_group = read_groups(reader, json, "n_group", groups ? 8 : 1);
  config.topk_group = read_groups(reader, json, "topk_group", groups ? 4 : 1);
  config.norm_topk_prob = reader.boolean("norm_topk_prob", true);
  config.routed_scaling_factor = reader.number("routed_scaling_factor", 2.5);
}

void read_attention(ConfigReader& reader, ModelConfig& config) {
  config.num_attention_heads = reader.integer("num_attention_heads");
  const int64_t key_value_heads = reader.integer("num_key_value_heads", config.num_attention_heads);
  if (key_value_heads != config.num_attention_heads)
    reader.refuse("num_key_value_heads", key_value_heads, "num_attention_heads, " + std::to_string(config.num_attention_heads));
  if (!reader.find("q_lora_rank"))
    reader.refuse("q_lora_rank", nullptr, "a whole number", "the indexer reads the query latent, so the model needs one");
  config.q_lora_rank = reader.integer("q_lora_rank");
  config.kv_lora_rank = reader.integer("kv_lora_rank");
  config.qk_nope_head_dim = reader.integer("qk_nope_head_dim");
  config.qk_rope_head_dim = reader.integer("qk_rope_head_dim");
  config.v_head_dim = reader.integer("v_head_dim");
  config.attention_bias = reader.boolean("attention_bias", false);
  config.index_n_heads = reader.integer("index_n_heads");
  config.index_head_dim = reader.integer("index_head_dim");
  config.index_topk = reader.integer("index_topk");
  const bool interleaved = config.type == ModelType::kGlmMoeDsa;
  config.mla_rope_layout = reader.boolean("rope_interleave", true) ? RopeLayout::kInterleaved : RopeLayout::kHalfSplit;
  config.indexer_rope_layout =
      reader.boolean("indexer_rope_interleave", interleaved) ? RopeLayout::kInterleaved : RopeLayout::kHalfSplit;
}

void read_special_tokens(ConfigReader& reader, ModelConfig& config) {
  if (reader.find("bos_token_id")) config.bos_token_id = reader.integer("bos_token_id");
  const Json* eos = reader.find("eos_token_id");
  if (!eos) return;
  for (const Json& id : eos->is_array() ? *eos : Json::array({*eos})) {
    if (!ConfigReader::is_integer(id)) return reader.refuse("eos_token_id", *eos, "a whole number, a list of them");
    config.eos_token_ids.push_back(id.get<int64_t>());
  }
}

// Weights in FP8 are recognised by their dtype; what the section says about them must be what is implemented.
void check_quantization(ConfigReader& config) {
  const Json* given = config.find("quantization_config");
  if (!given) return;
  if (!given->is_object()) return config.refuse("quantization_config", *given, "an object, null");
  ConfigReader reader(*given, config.where(), "quantization_config.");
  reader.text("quant_method", {"fp8"}, "write the weights as BF16 first");
  reader.text("fmt", {"e4m3"});
  reader.text("activation_scheme", {"dynamic"});
  const Json* block = reader.find("weight_block_size");
  if (block && *block != Json::array({128, 128})) reader.refuse("weight_block_size", *block, "[128,128]");
  if (Status status = reader.status(); !status.ok()) config.fail(status.error());
}

struct IntegerRule {
  const char* key;
  int64_t value, minimum, maximum;
};

Status check_integers(const std::vector<IntegerRule>& rules, const std::string& where) {
  for (const auto& [key, value, minimum, maximum] : rules)
    if (value < minimum || value > maximum)
      return not_allowed(where, key, std::to_string(value), std::to_string(minimum) + " to " + std::to_string(maximum));
  return {};
}

struct NumberRule {
  const char* key;
  double value, minimum, maximum;
};

Status check_numbers(const std::vector<NumberRule>& rules, const std::string& where) {
  for (const auto& [key, value, minimum, maximum] : rules)
    if (!(value >= minimum && value <= maximum))
      return not_allowed(where, key, number_text(value), number_text(minimum) + " to " + number_text(maximum));
  return {};
}

Status check_rope(const ModelConfig& config, const std::string& where) {
  if (config.qk_rope_head_dim % 2 != 0)
    return not_allowed(where, "qk_rope_head_dim", std::to_string(config.qk_rope_head_dim), "even numbers");
  if (config.index_head_dim < config.qk_rope_head_dim)
    return not_allowed(where, "index_head_dim", std::to_string(config.index_head_dim),
                       "at least qk_rope_head_dim, " + std::to_string(config.qk_rope_head_dim));
  const RopeConfig& rope = config.rope;
  ASSAY_TRY(check_numbers({{"rope_theta", rope.theta, 1.001, 1e15},
                                                 {"rope factor", rope.factor, 1, 1e6},
                                                 {"rope attention_factor", rope.attention_factor, 0, 1e6},
                                                 {"rope mscale", rope.mscale, 0, 1e6},
                                                 {"rope mscale_all_dim", rope.mscale_all_dim, 0, 1e6}},
                         where));
  if (rope.type != RopeType::kYarn) return {};
  ASSAY_TRY(check_integers({{"rope original_max_position_embeddings", rope.original_context, 1, kMaxContext}}, where));
  return check_numbers({{"rope beta_slow", rope.beta_slow, 1e-6, 1e6},
                                              {"rope beta_fast", rope.beta_fast, rope.beta_slow, 1e6}},
                      where);
}

Status check_experts(const ModelConfig& config, const std::string& where) {
  const int64_t sparse = std::ranges::count(config.layers, MlpType::kSparse, &LayerConfig::mlp);
  if (sparse == 0) return {};
  ASSAY_TRY(check_integers({{"n_routed_experts", config.n_routed_experts, 1, std::min(kMaxCount, kMaxExpertsInAll / sparse)},
                          {"moe_intermediate_size", config.moe_intermediate_size, 1, kMaxWidth},
                          {"n_shared_experts", config.n_shared_experts, 0, 1000},
                          {"n_group", config.n_group, 1, config.n_routed_experts},
                          {"topk_group", config.topk_group, 1, config.n_group}},
                         where));
  const std::string experts = std::to_string(config.n_routed_experts);
  if (config.n_routed_experts % config.n_group != 0)
    return not_allowed(where, "n_group", std::to_string(config.n_group), "divisors of n_routed_experts, " + experts);
  const int64_t in_group = config.n_routed_experts / config.n_group;
  if (config.n_group > 1 && in_group < 2)
    return not_allowed(where, "n_group", std::to_string(config.n_group), "at most half of n_routed_experts, " + experts,
                       "a group is scored by its two best experts");
  ASSAY_TRY(check_integers({{"num_experts_per_tok", config.num_experts_per_tok, 1, config.topk_group * in_group}}, where));
  return check_numbers({{"routed_scaling_factor", config.routed_scaling_factor, 0, 1e6}}, where);
}

Status check_tokens(const ModelConfig& config, const std::string& where) {
  const int64_t last = config.vocab_size - 1;
  if (config.bos_token_id) ASSAY_TRY(check_integers({{"bos_token_id", *config.bos_token_id, 0, last}}, where));
  for (int64_t id : config.eos_token_ids) ASSAY_TRY(check_integers({{"eos_token_id", id, 0, last}}, where));
  return {};
}

// Of one layer, with so many routed experts. In doubles where it is only compared with a bound, exact below 2^53.
template <typename Number>
Number layer_parameters(const ModelConfig& config, const LayerConfig& layer, int64_t experts) {
  const Number hidden = static_cast<Number>(config.hidden_size), heads = static_cast<Number>(config.num_attention_heads);
  const Number query = static_cast<Number>(config.q_lora_rank), latent = static_cast<Number>(config.kv_lora_rank);
  const Number value = static_cast<Number>(config.v_head_dim), rope = static_cast<Number>(config.qk_rope_head_dim);
  Number sum = 2 * hidden;  // norms
  sum += hidden * query + query + query * heads * static_cast<Number>(config.qk_head_dim());
  sum += hidden * (latent + rope) + latent + latent * heads * (static_cast<Number>(config.qk_nope_head_dim) + value);
  sum += heads * value * hidden;
  if (config.attention_bias) sum += query + latent + rope + hidden;
  if (layer.indexer == IndexerType::kFull) {
    const Number index_heads = static_cast<Number>(config.index_n_heads), index = static_cast<Number>(config.index_head_dim);
    sum += query * index_heads * index + hidden * index + 2 * index + hidden * index_heads;
  }
  if (layer.mlp == MlpType::kDense) return sum + 3 * hidden * static_cast<Number>(config.intermediate_size);
  sum += static_cast<Number>(config.n_routed_experts) * (hidden + 1);
  sum += 3 * hidden * static_cast<Number>(experts) * static_cast<Number>(config.moe_intermediate_size);
  return sum + 3 * hidden * static_cast<Number>(config.shared_intermediate_size());
}

template <typename Number>
Number parameters(const ModelConfig& config, int64_t embedding_rows, int64_t experts) {
  const Number hidden = static_cast<Number>(config.hidden_size);
  Number sum = static_cast<Number>(embedding_rows) * hidden + hidden;
  for (const LayerConfig& layer : config.layers) sum += layer_parameters<Number>(config, layer, experts);
  return sum;
}

OrderedJson rope_json(const RopeConfig& rope) {
  OrderedJson json{{"rope_type", name_of(rope.type)}, {"rope_theta", rope.theta}};
  if (rope.type == RopeType::kDefault) return json;
  json["factor"] = rope.factor;
  if (rope.mscale_all_dim != 0) json["mscale_all_dim"] = rope.mscale_all_dim;
  if (rope.type == RopeType::kLinear) return json;
  json["original_max_position_embeddings"] = rope.original_context;
  json["beta_fast"] = rope.beta_fast;
  json["beta_slow"] = rope.beta_slow;
  json["truncate"] = rope.truncate;
  if (rope.mscale != 0) json["mscale"] = rope.mscale;
  json["attention_factor"] = rope.attention_factor;
  return json;
}

}  // namespace

std::string_view name_of(ModelType type) { return type == ModelType::kDeepseekV32 ? "deepseek_v32" : "glm_moe_dsa"; }
std::string_view name_of(RopeLayout layout) { return layout == RopeLayout::kInterleaved ? "interleaved" : "half-split"; }
std::string_view name_of(RopeType type) {
  return type == RopeType::kYarn ? "yarn" : type == RopeType::kLinear ? "linear" : "default";
}

Result<ModelConfig> ModelConfig::from_json(const Json& json, const std::string& where) {
  if (!json.is_object()) return input_error("a model's config is a JSON object", where);
  ConfigReader reader(json, where);
  if (!reader.find("model_type")) return input_error("model_type is missing", where);
  const std::string type =
      reader.text("model_type", {"deepseek_v32", "glm_moe_dsa"}, "only models with DeepSeek Sparse Attention are implemented");
  ASSAY_TRY(reader.status());

  ModelConfig config;
  config.type = type == "glm_moe_dsa" ? ModelType::kGlmMoeDsa : ModelType::kDeepseekV32;
  reader.text("hidden_act", {"silu"});
  config.vocab_size = reader.integer("vocab_size");
  config.hidden_size = reader.integer("hidden_size");
  config.intermediate_size = reader.integer("intermediate_size");
  config.max_position_embeddings = reader.integer("max_position_embeddings");
  config.rms_norm_eps = reader.number("rms_norm_eps", config.type == ModelType::kGlmMoeDsa ? 1e-5 : 1e-6);
  config.tie_word_embeddings = reader.boolean("tie_word_embeddings", false);
  config.num_nextn_predict_layers = reader.integer("num_nextn_predict_layers", 0);
  const int64_t layers = reader.integer("num_hidden_layers");
  ASSAY_TRY(reader.status());
  ASSAY_TRY(check_integers({{"num_hidden_layers", layers, 1, kMaxLayers}}, where));
  config.layers.resize(static_cast<size_t>(layers));

  read_attention(reader, config);
  read_mlp_types(reader, config);
  read_indexer_types(reader, config);
  if (std::ranges::count(config.layers, MlpType::kSparse, &LayerConfig::mlp) != 0) read_experts(reader, json, config);
  read_special_tokens(reader, config);
  check_quantization(reader);
  ASSAY_TRY(reader.status());
  ASSAY_ASSIGN(config.rope, read_rope(reader, config.max_position_embeddings));
  ASSAY_TRY(config.validate(where));
  return config;
}

Result<ModelConfig> ModelConfig::load(const std::string& path) {
  ASSAY_ASSIGN(const Json json, read_json_file(path, {.bytes = 4u << 20, .depth = 16}));
  return from_json(json, path);
}

Status ModelConfig::validate(const std::string& where) const {
  ASSAY_TRY(check_integers({{"num_hidden_layers", num_hidden_layers(), 1, kMaxLayers},
                          {"vocab_size", vocab_size, 1, kMaxVocab},
                          {"hidden_size", hidden_size, 1, kMaxWidth},
                          {"intermediate_size", intermediate_size, 1, kMaxWidth},
                          {"max_position_embeddings", max_position_embeddings, 1, kMaxContext},
                          {"num_nextn_predict_layers", num_nextn_predict_layers, 0, kMaxLayers},
                          {"num_attention_heads", num_attention_heads, 1, kMaxCount},
                          {"q_lora_rank", q_lora_rank, 1, kMaxWidth},
                          {"kv_lora_rank", kv_lora_rank, 1, kMaxWidth},
                          {"qk_nope_head_dim", qk_nope_head_dim, 0, kMaxWidth},
                          {"qk_rope_head_dim", qk_rope_head_dim, 2, kMaxWidth},
                          {"v_head_dim", v_head_dim, 1, kMaxWidth},
                          {"index_n_heads", index_n_heads, 1, kMaxCount},
                          {"index_head_dim", index_head_dim, 1, kMaxWidth},
                          {"index_topk", index_topk, 1, kMaxContext}},
                         where));
  ASSAY_TRY(check_numbers({{"rms_norm_eps", rms_norm_eps, 0, 1}}, where));
  if (layers.front().indexer == IndexerType::kShared)
    return not_allowed(where, "indexer_types", "\"shared\" for the first layer", "\"full\", since no layer before it selects tokens");
  ASSAY_TRY(check_rope(*this, where));
  ASSAY_TRY(check_experts(*this, where));
  ASSAY_TRY(check_tokens(*this, where));
  const double count = parameters<double>(*this, 2 * vocab_size, n_routed_experts);
  if (count > static_cast<double>(kMaxParameters))
    return input_error("the sizes make " + number_text(count) + " parameters; allowed: " + number_text(static_cast<double>(kMaxParameters)),
                       where);
  return {};
}

int64_t ModelConfig::indexer_layer(int64_t index) const {
  while (layers[static_cast<size_t>(index)].indexer == IndexerType::kShared) --index;
  return index;
}

double ModelConfig::softmax_scale() const {
  const double scale = 1 / std::sqrt(static_cast<double>(qk_head_dim()));
  if (rope.type == RopeType::kDefault || rope.mscale_all_dim == 0) return scale;
  const double mscale = yarn_mscale(rope.factor, rope.mscale_all_dim);
  return scale * mscale * mscale;
}

std::vector<double> ModelConfig::rope_frequencies() const {
  const double dimensions = static_cast<double>(qk_rope_head_dim);
  // The pair that turns `rotations` times within the original context.
  const auto pair_of = [&](double rotations) {
    return dimensions * std::log(static_cast<double>(rope.original_context) / (rotations * 2 * std::numbers::pi)) / (2 * std::log(rope.theta));
  };
  double low = 0, high = 0;
  if (rope.type == RopeType::kYarn) {
    low = pair_of(rope.beta_fast);
    high = pair_of(rope.beta_slow);
    if (rope.truncate) low = std::floor(low), high = std::ceil(high);
    low = std::max(low, 0.0);
    high = std::min(high, dimensions - 1);
    if (low == high) high += 0.001;
  }
  std::vector<double> frequencies(static_cast<size_t>(qk_rope_head_dim / 2));
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double plain = std::pow(rope.theta, -2 * static_cast<double>(i) / dimensions);
    double stretched = 0;  // how much of the frequency is divided by the factor
    if (rope.type == RopeType::kLinear) stretched = 1;
    if (rope.type == RopeType::kYarn) stretched = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] = plain / rope.factor * stretched + plain * (1 - stretched);
  }
  return frequencies;
}

int64_t ModelConfig::parameter_count() const {
  return parameters<int64_t>(*this, tie_word_embeddings ? vocab_size : 2 * vocab_size, n_routed_experts);
}

int64_t ModelConfig::active_parameter_count() const {
  return parameters<int64_t>(*this, tie_word_embeddings ? vocab_size : vocab_size + 1, num_experts_per_tok);
}

OrderedJson ModelConfig::to_json() const {
  OrderedJson json;
  const bool glm = type == ModelType::kGlmMoeDsa;
  json["architectures"] = {glm ? "GlmMoeDsaForCausalLM" : "DeepseekV32ForCausalLM"};
  json["model_type"] = name_of(type);
  json["vocab_size"] = vocab_size;
  json["hidden_size"] = hidden_size;
  json["intermediate_size"] = intermediate_size;
  json["num_hidden_layers"] = num_hidden_layers();
  json["max_position_embeddings"] = max_position_embeddings;
  json["rms_norm_eps"] = rms_norm_eps;
  json["hidden_act"] = "silu";
  json["tie_word_embeddings"] = tie_word_embeddings;
  json["attention_bias"] = attention_bias;
  json["num_attention_heads"] = num_attention_heads;
  json["num_key_value_heads"] = num_attention_heads;
  json["q_lora_rank"] = q_lora_rank;
  json["kv_lora_rank"] = kv_lora_rank;
  json["qk_nope_head_dim"] = qk_nope_head_dim;
  json["qk_rope_head_dim"] = qk_rope_head_dim;
  json["v_head_dim"] = v_head_dim;
  json["index_n_heads"] = index_n_heads;
  json["index_head_dim"] = index_head_dim;
  json["index_topk"] = index_topk;
  if (glm) json["indexer_types"] = OrderedJson::array();
  json["mlp_layer_types"] = OrderedJson::array();
  for (const LayerConfig& layer : layers) {
    if (glm) json["indexer_types"].push_back(layer.indexer == IndexerType::kFull ? "full" : "shared");
    json["mlp_layer_types"].push_back(layer.mlp == MlpType::kDense ? "dense" : "sparse");
  }
  if (has_experts()) {
    json["n_routed_experts"] = n_routed_experts;
    json["n_shared_experts"] = n_shared_experts;
    json["num_experts_per_tok"] = num_experts_per_tok;
    json["moe_intermediate_size"] = moe_intermediate_size;
    json["n_group"] = n_group;
    json["topk_group"] = topk_group;
    json["norm_topk_prob"] = norm_topk_prob;
    json["routed_scaling_factor"] = routed_scaling_factor;
  }
  json["rope_parameters"] = rope_json(rope);
  if (mla_rope_layout != RopeLayout::kInterleaved) json["rope_interleave"] = false;
  if ((indexer_rope_layout == RopeLayout::kInterleaved) != glm) json["indexer_rope_interleave"] = !glm;
  if (num_nextn_predict_layers != 0) json["num_nextn_predict_layers"] = num_nextn_predict_layers;
  json["bos_token_id"] = bos_token_id ? OrderedJson(*bos_token_id) : OrderedJson(nullptr);
  json["eos_token_id"] = eos_token_ids.empty() ? OrderedJson(nullptr) : eos_token_ids.size() == 1 ? OrderedJson(eos_token_ids[0]) : OrderedJson(eos_token_ids);
  return json;
}

}  // namespace assay
