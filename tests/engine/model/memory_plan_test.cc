#include "engine/model/memory_plan.h"

#include "tests/engine/model/fixture.h"

namespace assay::test {
namespace {

Checkpoint checkpoint_of(const std::string& preset, WeightDType dtype, const Folder& folder) {
  need(write_synthetic(need(preset_config(preset)), folder.path(), {.dtype = dtype}));
  return need(Checkpoint::open(folder.path()));
}

}  // namespace

TEST_CASE("the cache of a plan is the cache that is made, at V3.2's bytes for a token") {
  Folder folder;
  ModelConfig config = need(preset_config("glm_tiny"));
  config.kv_lora_rank = 512;
  config.qk_rope_head_dim = 64;
  config.index_head_dim = 128;
  need(write_synthetic(config, folder.path(), {}));
  const Checkpoint checkpoint = need(Checkpoint::open(folder.path()));
  // Five layers, of which three have an indexer.
  CHECK(plan_memory(checkpoint, {CacheFormat::kE4m3, 6400}).cache_bytes == 6400 * (5 * 656 + 3 * 132));
  CHECK(plan_memory(checkpoint, {CacheFormat::kF32, 6400}).cache_bytes == 6400 * 4 * (5 * 576 + 3 * 128));
  // Whole pages of 64 tokens.
  CHECK(plan_memory(checkpoint, {CacheFormat::kE4m3, 65}).cache_bytes == 128 * (5 * 656 + 3 * 132));
  CHECK(plan_memory(checkpoint, {CacheFormat::kE4m3, 0}).cache_bytes == 0);
  for (const int64_t tokens : {1, 64, 1000})
    for (const CacheFormat format : {CacheFormat::kE4m3, CacheFormat::kF32})
      CHECK(plan_memory(checkpoint, {format, tokens}).cache_bytes == static_cast<int64_t>(KvCache::bytes_needed(config, {format, tokens})));
}

TEST_CASE("what does not fit is refused with the sums and what to try") {
  Folder folder;
  const Checkpoint checkpoint = checkpoint_of("tiny", WeightDType::kBF16, folder);
  MemoryPlan plan = plan_memory(checkpoint, {CacheFormat::kE4m3, 4096});
  CHECK(plan.check("dir").ok());
  CHECK(plan.available_bytes > 0);
  plan.available_bytes = plan.needed_bytes();
  CHECK(plan.check("dir").ok());
  plan.available_bytes = plan.needed_bytes() - 1;
  const Status tight = plan.check("dir");
  REQUIRE_FALSE(tight.ok());
  CHECK(tight.error().boundary == Boundary::kLimit);
  CHECK(tight.error().where == "dir");
  CHECK_THAT(tight.error().hint, Catch::Contains("fewer tokens"));
  plan.available_bytes = plan.weight_bytes;
  CHECK_THAT(plan.check("dir").error().hint, Catch::Contains("more memory"));

  // Records lie on the host: of the device's memory where that is the host's, and otherwise of what the host has.
  plan.available_bytes = plan.needed_bytes();
  plan.record_bytes = 1;
  CHECK_FALSE(plan.check("dir").ok());
  plan.host_available_bytes = 1;
  CHECK(plan.check("dir").ok());
  plan.record_bytes = 2;
  CHECK_THAT(plan.check("dir").error().what, Catch::Contains("the host's memory for records"));

  const MemoryPlan far = plan_memory(checkpoint, {CacheFormat::kE4m3, int64_t{1} << 50});
  CHECK_FALSE(far.check("dir").ok());
  const MemoryPlan beyond = plan_memory(checkpoint, {CacheFormat::kF32, INT64_MAX});
  CHECK(beyond.needed_bytes() == INT64_MAX);
}

TEST_CASE("available memory is a share of the machine's") {
  const int64_t available = available_memory_bytes();
  CHECK(available > 1 << 20);
  CHECK(available < int64_t{1} << 50);
}

}  // namespace assay::test
