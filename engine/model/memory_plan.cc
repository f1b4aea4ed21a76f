#include "engine/model/memory_plan.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <string>

#include "engine/model/weights.h"

namespace assay {
namespace {

std::string gigabytes(int64_t bytes) {
  const int64_t tenths = bytes / 100'000'000 + (bytes % 100'000'000 != 0);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " GB";
}

// The first number in a file of one line; nothing for "max" or a missing file.
std::optional<int64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  int64_t value = 0;
  if (!(file >> word) || std::from_chars(word.data(), word.data() + word.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

// "MemAvailable: 123 kB" of /proc/meminfo, "inactive_file 123" of memory.stat.
std::optional<int64_t> field_in(const std::string& path, const std::string& field) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(field + " ") && !line.starts_with(field + ":")) continue;
    const size_t digit = line.find_first_of("0123456789", field.size());
    if (digit == std::string::npos) return std::nullopt;
    int64_t value = 0;
    std::from_chars(line.data() + digit, line.data() + line.size(), value);
    return value;
  }
  return std::nullopt;
}

// What one control group leaves: its limit less what it uses, file pages that can be dropped counted as free.
std::optional<int64_t> left_in_group(const std::string& folder, const char* limit_file, const char* usage_file, const char* inactive) {
  const auto limit = number_in(folder + "/" + limit_file), usage = number_in(folder + "/" + usage_file);
  if (!limit || !usage) return std::nullopt;
  const int64_t droppable = field_in(folder + "/memory.stat", inactive).value_or(0);
  return std::max<int64_t>(0, *limit - *usage + std::min(droppable, *usage));
}

// The path of our group in the hierarchy whose line in /proc/self/cgroup has `marker`: "0::" (v2) or ":memory:" (v1).
std::string own_group(const std::string& marker) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);)
    if (const size_t found = line.find(marker); found != std::string::npos) return line.substr(found + marker.size());
  return "";
}

// Limits hold for a group and all groups around it.
int64_t least_left(const std::string& root, std::string group, const char* limit_file, const char* usage_file, const char* inactive) {
  int64_t least = INT64_MAX;
  while (true) {
    if (const auto left = left_in_group(root + (group == "/" ? "" : group), limit_file, usage_file, inactive)) least = std::min(least, *left);
    if (group.empty() || group == "/") return least;
    group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
  }
}

}  // namespace

int64_t available_memory_bytes() {
  int64_t available = INT64_MAX;
  if (const auto kilobytes = field_in("/proc/meminfo", "MemAvailable")) available = *kilobytes * 1024;
  available = std::min(available, least_left("/sys/fs/cgroup", own_group("0::"), "memory.max", "memory.current", "inactive_file"));
  return std::min(available, least_left("/sys/fs/cgroup/memory", own_group(":memory:"), "memory.limit_in_bytes", "memory.usage_in_bytes",
                                        "total_inactive_file"));
}

MemoryPlan plan_memory(const Checkpoint& checkpoint, const KvCache::Plan& cache) {
  MemoryPlan plan;
  plan.weight_bytes = weight_bytes(checkpoint);
  const int64_t page_bytes = static_cast<int64_t>(KvCache::bytes_needed(checkpoint.config(), {cache.format, kPageTokens}));
  const int64_t pages = cache.tokens / kPageTokens + (cache.tokens % kPageTokens != 0);
  if (__builtin_mul_overflow(pages, page_bytes, &plan.cache_bytes)) plan.cache_bytes = INT64_MAX;
  plan.available_bytes = available_memory_bytes();
  return plan;
}

int64_t MemoryPlan::needed_bytes() const {
  int64_t sum = 0;
  for (const int64_t bytes : {weight_bytes, cache_bytes, step_bytes, record_bytes})
    if (__builtin_add_overflow(sum, bytes, &sum)) return INT64_MAX;
  return sum;
}

Status MemoryPlan::check(const std::string& where) const {
  if (needed_bytes() <= available_bytes) return {};
  const bool cache_matters = weight_bytes < available_bytes;
  return make_error(Boundary::kLimit,
                    "needs " + gigabytes(needed_bytes()) + " of memory (" + gigabytes(weight_bytes) + " of weights, " + gigabytes(cache_bytes) +
                        " of cache" + (step_bytes > 0 ? ", " + gigabytes(step_bytes) + " for a step's buffers, " + gigabytes(record_bytes) + " for records" : "") + "), but only " + gigabytes(available_bytes) + " are available",
                    where,
                    cache_matters ? "fewer tokens of context, sequences at once or tokens in a step, or a smaller cache format"
                                  : "a machine or memory limit with more memory, or a checkpoint in FP8 or BF16");
}

}  // namespace assay
