// What the tests of synth/ share: results that must be good, the travel domain, and folders that go away.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "envs/base/json.h"
#include "envs/domains.h"
#include "synth/domain.h"

namespace assay::fixture {

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().text());
  return std::move(result).value();
}

inline Json domain_source(std::string_view name) {
  for (const EmbeddedDomain& domain : embedded_domains())
    if (domain.name == name) return must(parse_json(domain.text, name));
  FAIL("no such domain is built in: " << name);
  return {};
}
inline Json travel_source() { return domain_source("travel"); }

inline const Domain& travel() {
  static const std::shared_ptr<const Domain> domain = must(load_domain("travel"));
  return *domain;
}

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "assay-synth-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name, std::ios::binary) << text;
    return path_ + "/" + name;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace assay::fixture
