#include "envs/context_strategy.h"

#include <algorithm>

namespace assay {
namespace {

constexpr const char* kSummaryRequest =
    "The conversation has almost used up its context and is about to begin again without its history. Write down now, for "
    "yourself, everything you need in order to go on: what has been found so far and how sure it is, what was tried and failed, "
    "which results the answer rests on (names and numbers exactly as the tools gave them), and what remains to be done. Do not "
    "call a tool and do not answer the task yet.";
constexpr const char* kSummaryHeading = "The attempt at this task was begun earlier and its history has been cut. What you noted before the cut:\n\n";

constexpr ContextStrategy kStrategies[] = {ContextStrategy::kSummary, ContextStrategy::kDiscard75, ContextStrategy::kDiscardAll};

Json to_json(const ContextReset& reset) {
  return {{"message", reset.message}, {"kept_from", reset.kept_from}, {"tokens", reset.tokens}};
}

}  // namespace

const char* context_strategy_name(ContextStrategy strategy) {
  switch (strategy) {
    case ContextStrategy::kNone: return "none";
    case ContextStrategy::kSummary: return "summary";
    case ContextStrategy::kDiscard75: return "discard-75";
    case ContextStrategy::kDiscardAll: return "discard-all";
  }
  return "none";
}

Result<ContextStrategy> context_strategy_named(const std::string& name) {
  if (name == "discard-75%") return ContextStrategy::kDiscard75;
  std::vector<std::string> known;
  for (const ContextStrategy strategy : kStrategies) {
    if (name == context_strategy_name(strategy)) return strategy;
    known.push_back(context_strategy_name(strategy));
  }
  return unknown_name("context strategy", name, known);
}

int64_t estimated_tokens(std::string_view text) { return (static_cast<int64_t>(text.size()) + 2) / 3; }

Json to_json(const ContextRecord& record) {
  Json resets = Json::array();
  for (const ContextReset& reset : record.resets) resets.push_back(to_json(reset));
  return {{"strategy", record.strategy}, {"window_tokens", record.window_tokens}, {"resets", std::move(resets)}};
}

Result<ContextRecord> context_record_from_json(const Json& json, const std::string& where) {
  const JsonReader::IntegerRule count{.minimum = 0, .maximum = INT64_MAX};
  JsonReader r(json, where, "$.context");
  ContextRecord record{r.text("strategy"), r.integer("window_tokens", count), {}};
  for (const Json& item : r.array("resets")) {
    JsonReader one(item, where, "$.context.resets[" + std::to_string(record.resets.size()) + "]");
    record.resets.push_back({one.integer("message", count), one.integer("kept_from", count), one.integer("tokens", count)});
    ASSAY_TRY(one.finish());
  }
  ASSAY_TRY(r.finish());
  return record;
}

ContextWindow::ContextWindow(Conversation opening, const ContextOptions& options, int64_t fixed_tokens)
    : options_(options), opening_(opening.size()), fixed_tokens_(fixed_tokens), messages_(std::move(opening)), kept_from_(opening_), tokens_(fixed_tokens) {
  for (const Message& message : messages_) tokens_ += tokens_of(message);
}

int64_t ContextWindow::tokens_of(const Message& message) const {
  if (options_.strategy == ContextStrategy::kNone) return 0;
  constexpr int64_t kFrame = 8;  // of a message or a call: role, tags, names of parts
  int64_t tokens = kFrame + options_.count_tokens(message.text) + options_.count_tokens(message.reasoning);
  for (const ToolCall& call : message.tool_calls) tokens += kFrame + options_.count_tokens(call.name) + options_.count_tokens(call.arguments);
  return tokens;
}

void ContextWindow::add(Message message) {
  tokens_ += tokens_of(message);
  if (!resets_.empty()) visible_.push_back(message);
  messages_.push_back(std::move(message));
}

void ContextWindow::add_answer(Message message, const Usage& usage) {
  add(std::move(message));
  if (usage.prompt_tokens > 0) tokens_ = usage.prompt_tokens + usage.completion_tokens;
}

bool ContextWindow::overflows() const {
  if (options_.strategy == ContextStrategy::kNone || tokens_ < options_.window_tokens - options_.window_tokens / 5) return false;
  return std::any_of(messages_.begin() + static_cast<ptrdiff_t>(kept_from_), messages_.end(),
                     [](const Message& message) { return message.role == Role::kAssistant; });
}

void ContextWindow::discard() {
  std::vector<size_t> steps;  // where each begins
  for (; overflows(); steps.clear()) {
    for (size_t i = kept_from_; i < messages_.size(); ++i)
      if (messages_[i].role == Role::kAssistant) steps.push_back(i);
    const size_t dropped = options_.strategy == ContextStrategy::kDiscard75 ? (3 * steps.size() + 3) / 4 : steps.size();
    keep_from(dropped < steps.size() ? steps[dropped] : messages_.size());
  }
}

void ContextWindow::ask_for_summary() { add({Role::kUser, kSummaryRequest, "", {}, ""}); }

void ContextWindow::restart_from_summary() {
  Message notes{Role::kUser, kSummaryHeading + messages_.back().text, "", {}, ""};
  keep_from(messages_.size());
  add(std::move(notes));
}

void ContextWindow::keep_from(size_t message) {
  resets_.push_back({static_cast<int64_t>(messages_.size()), static_cast<int64_t>(message), tokens_});
  kept_from_ = message;
  visible_.assign(messages_.begin(), messages_.begin() + static_cast<ptrdiff_t>(opening_));
  visible_.insert(visible_.end(), messages_.begin() + static_cast<ptrdiff_t>(message), messages_.end());
  tokens_ = fixed_tokens_;
  for (const Message& kept : visible_) tokens_ += tokens_of(kept);
}

}  // namespace assay
