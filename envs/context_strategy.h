// What happens when a conversation outgrows the model's context (report.md section 3): once 80% of the window is used, history
// is dropped and the attempt goes on. The record keeps every message; the policy sees the opening and the latest of them.
//
//   summary      the policy is asked to summarise, without tools; it goes on from the opening and its summary
//   discard-75%  the oldest three quarters of the tool history are dropped, in whole steps (an assistant message and its
//                results), rounded up
//   discard-all  all of the tool history is dropped
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "envs/message.h"

namespace assay {

struct Usage {
  int64_t prompt_tokens = 0, completion_tokens = 0, cached_tokens = 0;
};

enum class ContextStrategy { kNone, kSummary, kDiscard75, kDiscardAll };

const char* context_strategy_name(ContextStrategy strategy);
// "summary", "discard-75" or "discard-75%", "discard-all".
Result<ContextStrategy> context_strategy_named(const std::string& name);

// A guess that errs high for most texts and tokenizers: one token for every three bytes, rounded up. English has about four
// bytes a token, source code and JSON about three, Chinese four to five.
int64_t estimated_tokens(std::string_view text);

struct ContextOptions {
  ContextStrategy strategy = ContextStrategy::kNone;
  int64_t window_tokens = 0;   // with a strategy: positive
  // Counts what nobody has reported: where the policy reports the prompt tokens of a turn, they and its completion's are taken
  // instead, and only what was added since is counted.
  std::function<int64_t(std::string_view)> count_tokens = estimated_tokens;
};

// From message `message` of the record on, the policy saw the opening and the messages from `kept_from` on.
struct ContextReset {
  int64_t message = 0, kept_from = 0;
  int64_t tokens = 0;          // used when it happened, as counted

  bool operator==(const ContextReset&) const = default;
};

struct ContextRecord {
  std::string strategy;        // as named
  int64_t window_tokens = 0;
  std::vector<ContextReset> resets;

  bool operator==(const ContextRecord&) const = default;
};

Json to_json(const ContextRecord& record);
Result<ContextRecord> context_record_from_json(const Json& json, const std::string& where);

// The conversation of one attempt: the record, and the part of it that the policy sees.
class ContextWindow {
 public:
  // `options` is borrowed. `fixed_tokens`: what every prompt holds besides messages (the tools' definitions).
  ContextWindow(Conversation opening, const ContextOptions& options, int64_t fixed_tokens = 0);

  // Stays where it is while the window lives; changes with what is added.
  const Conversation& visible() const { return resets_.empty() ? messages_ : visible_; }
  const Conversation& messages() const { return messages_; }
  const std::vector<ContextReset>& resets() const { return resets_; }
  int64_t tokens() const { return tokens_; }
  Conversation take_messages() && { return std::move(messages_); }

  void add(Message message);
  // The policy's answer to what is visible; `usage` is of this one turn.
  void add_answer(Message message, const Usage& usage);

  // Whether 80% of the window is used and there are whole steps that could go.
  bool overflows() const;
  // Drops what the strategy says, again until nothing overflows. For the discarding strategies; between steps.
  void discard();
  // Adds the request for a summary; its answer is added as any other, and then the conversation begins again with it.
  void ask_for_summary();
  void restart_from_summary();

 private:
  int64_t tokens_of(const Message& message) const;
  void keep_from(size_t message);

  const ContextOptions& options_;
  const size_t opening_;             // messages that always stay
  const int64_t fixed_tokens_;
  Conversation messages_, visible_;  // visible_: once there was a reset
  size_t kept_from_;
  std::vector<ContextReset> resets_;
  int64_t tokens_ = 0;
};

}  // namespace assay
