// assay model check: whether a checkpoint can be run here, and if not, what is wrong with it, tensor by tensor.
#include <CLI/CLI.hpp>

#include <algorithm>

#include "cli/model/loaded_model.h"
#include "cli/model/model_commands.h"
#include "cli/text.h"
#include "engine/model/memory_plan.h"

namespace assay::model_commands::check {
namespace {

struct Options {
  std::string directory, cache = "fp8";
  int64_t tokens = 4096;
  bool values = false;
};

// Every differing tensor; or the error where it is another that keeps the checkpoint from being opened.
Result<int> explain(const Error& error, const std::string& directory, const Context& context) {
  const auto problems = Checkpoint::tensor_problems(directory);
  if (!problems.ok() || problems->empty()) return error;
  TextTable table({"tensor", "is", "found", "expected"});
  OrderedJson json = OrderedJson::array();
  for (const TensorProblem& problem : *problems) {
    const std::string kind(name_of(problem.kind));
    table.add({problem.tensor, kind, problem.found, problem.expected});
    json.push_back({{"tensor", problem.tensor}, {"is", kind}, {"found", problem.found}, {"expected", problem.expected}});
  }
  context.say(table.text());
  context.say(directory + ": " + count_text(static_cast<int64_t>(problems->size())) + " tensors are not what config.json implies; " + error.hint);
  context.result({{"error", to_json(error)}, {"problems", json}});
  return kBadInput;
}

Status check_values(const Checkpoint& checkpoint, const Context& context) {
  Workers workers(context.threads());
  std::vector<Status> ends(checkpoint.tensors().size());
  workers.run(static_cast<int64_t>(ends.size()), [&](int64_t index, int) {
    const size_t i = static_cast<size_t>(index);
    if (!context.stopped()) ends[i] = checkpoint.check_values(checkpoint.tensors()[i]);
  });
  for (const Status& end : ends) ASSAY_TRY(end);
  if (context.stopped()) return make_error(Boundary::kLimit, "interrupted before all values were seen", checkpoint.directory());
  return {};
}

std::string config_text(const ModelConfig& config) {
  const int64_t layers = config.num_hidden_layers();
  const int64_t sparse = std::ranges::count(config.layers, MlpType::kSparse, &LayerConfig::mlp);
  const int64_t shared = std::ranges::count(config.layers, IndexerType::kShared, &LayerConfig::indexer);
  std::string text = std::string(name_of(config.type)) + ": " + count_text(config.parameter_count()) + " parameters, " +
                     count_text(config.active_parameter_count()) + " active for a token; " + count_text(layers) + " layers";
  if (sparse > 0)
    text += ", " + count_text(sparse) + " of them with " + count_text(config.num_experts_per_tok) + " of " + count_text(config.n_routed_experts) + " experts";
  if (shared > 0) text += ", " + count_text(shared) + " of them with a shared indexer";
  return text + "; a context of " + count_text(config.max_position_embeddings) + " tokens, of which each attends to " + count_text(config.index_topk);
}

std::string tensors_text(const Checkpoint& checkpoint) {
  std::string dtypes;
  for (const auto& [dtype, count] : checkpoint.dtype_counts()) dtypes += (dtypes.empty() ? "" : ", ") + count_text(count) + " " + dtype;
  return "tensors: " + count_text(static_cast<int64_t>(checkpoint.tensors().size())) + " (" + dtypes + "), " + bytes_text(checkpoint.stored_bytes()) + " in " +
         count_text(static_cast<int64_t>(checkpoint.file_count())) + (checkpoint.file_count() == 1 ? " file" : " files") + ", none missing, unknown or misshapen";
}

std::string memory_text(const MemoryPlan& plan, const KvCache::Plan& cache) {
  return "memory: " + bytes_text(plan.needed_bytes()) + ", " + bytes_text(plan.weight_bytes) + " of weights and " + bytes_text(plan.cache_bytes) + " of cache for " +
         count_text(cache.tokens) + " tokens; available: " + bytes_text(plan.available_bytes);
}

Result<int> run(const Options& options, const Context& context) {
  ASSAY_ASSIGN(const CacheFormat format, cache_format_named(options.cache));
  const Result<Checkpoint> opened = Checkpoint::open(options.directory);
  if (!opened.ok()) return explain(opened.error(), options.directory, context);
  const Checkpoint& checkpoint = *opened;
  const ModelConfig& config = checkpoint.config();
  const KvCache::Plan cache{format, options.tokens};
  const MemoryPlan memory = plan_memory(checkpoint, cache);
  context.say(config_text(config));
  context.say(tensors_text(checkpoint));
  for (const std::string& note : checkpoint.notes()) context.say("note: " + note);
  context.say(memory_text(memory, cache));
  if (options.values) {
    ASSAY_TRY(check_values(checkpoint, context));
    context.say("values: all finite");
  }
  ASSAY_TRY(memory.check(options.directory));
  context.result({{"directory", options.directory}, {"config", config.to_json()}, {"parameters", config.parameter_count()},
                  {"active_parameters", config.active_parameter_count()}, {"tensors", checkpoint.tensors().size()}, {"files", checkpoint.file_count()},
                  {"dtypes", checkpoint.dtype_counts()}, {"bytes", checkpoint.stored_bytes()}, {"notes", checkpoint.notes()},
                  {"memory", {{"weights", memory.weight_bytes}, {"cache", memory.cache_bytes}, {"tokens", cache.tokens}, {"available", memory.available_bytes}}},
                  {"values_checked", options.values}});
  return kDone;
}

}  // namespace

Command make() {
  return {"check", "Say what a checkpoint is, whether it is whole, and whether it fits into memory", 20, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            app.add_option("directory", options->directory, "A checkpoint: config.json and safetensors")->required();
            app.add_option("--tokens", options->tokens, "Tokens in the cache, of all sequences together")->check(CLI::Range(int64_t{1}, INT64_MAX));
            app.add_option("--cache", options->cache, "Format of the cache: fp8 or f32");
            app.add_flag("--values", options->values, "Also read all weights and look for NaN and infinity");
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::model_commands::check
