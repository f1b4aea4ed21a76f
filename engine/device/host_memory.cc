#include "engine/device/host_memory.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <string>

namespace assay {
namespace {

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

}  // namespace assay
