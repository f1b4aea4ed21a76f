// Guides the sampling of one message in the encoding deepseek_v32: keeps calls to their tools' schemas, ends the reasoning when its
// budget is spent, and ends the turn with the message: at the end of the sentence, after its tool calls, or as soon as it is
// malformed whatever follows.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "engine/grammar/completion_language.h"
#include "engine/grammar/token_grammar.h"
#include "engine/runtime/token_guide.h"

namespace assay {

// What completions are, for all guides of one engine that have the same tools.
struct CompletionGrammar {
  TokenGrammar tokens;
  Language start = Languages::nothing();
  Thinking thinking = Thinking::kOff;
  CallRule rule = CallRule::kFree;
  int32_t think_end = -1;   // the token </think>

  // `tree` has the tokens of the encoding; errors as of completion_language.
  static Result<std::shared_ptr<CompletionGrammar>> make(std::shared_ptr<const TokenTree> tree, Thinking thinking, CallRule rule, std::span<const ToolSpec> tools);
};

class CompletionGuide final : public TokenGuide {
 public:
  struct Options {
    int64_t limit = 0;             // of the turn. With a schema the message is brought to its end before; it is cut only where it never could end in time
    int64_t thinking_budget = -1;  // tokens of reasoning, then </think> is the only one allowed (after the rest of a character, if need be); -1: no bound
    const std::atomic<bool>* cancelled = nullptr;   // ends the turn with its next token
  };

  CompletionGuide(std::shared_ptr<CompletionGrammar> grammar, const Options& options);

  std::span<const uint64_t> allowed() override;
  Next accept(int32_t token) override;

 private:
  std::shared_ptr<const TokenMask> end_of_reasoning();

  std::shared_ptr<CompletionGrammar> grammar_;
  const Options options_;
  Language state_;
  std::shared_ptr<const TokenMask> mask_;   // of the last allowed()
  int64_t accepted_ = 0;
  bool reasoning_;
  std::string tail_;   // of the reasoning: as much as may be the beginning of its end
};

}  // namespace assay
