#include "envs/message.h"

namespace assay {

const char* role_name(Role role) {
  switch (role) {
    case Role::kSystem: return "system";
    case Role::kDeveloper: return "developer";
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
  if (!message.tools.is_null()) json["tools"] = message.tools;
  if (!message.response_format.is_null()) json["response_format"] = message.response_format;
  return json;
}

OrderedJson stored_json(const Message& message) {
  OrderedJson json = to_json(message);
  for (const Image& image : message.images) json["images"].push_back({{"mime", image.mime}, {"data", image.base64}});
  return json;
}

namespace {

template <typename AnyJson>
const AnyJson* find(const AnyJson& object, const char* name) {
  const auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

// The member's string; empty where it is absent or null.
template <typename AnyJson>
Result<std::string> text_of(const AnyJson& object, const char* name, const std::string& where) {
  const AnyJson* value = find(object, name);
  if (!value) return std::string();
  if (value->is_string()) return value->template get<std::string>();
  return input_error(std::string("\"") + name + "\" is of type " + value->type_name() + ", expected a string or null", where);
}

template <typename AnyJson>
Result<std::string> content_of(const AnyJson& message, const std::string& where) {
  const AnyJson* content = find(message, "content");
  if (!content || !content->is_array()) return text_of(message, "content", where);
  std::string text;
  for (const AnyJson& part : *content) {
    if (!part.is_object() || part.value("type", "") != "text")
      return input_error("a part of \"content\" is no text", where, "parts of type \"text\" only");
    ASSAY_ASSIGN(const std::string piece, text_of(part, "text", where));
    text += piece;
  }
  return text;
}

template <typename AnyJson>
Result<ToolCall> tool_call_from_json(const AnyJson& json, const std::string& where) {
  const AnyJson* function = json.is_object() ? find(json, "function") : nullptr;
  if (!function || !function->is_object()) return input_error("a tool call without a function", where);
  ToolCall call;
  ASSAY_ASSIGN(call.id, text_of(json, "id", where));
  ASSAY_ASSIGN(call.name, text_of(*function, "name", where));
  if (call.name.empty()) return input_error("a tool call without a name", where);
  if (const AnyJson* arguments = find(*function, "arguments"))
    call.arguments = arguments->is_string() ? arguments->template get<std::string>()
                                            : arguments->dump(-1, ' ', false, AnyJson::error_handler_t::replace);
  return call;
}

Result<Role> role_named(const std::string& name, const std::string& where) {
  for (const Role role : {Role::kSystem, Role::kDeveloper, Role::kUser, Role::kAssistant, Role::kTool})
    if (name == role_name(role)) return role;
  return input_error("unknown role '" + name + "'", where, "system, developer, user, assistant or tool");
}

template <typename AnyJson>
Result<Message> read_message(const AnyJson& json, const std::string& where) {
  if (!json.is_object()) return input_error("expected a message object", where);
  Message message;
  ASSAY_ASSIGN(const std::string role, text_of(json, "role", where));
  ASSAY_ASSIGN(message.role, role_named(role, where));
  ASSAY_ASSIGN(message.text, content_of(json, where));
  ASSAY_ASSIGN(message.reasoning, text_of(json, "reasoning_content", where));
  ASSAY_ASSIGN(message.tool_call_id, text_of(json, "tool_call_id", where));
  if (const AnyJson* images = find(json, "images"); images && images->is_array())
    for (const AnyJson& item : *images) {
      if (!item.is_object()) continue;
      Image& image = message.images.emplace_back();
      ASSAY_ASSIGN(image.mime, text_of(item, "mime", where));
      ASSAY_ASSIGN(image.base64, text_of(item, "data", where));
    }
  if (const AnyJson* calls = find(json, "tool_calls")) {
    if (!calls->is_array()) return input_error("tool_calls is no array", where);
    for (const AnyJson& item : *calls) {
      ASSAY_ASSIGN(ToolCall call, tool_call_from_json(item, where));
      message.tool_calls.push_back(std::move(call));
    }
  }
  if (const AnyJson* tools = find(json, "tools")) message.tools = *tools;
  if (const AnyJson* format = find(json, "response_format")) message.response_format = *format;
  return message;
}

}  // namespace

Result<Message> message_from_json(const Json& json, const std::string& where) { return read_message(json, where); }
Result<Message> message_from_json(const OrderedJson& json, const std::string& where) { return read_message(json, where); }

int64_t last_user_message(const Conversation& conversation) {
  for (size_t i = conversation.size(); i-- > 0;)
    if (conversation[i].role == Role::kUser || conversation[i].role == Role::kDeveloper) return static_cast<int64_t>(i);
  return -1;
}

Conversation drop_old_reasoning(Conversation conversation) {
  const int64_t last = last_user_message(conversation);
  for (int64_t i = 0; i < last; ++i) conversation[static_cast<size_t>(i)].reasoning.clear();
  return conversation;
}

}  // namespace assay
