// The files that make_golden.py writes.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "envs/base/json.h"

namespace assay {

inline std::string golden_path(const std::string& name) {
  const char* source = std::getenv("ASSAY_SOURCE");
  return std::string(source ? source : ".") + "/tests/engine/tokenizer/data/" + name;
}

inline Json golden_json(const std::string& name) {
  Result<Json> json = read_json_file(golden_path(name));
  if (!json.ok()) FAIL(json.error().text());
  return std::move(json).value();
}

}  // namespace assay
