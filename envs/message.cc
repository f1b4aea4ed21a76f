#include "envs/message.h"

namespace assay {

const char* role_name(Role role) {
  switch (role) {
    case Role::kSystem: return "system";
    case Role::kUser: return "user";
    case Role::kAssistant: return "assistant";
    case Role::kTool: return "tool";
  }
  return "user";
}

OrderedJson to_json(const Message& message) {
  OrderedJson json;
  json["role"] = role_name(message.role);
  json["content"] = message.text;
  if (!message.reasoning.empty()) json["reasoning_content"] = message.reasoning;
  if (!message.tool_calls.empty()) {
    OrderedJson& calls = json["tool_calls"] = OrderedJson::array();
    for (const ToolCall& call : message.tool_calls) {
      OrderedJson function{{"name", call.name}, {"arguments", call.arguments}};
      calls.push_back({{"id", call.id}, {"type", "function"}, {"function", std::move(function)}});
    }
  }
  if (message.role == Role::kTool) json["tool_call_id"] = message.tool_call_id;
  return json;
}

OrderedJson stored_json(const Message& message) {
  OrderedJson json = to_json(message);
  for (const Image& image : message.images) json["images"].push_back({{"mime", image.mime}, {"data", image.base64}});
  return json;
}

namespace {

std::string text_or_empty(const Json& json, const char* name) {
  auto it = json.find(name);
  return it != json.end() && it->is_string() ? it->get<std::string>() : "";
}

Result<ToolCall> tool_call_from_json(const Json& json, const std::string& where) {
  if (!json.is_object() || !json.contains("function") || !json["function"].is_object())
    return input_error("a tool call without a function", where);
  const Json& function = json["function"];
  ToolCall call{text_or_empty(json, "id"), text_or_empty(function, "name"), ""};
  if (call.name.empty()) return input_error("a tool call without a name", where);
  if (auto it = function.find("arguments"); it != function.end() && !it->is_null())
    call.arguments = it->is_string() ? it->get<std::string>() : canonical_json(*it);
  return call;
}

}  // namespace

Result<Message> message_from_json(const Json& json, const std::string& where) {
  if (!json.is_object()) return input_error("expected a message object", where);
  Message message;
  const std::string role = text_or_empty(json, "role");
  if (role == "system") message.role = Role::kSystem;
  else if (role == "user") message.role = Role::kUser;
  else if (role == "assistant") message.role = Role::kAssistant;
  else if (role == "tool") message.role = Role::kTool;
  else return input_error("unknown role '" + role + "'", where, "system, user, assistant or tool");
  message.text = text_or_empty(json, "content");
  message.reasoning = text_or_empty(json, "reasoning_content");
  message.tool_call_id = text_or_empty(json, "tool_call_id");
  if (auto it = json.find("images"); it != json.end() && it->is_array())
    for (const Json& image : *it)
      if (image.is_object()) message.images.push_back({text_or_empty(image, "mime"), text_or_empty(image, "data")});
  if (auto it = json.find("tool_calls"); it != json.end() && !it->is_null()) {
    if (!it->is_array()) return input_error("tool_calls is no array", where);
    for (const Json& item : *it) {
      ASSAY_ASSIGN(ToolCall call, tool_call_from_json(item, where));
      message.tool_calls.push_back(std::move(call));
    }
  }
  return message;
}

Conversation drop_old_reasoning(Conversation conversation) {
  size_t last_user = 0;
  for (size_t i = 0; i < conversation.size(); ++i)
    if (conversation[i].role == Role::kUser) last_user = i;
  for (size_t i = 0; i < last_user; ++i) conversation[i].reasoning.clear();
  return conversation;
}

}  // namespace assay
