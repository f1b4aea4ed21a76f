// DeepSeek-V3.2 (report.md section 3; the wire-format constants' source is in NOTICE). A conversation is the beginning of the
// sentence and its messages, one after the other; every user message, developer message and last result of a group ends in the
// tag that says how the assistant goes on: <think>, or </think> where it does not think.
#include "envs/encodings/deepseek_v32.h"

#include "envs/base/json_spelling.h"
#include "envs/base/utf8.h"
#include "envs/message_encoding.h"

namespace assay::encodings::deepseek_v32 {
namespace {

struct Found {
  std::string_view token;
  size_t at = std::string_view::npos;
  explicit operator bool() const { return at != std::string_view::npos; }
};

// The first occurrence of the first token that occurs.
template <size_t count>
Found find_token(std::string_view text, const std::array<std::string_view, count>& tokens) {
  for (const std::string_view token : tokens)
    if (const size_t at = text.find(token); at != std::string_view::npos) return {token, at};
  return {};
}

Error token_error(const char* what, std::string_view token, const std::string& where) {
  return input_error(std::string(what) + " holds " + std::string(token) + ", a token of the format", where, "the text without it");
}

class Encoder {
 public:
  explicit Encoder(Thinking thinking) : thinking_(thinking) {}

  Status put(const Conversation& conversation) {
    if (conversation.empty()) return input_error("a conversation without messages", "messages", "at least a user message");
    last_user_ = last_user_message(conversation);
    out_.reserve(size_of(conversation));
    out_.put(kBegin);
    for (const Message& message : conversation) {
      where_ = "messages[" + std::to_string(&message - conversation.data()) + "]";
      ASSAY_TRY(check(message));
      ASSAY_TRY(put(message, &message - conversation.data()));
    }
    return all_answered();
  }

  // With `thought`, the reasoning goes before the text.
  Status put_answer(const Message& message, bool thought) {
    if (thought) {
      if (const Found found = find_token(message.reasoning, kTurnTokens)) return token_error("the reasoning", found.token, where_);
      if (const Found found = find_token(message.reasoning, kAnswerTokens)) return token_error("the reasoning", found.token, where_);
      out_.put(message.reasoning);
      out_.put(kThinkEnd);
    }
    if (const Found found = find_token(message.text, kTurnTokens)) return token_error("the text", found.token, where_);
    if (const Found found = find_token(message.text, kAnswerTokens)) return token_error("the text", found.token, where_);
    out_.put(message.text);
    if (!message.tool_calls.empty()) {
      const size_t start = out_.view().size();
      ASSAY_TRY(dsml::put_calls(out_, message.tool_calls, where_));
      if (const Found found = find_token(out_.view().substr(start), kTurnTokens)) return token_error("a tool call", found.token, where_);
    }
    out_.put(kEnd);
    return {};
  }

  std::string text() const { return out_.text(); }

 private:
  static size_t size_of(const Conversation& conversation) {
    size_t bytes = 4096;
    for (const Message& message : conversation) {
      bytes += message.text.size() + message.reasoning.size() + 64;
      for (const ToolCall& call : message.tool_calls) bytes += call.arguments.size() + 256;
    }
    return bytes;
  }

  Status check(const Message& message) const {
    const bool declares = message.role == Role::kSystem || message.role == Role::kDeveloper;
    if (!declares && (!message.tools.is_null() || !message.response_format.is_null()))
      return input_error("tools or a response format in a message of role " + std::string(role_name(message.role)), where_,
                         "in a system or developer message");
    if (message.role == Role::kAssistant) return {};
    if (!message.reasoning.empty() || !message.tool_calls.empty())
      return input_error("reasoning or tool calls in a message of role " + std::string(role_name(message.role)), where_,
                         "in an assistant message");
    if (const Found found = find_token(message.text, kTurnTokens)) return token_error("the text", found.token, where_);
    return {};
  }

  Status put(const Message& message, int64_t index) {
    if (message.role == Role::kTool) return put_result(message, index);
    ASSAY_TRY(all_answered());
    open_results_ = answered_ = 0;
    switch (message.role) {
      case Role::kSystem:
        out_.put(message.text);
        return put_declarations(message);
      case Role::kDeveloper:
        if (message.text.empty()) return input_error("a developer message without text", where_, "a system message, for tools alone");
        out_.put(kUser);
        ASSAY_TRY(put_declarations(message));
        out_.put("\n\n# The user's message is: ");
        return end_turn(message.text, index);
      case Role::kUser:
        out_.put(kUser);
        return end_turn(message.text, index);
      case Role::kAssistant:
        open_results_ = message.tool_calls.size();
        return put_answer(message, thinking_ == Thinking::kOn && index > last_user_);
      case Role::kTool: break;
    }
    ASSAY_ASSERT(!"a role");
  }

  Status end_turn(std::string_view text, int64_t index) {
    out_.put(text);
    out_.put(kAssistant);
    put_opening(index);
    return {};
  }

  void put_opening(int64_t index) { out_.put(thinking_ == Thinking::kOn && index >= last_user_ ? kThink : kThinkEnd); }

  Status put_result(const Message& message, int64_t index) {
    if (answered_ == open_results_)
      return input_error(open_results_ == 0 ? "a tool result that follows no tool call" : "more tool results than tool calls", where_,
                         "one result for each call of the assistant message before, in their order");
    if (answered_ == 0) out_.put("\n\n<function_results>");
    out_.put("\n<result>");
    out_.put(message.text);
    out_.put("</result>");
    if (++answered_ < open_results_) return {};
    out_.put("\n</function_results>\n\n");
    put_opening(index);
    return {};
  }

  // A group of results that was begun must be whole.
  Status all_answered() const {
    if (answered_ == 0 || answered_ == open_results_) return {};
    return input_error("only " + std::to_string(answered_) + " of " + std::to_string(open_results_) + " tool calls have a result before this ends",
                       where_, "one result for each call of the assistant message before, in their order");
  }

  Status put_declarations(const Message& message) {
    const size_t start = out_.view().size();
    if (!message.tools.is_null() && !message.tools.empty()) ASSAY_TRY(put_tools(message.tools));
    if (!message.response_format.is_null()) {
      out_.put("\n\n## Response Format:\n\nYou MUST strictly adhere to the following schema to reply:\n");
      ASSAY_TRY(put_json(message.response_format));
    }
    if (const Found found = find_token(out_.view().substr(start), kTurnTokens)) return token_error("a declaration", found.token, where_);
    return {};
  }

  Status put_tools(const OrderedJson& tools) {
    if (!tools.is_array()) return input_error("\"tools\" is no list", where_);
    constexpr std::string_view kPlace = "{tool_schemas}";
    const std::string_view block = encoding_texts()[0].text;
    const size_t place = block.find(kPlace);
    out_.put("\n\n");
    out_.put(block.substr(0, place));
    for (const OrderedJson& tool : tools) {
      // The chat API's {"type": "function", "function": {…}}, or the function alone.
      const OrderedJson& function = tool.is_object() && tool.contains("function") ? tool["function"] : tool;
      if (!function.is_object() || !function.contains("name"))
        return input_error("a tool without a function that has a name", where_, R"({"type": "function", "function": {"name": …}})");
      if (&tool != &tools.front()) out_.put("\n");
      ASSAY_TRY(put_json(function));
    }
    out_.put(block.substr(place + kPlace.size()));
    return {};
  }

  Status put_json(const OrderedJson& json) {
    return spell_json(out_, json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace), where_);
  }

  const Thinking thinking_;
  TextWriter out_;
  std::string where_ = "message";
  int64_t last_user_ = -1;
  size_t open_results_ = 0, answered_ = 0;  // of the last assistant message: calls, and results so far
};

Result<std::string> encode(const Conversation& conversation, Thinking thinking) {
  Encoder encoder(thinking);
  ASSAY_TRY(encoder.put(conversation));
  return encoder.text();
}

Result<std::string> encode_completion(const Message& message, Thinking thinking) {
  if (message.role != Role::kAssistant) return input_error("not an assistant message", "message");
  Encoder encoder(thinking);
  ASSAY_TRY(encoder.put_answer(message, thinking == Thinking::kOn));
  return encoder.text();
}

// Text or reasoning that ends at `end` of the completion.
Result<std::string> read_text(std::string_view completion, size_t start, size_t end, const char* what) {
  const std::string_view text = completion.substr(start, end - start);
  if (const Found found = find_token(text, kAnswerTokens))
    return dsml::format_error(std::string(what) + " holds " + std::string(found.token), start + found.at);
  return std::string(text);
}

Result<Message> parse(std::string_view completion, Thinking thinking) {
  if (const size_t good = well_formed_bytes(completion); good < completion.size()) return dsml::format_error("not UTF-8", good);
  const bool ended = completion.ends_with(kEnd);
  const std::string_view body = completion.substr(0, completion.size() - (ended ? kEnd.size() : 0));
  if (const Found found = find_token(body, kTurnTokens))
    return dsml::format_error(found.token == kEnd ? "the completion goes on after its end" : "it holds " + std::string(found.token), found.at);

  Message message;
  message.role = Role::kAssistant;
  size_t at = 0;
  size_t calls = body.find(dsml::kBlockStart);
  if (thinking == Thinking::kOn) {
    const size_t thought = body.find(kThinkEnd);
    if (calls < thought) return dsml::format_error("a tool call before " + std::string(kThinkEnd), calls);
    if (thought == std::string_view::npos) return dsml::format_error("the reasoning does not end in " + std::string(kThinkEnd), body.size());
    ASSAY_ASSIGN(message.reasoning, read_text(body, 0, thought, "the reasoning"));
    at = thought + kThinkEnd.size();
  }
  ASSAY_ASSIGN(message.text, read_text(body, at, std::min(calls, body.size()), "the text"));
  if (calls == std::string_view::npos) {
    if (!ended) return dsml::format_error("no " + std::string(kEnd) + " after the text", body.size(), "more tokens for the completion");
    return message;
  }
  at = calls + dsml::kBlockStart.size();
  ASSAY_ASSIGN(message.tool_calls, dsml::read_calls(body, at));
  if (at < body.size()) return dsml::format_error("text after the tool calls", at);
  return message;
}

}  // namespace

MessageEncoding make() {
  return {"deepseek_v32", "DeepSeek-V3.2: DSML tool calls, thinking and non-thinking", encode, encode_completion, parse};
}

}  // namespace assay::encodings::deepseek_v32
