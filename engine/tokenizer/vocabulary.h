// Tokens and their ids, both ways.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "envs/base/status.h"

namespace assay {

class Vocabulary {
 public:
  static constexpr int64_t kMaxId = (int64_t{1} << 21) - 1;

  Vocabulary() = default;
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  // An error if the token or the id is there already, or the id lies outside [0, kMaxId].
  Status add(const std::string& token, int64_t id, const std::string& where);

  std::optional<int32_t> id_of(std::string_view token) const;
  // Nothing for an id without a token; lives as long as the vocabulary.
  const std::string* token_of(int64_t id) const;
  int64_t count() const { return static_cast<int64_t>(ids_.size()); }
  // The highest id + 1.
  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> ids_;
  std::vector<const std::string*> tokens_;  // keys of ids_
};

}  // namespace assay
