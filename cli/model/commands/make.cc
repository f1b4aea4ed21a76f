// assay model make: a checkpoint of random weights, to test and to measure with.
#include <CLI/CLI.hpp>

#include "cli/model/model_commands.h"
#include "cli/text.h"
#include "engine/checkpoint/synthetic.h"

namespace assay::model_commands::make {
namespace {

struct Options {
  std::string out, preset = "tiny", config, dtype = "bf16";
  int64_t shards = 1, shard_bytes = 0;
  bool list = false;
};

int list_presets(const Context& context) {
  TextTable table({"preset", "parameters", "in f32", "in bf16", "in fp8", "what it is"});
  OrderedJson json = OrderedJson::array();
  const auto size_in = [](const ModelPreset& preset, WeightDType dtype) { return bytes_text(synthetic_size(preset.config, dtype).bytes); };
  for (const ModelPreset& preset : model_presets()) {
    const int64_t parameters = preset.config.parameter_count();
    table.add({preset.name, count_text(parameters), size_in(preset, WeightDType::kF32), size_in(preset, WeightDType::kBF16),
               size_in(preset, WeightDType::kFp8), preset.summary});
    json.push_back({{"name", preset.name}, {"parameters", parameters}, {"summary", preset.summary}});
  }
  context.say(table.text());
  context.result({{"presets", json}});
  return kDone;
}

Result<int> run(const Options& options, const Context& context) {
  if (options.list) return list_presets(context);
  if (options.out.empty()) return input_error("no directory to write to", "--out", "assay model make --out DIR");
  ASSAY_ASSIGN(const ModelConfig config, options.config.empty() ? preset_config(options.preset) : ModelConfig::load(options.config));
  ASSAY_ASSIGN(const WeightDType dtype, weight_dtype(options.dtype));
  const SyntheticSize size = synthetic_size(config, dtype);
  const int64_t shards = options.shard_bytes > 0 ? (size.bytes + options.shard_bytes - 1) / options.shard_bytes : options.shards;
  context.say("writing " + std::string(name_of(config.type)) + ", " + count_text(config.parameter_count()) + " parameters in " + options.dtype + ": " +
              count_text(size.tensors) + " tensors, " + bytes_text(size.bytes) + " in " + count_text(shards) + (shards == 1 ? " file" : " files"));
  ASSAY_TRY(write_synthetic(config, options.out, {.dtype = dtype, .shards = shards, .seed = context.seed}));
  const bool tokenizer = config.vocab_size >= byte_vocabulary_size();
  context.say(options.out + ": random weights of seed " + std::to_string(context.seed) + ", which have learned nothing" +
              (tokenizer ? "; the tokenizer is one of bytes" : "; the vocabulary is too small for a tokenizer"));
  context.result({{"directory", options.out}, {"weights", "random"}, {"seed", context.seed}, {"model_type", name_of(config.type)},
                  {"parameters", config.parameter_count()}, {"dtype", options.dtype}, {"tensors", size.tensors}, {"bytes", size.bytes},
                  {"shards", shards}, {"tokenizer", tokenizer}});
  return kDone;
}

}  // namespace

Command make() {
  return {"make", "Write a checkpoint of random weights, to test and to measure with", 10, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            app.add_option("--out", options->out, "A directory that is empty or not there yet");
            auto* preset = app.add_option("--preset", options->preset, "A model of the program (--list names them)");
            app.add_option("--config", options->config, "Any config.json of model type deepseek_v32 or glm_moe_dsa")->excludes(preset);
            app.add_option("--dtype", options->dtype, "f32, bf16 or fp8");
            auto* shards = app.add_option("--shards", options->shards, "Files of about equal size")->check(CLI::Range(1, 99'999));
            app.add_option("--shard-size", options->shard_bytes, "As many files as this size needs, for example 5GB")
                ->transform(CLI::AsSizeValue(true))->check(CLI::Range(int64_t{1}, INT64_MAX))->excludes(shards);
            app.add_flag("--list", options->list, "Say which presets there are, and write nothing");
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::model_commands::make
