#include "engine/grammar/token_grammar.h"

#include <algorithm>

namespace assay {
namespace {

size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin()).first - a.begin());
}

}  // namespace

TokenTree::TokenTree(Tokenizer tokenizer, int64_t vocab_size, std::string_view end) : tokenizer_(std::move(tokenizer)), vocab_size_(vocab_size) {
  constexpr size_t kLongest = UINT16_MAX;
  for (int64_t id = 0; id < std::min(vocab_size, tokenizer_.vocabulary_size()); ++id) {
    const std::string_view text = tokenizer_.bytes_of(id);
    if (text.empty() || text.size() > kLongest) continue;
    if (!tokenizer_.is_special(id) || text == end) tokens_.push_back(static_cast<int32_t>(id));
  }
  std::stable_sort(tokens_.begin(), tokens_.end(), [this](int32_t a, int32_t b) { return bytes_of(a) < bytes_of(b); });
  std::vector<size_t> open;   // the nodes from the root to the last one
  std::string_view last;
  const auto close_to = [&](size_t depth) {
    for (; open.size() > depth; open.pop_back()) nodes_[open.back()].end = static_cast<int32_t>(nodes_.size());
  };
  for (size_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view text = bytes_of(tokens_[i]);
    close_to(common_prefix(last, text));
    while (open.size() < text.size()) {
      const uint8_t byte = static_cast<uint8_t>(text[open.size()]);
      open.push_back(nodes_.size());
      nodes_.push_back({.first_token = static_cast<int32_t>(i), .depth = static_cast<uint16_t>(open.size()), .byte = byte});
    }
    deepest_ = std::max(deepest_, text.size());
    last = text;
  }
  close_to(0);
  nodes_.push_back({.end = static_cast<int32_t>(nodes_.size() + 1), .first_token = static_cast<int32_t>(tokens_.size())});
}

Language TokenGrammar::after(Language state, int32_t token) { return languages_.after(state, tokens_->bytes_of(token)); }

std::shared_ptr<const TokenMask> TokenGrammar::allowed(Language state, int64_t bytes) {
  if (const auto found = kept_.find(state); found != kept_.end() && found->second.most_bytes <= bytes) return found->second.mask;
  const bool whole = bytes == Languages::kNever;
  if (!whole && !kept_.contains(state)) {   // whole first, for the next of the many that come before the bound cuts
    allowed(state);
    return allowed(state, bytes);
  }
  Walk made = walk(state, whole ? bytes : std::max(bytes, languages_.least_bytes(state) - 1));
  if (!whole) return made.mask;
  if (static_cast<int64_t>((kept_.size() + 1) * made.mask->size() * sizeof(uint64_t)) > kKeptBytes) kept_.clear();
  return (kept_[state] = std::move(made)).mask;
}

TokenGrammar::Walk TokenGrammar::walk(Language state, int64_t bytes) {
  TokenMask mask(static_cast<size_t>((tokens_->vocab_size() + 63) / 64));
  int64_t most_bytes = 0;
  path_.assign(tokens_->deepest_ + 1, state);
  const size_t last = tokens_->nodes_.size() - 1;
  for (size_t i = 0; i < last;) {
    const TokenTree::Node& node = tokens_->nodes_[i];
    const Language next = path_[node.depth] = languages_.after(path_[node.depth - 1u], node.byte);
    if (next == Languages::nothing()) {
      i = static_cast<size_t>(node.end);
      continue;
    }
    const int32_t past = tokens_->nodes_[++i].first_token;
    const int64_t least = languages_.least_bytes(next);
    if (node.first_token == past || least > bytes) continue;
    most_bytes = std::max(most_bytes, least);
    for (int32_t at = node.first_token; at < past; ++at) {
      const auto token = static_cast<size_t>(tokens_->tokens_[static_cast<size_t>(at)]);
      mask[token / 64] |= uint64_t{1} << (token % 64);
    }
  }
  return {std::make_shared<const TokenMask>(std::move(mask)), most_bytes};
}

}  // namespace assay
