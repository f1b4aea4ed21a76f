// A folder for what a benchmark writes; gone with the object. Its path is new, and it is made by whoever writes to it.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace assay::bench {

struct TemporaryFolder {
  explicit TemporaryFolder(const std::string& area) : path(std::filesystem::temp_directory_path() / ("assay-bench-" + area + "-" + std::to_string(::getpid()))) {}
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path path;
};

}  // namespace assay::bench
