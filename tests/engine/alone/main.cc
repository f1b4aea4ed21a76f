// The embedded model from a checkpoint to tokens, in a program that links nothing else of ours and nothing of others: whatever the
// model came to need of a library would be an undefined reference here.
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "engine/checkpoint/synthetic.h"
#include "engine/model/model.h"
#include "engine/model/memory_plan.h"

namespace assay {
namespace {

Result<size_t> generate_in(const std::string& folder) {
  ASSAY_ASSIGN(const ModelConfig config, preset_config("tiny"));
  ASSAY_TRY(write_synthetic(config, folder, {}));
  ASSAY_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(folder));
  const KvCache::Plan plan{CacheFormat::kE4m3, 128};
  ASSAY_TRY(plan_memory(checkpoint, plan).check(folder));
  Workers workers(2);
  const std::unique_ptr<Device> device = cpu_device(cpu_kernels().back(), workers);
  ASSAY_ASSIGN(const std::unique_ptr<Model> model, Model::load(checkpoint, *device));
  ASSAY_ASSIGN(const std::unique_ptr<KvCache> cache, KvCache::create(config, plan, *device));
  CachedSequence sequence;
  ASSAY_TRY(cache->reserve(sequence, plan.tokens));
  std::vector<int32_t> next = {0, 2, 77, 78, 3};
  size_t tokens = 0;
  for (const Draw draw{{}, 0.5}; tokens < 20; ++tokens) {
    const Chunk chunk{&sequence, next};
    ASSAY_ASSIGN(const std::vector<Sampled> sampled, model->sample({&chunk, 1}, {&draw, 1}, *cache));
    next = {sampled.front().token};
  }
  return tokens;
}

}  // namespace
}  // namespace assay

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "assay-alone-XXXXXX").string();
  if (!mkdtemp(folder.data())) return 1;
  const assay::Result<size_t> tokens = assay::generate_in(folder);
  std::filesystem::remove_all(folder);
  if (!tokens.ok()) std::fprintf(stderr, "%s\n", tokens.error().text().c_str());
  return tokens.ok() && *tokens > 0 ? 0 : 1;
}
