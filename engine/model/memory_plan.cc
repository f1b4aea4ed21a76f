#include "engine/model/memory_plan.h"

#include <algorithm>
#include <string>

#include "engine/model/weights.h"

namespace assay {
namespace {

std::string gigabytes(int64_t bytes) {
  const int64_t tenths = bytes / 100'000'000 + (bytes % 100'000'000 != 0);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " GB";
}

}  // namespace

MemoryPlan plan_memory(const Checkpoint& checkpoint, const KvCache::Plan& cache, int64_t available_bytes) {
  MemoryPlan plan;
  plan.weight_bytes = weight_bytes(checkpoint);
  const int64_t page_bytes = static_cast<int64_t>(KvCache::bytes_needed(checkpoint.config(), {cache.format, kPageTokens}));
  const int64_t pages = cache.tokens / kPageTokens + (cache.tokens % kPageTokens != 0);
  if (__builtin_mul_overflow(pages, page_bytes, &plan.cache_bytes)) plan.cache_bytes = INT64_MAX;
  plan.available_bytes = available_bytes;
  return plan;
}

int64_t MemoryPlan::needed_bytes() const {
  int64_t sum = 0;
  for (const int64_t bytes : {weight_bytes, cache_bytes, step_bytes, host_available_bytes ? 0 : record_bytes})
    if (__builtin_add_overflow(sum, bytes, &sum)) return INT64_MAX;
  return sum;
}

Status MemoryPlan::check(const std::string& where) const {
  if (host_available_bytes && record_bytes > *host_available_bytes)
    return make_error(Boundary::kLimit, "needs " + gigabytes(record_bytes) + " of the host's memory for records, but only " + gigabytes(*host_available_bytes) + " are available", where,
                      "fewer tokens of context");
  if (needed_bytes() <= available_bytes) return {};
  const bool cache_matters = weight_bytes < available_bytes;
  return make_error(Boundary::kLimit,
                    "needs " + gigabytes(needed_bytes()) + " of memory (" + gigabytes(weight_bytes) + " of weights, " + gigabytes(cache_bytes) +
                        " of cache" + (step_bytes > 0 ? ", " + gigabytes(step_bytes) + " for a step's buffers" : "") +
                        (record_bytes > 0 && !host_available_bytes ? ", " + gigabytes(record_bytes) + " for records" : "") + "), but only " + gigabytes(available_bytes) + " are available",
                    where,
                    cache_matters ? "fewer tokens of context, sequences at once or tokens in a step, or a smaller cache format"
                                  : "a machine or memory limit with more memory, or a checkpoint in FP8 or BF16");
}

}  // namespace assay
