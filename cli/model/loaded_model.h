// A checkpoint ready to compute, as the sub-commands of `assay model` want it: the memory it needs is known to be there first.
#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "engine/model/model.h"
#include "engine/runtime/engine.h"

namespace assay {

struct ModelOptions {
  std::string directory;
  std::string backend;             // as open_device takes it
  std::string cache = "fp8";       // "fp8" or "f32"
  int64_t chunk = 256;             // prompt tokens a forward
  bool dense = false;

  Attention attention() const { return dense ? Attention::kDense : Attention::kSparse; }
};

// "fp8" or "f32", as --cache takes them.
Result<CacheFormat> cache_format_named(const std::string& name);

// Declares DIR, --backend, --cache, --chunk and --dense.
void add_model_options(CLI::App& app, ModelOptions& options);

struct LoadedModel {
  std::unique_ptr<Workers> workers;
  std::unique_ptr<Device> device;
  std::unique_ptr<Model> model;
  std::unique_ptr<KvCache> cache;
};

// Room for `tokens` that are there already, which must fit in the model's positions, and for up to `further` ones.
Result<LoadedModel> load_model(const ModelOptions& options, int64_t tokens, int64_t further, const Context& context);
// The same as an engine for one sequence.
Result<std::unique_ptr<Engine>> open_engine(const ModelOptions& options, int64_t tokens, int64_t further, const Context& context);

}  // namespace assay
