// SHA-256 through OpenSSL: identities of tasks, environments and everything else that is named by its content.
#pragma once

#include <string>
#include <string_view>

#include "envs/base/json.h"

namespace assay {

// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

// Of canonical_json(value): equal values have equal names.
std::string json_identity(const Json& value);

// Incremental form for what is too large to hold; update in any number of pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  std::string hex();  // finishes; call once

 private:
  void* context_;
};

}  // namespace assay
