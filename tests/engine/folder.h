// A folder for one test, and results that a test cannot do without.
#pragma once

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>

#include "envs/base/status.h"

namespace assay::test {

// A folder that is gone at the end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "assay-engine-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path() const { return path_; }

 private:
  std::string path_;
};

template <typename T>
T need(Result<T> result) {
  if (!result.ok()) FAIL(result.error().text());
  return std::move(result).value();
}

inline void need(const Status& status) {
  if (!status.ok()) FAIL(status.error().text());
}

}  // namespace assay::test
