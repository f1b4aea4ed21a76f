#include "cli/model/loaded_model.h"

#include <CLI/CLI.hpp>

#include <algorithm>

#include "engine/model/memory_plan.h"

namespace assay {
Result<CacheFormat> cache_format_named(const std::string& name) {
  if (name == "fp8") return CacheFormat::kE4m3;
  if (name == "f32") return CacheFormat::kF32;
  return unknown_name("cache format", name, {"f32", "fp8"}, "--cache");
}

void add_model_options(CLI::App& app, ModelOptions& options) {
  app.add_option("directory", options.directory, "A checkpoint: config.json, safetensors and tokenizer.json")->required();
  app.add_option("--backend", options.backend, "cuda or cpu (default: CUDA where there is a device for it), or one of the processor's: reference, avx2, avx512");
  app.add_option("--cache", options.cache, "Format of the cache: fp8 (656 and 132 bytes a token and layer in V3.2) or f32")->capture_default_str();
  app.add_option("--chunk", options.chunk, "Prompt tokens computed at once; changes no bit")->check(CLI::Range(int64_t{1}, int64_t{4096}))->capture_default_str();
  app.add_flag("--dense", options.dense, "Attend to every token, for comparison");
}

namespace {

Result<KvCache::Plan> plan_cache(const ModelOptions& options, const ModelConfig& config, int64_t tokens, int64_t further) {
  ASSAY_ASSIGN(const CacheFormat format, cache_format_named(options.cache));
  const int64_t positions = config.max_position_embeddings;
  if (tokens > positions)
    return input_error("the context would be " + std::to_string(tokens) + " tokens long, and this model has positions for " + std::to_string(positions),
                       options.directory, "shorten the conversation, or use a context strategy");
  return KvCache::Plan{format, std::clamp<int64_t>(tokens + further, 1, positions)};
}

}  // namespace

Result<LoadedModel> load_model(const ModelOptions& options, int64_t tokens, int64_t further, const Context& context) {
  LoadedModel loaded;
  loaded.workers = std::make_unique<Workers>(context.threads());
  ASSAY_ASSIGN(loaded.device, open_device(options.backend, *loaded.workers));
  ASSAY_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(options.directory));
  ASSAY_ASSIGN(const KvCache::Plan plan, plan_cache(options, checkpoint.config(), tokens, further));
  const Model::StepSize largest{options.chunk, 1, plan.tokens};
  MemoryPlan memory = plan_memory(checkpoint, plan, loaded.device->available_bytes());
  memory.step_bytes = Model::step_bytes(checkpoint.config(), largest);
  ASSAY_TRY(memory.check(options.directory));
  ASSAY_ASSIGN(loaded.model, Model::load(checkpoint, *loaded.device));
  ASSAY_ASSIGN(loaded.cache, KvCache::create(checkpoint.config(), plan, *loaded.device));
  ASSAY_TRY(loaded.model->reserve(largest));
  return loaded;
}

Result<std::unique_ptr<Engine>> open_engine(const ModelOptions& options, int64_t tokens, int64_t further, const Context& context) {
  ASSAY_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(options.directory));
  EngineOptions engine{.backend = options.backend, .threads = context.threads(), .max_sequences = 1, .step_tokens = options.chunk, .attention = options.attention()};
  ASSAY_ASSIGN(engine.cache, plan_cache(options, checkpoint.config(), tokens, further));
  return Engine::open(checkpoint, engine);
}

}  // namespace assay
