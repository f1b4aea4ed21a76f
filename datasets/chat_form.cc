#include "datasets/chat_form.h"

#include <algorithm>

namespace assay {
namespace {

bool is_assistant(const Message& message) { return message.role == Role::kAssistant; }

}  // namespace

OrderedJson argument_object(const ToolCall& call) {
  OrderedJson arguments = OrderedJson::parse(call.arguments, nullptr, false);
  return arguments.is_object() ? arguments : OrderedJson();
}

bool has_argument_objects(const Conversation& messages) {
  return std::all_of(messages.begin(), messages.end(), [](const Message& message) {
    return std::none_of(message.tool_calls.begin(), message.tool_calls.end(), [](const ToolCall& call) { return argument_object(call).is_null(); });
  });
}

OrderedJson chat_json(std::span<const Message> messages, const ChatForm& form) {
  OrderedJson out = OrderedJson::array();
  for (const Message& message : messages) {
    OrderedJson json = to_json(message);
    if (!form.reasoning) json.erase("reasoning_content");
    if (!form.declarations) json.erase("tools"), json.erase("response_format");
    if (form.argument_objects)
      for (size_t i = 0; i < message.tool_calls.size(); ++i) json["tool_calls"][i]["function"]["arguments"] = argument_object(message.tool_calls[i]);
    out.push_back(std::move(json));
  }
  return out;
}

std::span<const Message> opening_of(const Conversation& messages) {
  return {messages.begin(), std::find_if(messages.begin(), messages.end(), is_assistant)};
}

std::span<const Message> completion_of(const Conversation& messages) {
  return {std::find_if(messages.begin(), messages.end(), is_assistant), std::find_if(messages.rbegin(), messages.rend(), is_assistant).base()};
}

}  // namespace assay
