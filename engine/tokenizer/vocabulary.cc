#include "engine/tokenizer/vocabulary.h"

#include "envs/base/json.h"

namespace assay {

Status Vocabulary::add(const std::string& token, int64_t id, const std::string& where) {
  const std::string shown = canonical_json(token);
  if (id < 0 || id > kMaxId)
    return input_error("the token " + shown + " has the id " + std::to_string(id) + "; allowed are 0 to " + std::to_string(kMaxId), where);
  if (const std::string* other = token_of(id))
    return input_error("the id " + std::to_string(id) + " is given to " + canonical_json(*other) + " and to " + shown, where);
  const auto [place, added] = ids_.emplace(token, static_cast<int32_t>(id));
  if (!added) return input_error("the token " + shown + " has the ids " + std::to_string(place->second) + " and " + std::to_string(id), where);
  if (id >= size()) tokens_.resize(static_cast<size_t>(id) + 1);
  tokens_[static_cast<size_t>(id)] = &place->first;
  return {};
}

std::optional<int32_t> Vocabulary::id_of(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

const std::string* Vocabulary::token_of(int64_t id) const { return id >= 0 && id < size() ? tokens_[static_cast<size_t>(id)] : nullptr; }

}  // namespace assay
