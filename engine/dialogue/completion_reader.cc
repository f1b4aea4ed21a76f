#include "engine/dialogue/completion_reader.h"

#include "envs/base/utf8.h"
#include "envs/encodings/deepseek_v32.h"

namespace assay {
namespace {

using encodings::deepseek_v32::kThinkEnd;

constexpr const char* kNameless = "malformed";

// The name in the first tag of a block of calls.
std::string first_name(std::string_view block) {
  const std::string tag = std::string(dsml::kInvoke) + std::string(dsml::kNamed);
  const size_t at = block.find(tag);
  if (at == std::string_view::npos) return kNameless;
  const std::string_view rest = block.substr(at + tag.size());
  const std::string_view name = rest.substr(0, rest.find(dsml::kNameEnd));
  return name.empty() || name.size() == rest.size() || name.find(dsml::kMarker) != std::string_view::npos ? kNameless : std::string(name);
}

}  // namespace

ReadCompletion read_completion(const MessageEncoding& encoding, std::string_view completion, Thinking thinking) {
  Result<Message> parsed = encoding.parse(completion, thinking);
  if (parsed.ok()) return {std::move(*parsed), std::nullopt};
  ReadCompletion read;
  read.malformed = parsed.error();
  read.message.role = Role::kAssistant;
  const std::string mended = with_replacements(completion);
  std::string_view rest = mended;
  if (thinking == Thinking::kOn) {
    const size_t end = rest.find(kThinkEnd);
    read.message.reasoning = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + kThinkEnd.size());
  }
  const size_t calls = rest.find(dsml::kBlockStart);
  read.message.text = rest.substr(0, calls);
  if (calls != std::string_view::npos) read.message.tool_calls = {{"", first_name(rest.substr(calls)), std::string(rest.substr(calls))}};
  return read;
}

Conversation sayable(Conversation conversation, const MessageEncoding& encoding, Thinking thinking) {
  const auto can_be_said = [&](const Message& message) { return encoding.encode_completion(message, thinking).ok(); };
  for (Message& message : conversation) {
    if (message.role != Role::kAssistant || can_be_said(message)) continue;
    Message stand_in;
    stand_in.role = Role::kAssistant;
    for (const ToolCall& call : message.tool_calls) {
      Message named;
      named.role = Role::kAssistant;
      named.tool_calls = {{"", call.name, "{}"}};
      stand_in.tool_calls.push_back(can_be_said(named) ? named.tool_calls[0] : ToolCall{"", kNameless, "{}"});
    }
    message = std::move(stand_in);
  }
  return conversation;
}

}  // namespace assay
