#include "engine/dialogue/completion_guide.h"

#include "envs/encodings/deepseek_v32.h"

namespace assay {

using encodings::deepseek_v32::kThinkEnd;

Result<std::shared_ptr<CompletionGrammar>> CompletionGrammar::make(std::shared_ptr<const TokenTree> tree, Thinking thinking, CallRule rule, std::span<const ToolSpec> tools) {
  auto grammar = std::make_shared<CompletionGrammar>(CompletionGrammar{.tokens = TokenGrammar(std::move(tree)), .thinking = thinking, .rule = rule});
  ASSAY_ASSIGN(grammar->start, completion_language(grammar->tokens.languages(), thinking, rule, tools));
  grammar->think_end = grammar->tokens.tokens().id_of(kThinkEnd).value_or(-1);
  if (thinking == Thinking::kOn && grammar->think_end < 0)
    return input_error("the tokenizer has no token " + std::string(kThinkEnd), "tokenizer.json", "the tokenizer that came with a model which reasons");
  return grammar;
}

CompletionGuide::CompletionGuide(std::shared_ptr<CompletionGrammar> grammar, const Options& options)
    : grammar_(std::move(grammar)), options_(options), state_(grammar_->start), reasoning_(grammar_->thinking == Thinking::kOn) {}

std::span<const uint64_t> CompletionGuide::allowed() {
  const bool spent = reasoning_ && options_.thinking_budget >= 0 && accepted_ >= options_.thinking_budget;
  if (spent) mask_ = end_of_reasoning();
  else if (grammar_->rule == CallRule::kFree) mask_ = nullptr;
  else mask_ = grammar_->tokens.allowed(state_, options_.limit - accepted_ - 1);
  return mask_ ? std::span<const uint64_t>(*mask_) : std::span<const uint64_t>();
}

// In the middle of a character, which </think> cannot follow, only what brings its end nearer.
std::shared_ptr<const TokenMask> CompletionGuide::end_of_reasoning() {
  Languages& languages = grammar_->tokens.languages();
  const auto can_end = [&](Language state) { return languages.after(state, kThinkEnd) != Languages::nothing(); };
  if (!can_end(state_)) return grammar_->tokens.allowed(state_, 0);
  TokenMask only(static_cast<size_t>((grammar_->tokens.tokens().vocab_size() + 63) / 64));
  only[static_cast<size_t>(grammar_->think_end / 64)] = uint64_t{1} << (grammar_->think_end % 64);
  return std::make_shared<const TokenMask>(std::move(only));
}

TokenGuide::Next CompletionGuide::accept(int32_t token) {
  ++accepted_;
  state_ = grammar_->tokens.after(state_, token);
  if (reasoning_) {
    tail_ += grammar_->tokens.tokens().bytes_of(token);
    reasoning_ = tail_.find(kThinkEnd) == std::string::npos;
    if (tail_.size() >= kThinkEnd.size()) tail_.erase(0, tail_.size() - (kThinkEnd.size() - 1));
  }
  const bool cancelled = options_.cancelled && options_.cancelled->load(std::memory_order_relaxed);
  return cancelled || state_ == Languages::empty() || state_ == Languages::nothing() ? Next::kStop : Next::kContinue;
}

}  // namespace assay
