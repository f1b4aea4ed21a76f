// Conversations, in the shape every chat API shares. Reasoning is kept beside the text, never inside it.
#pragma once

#include <string>
#include <vector>

#include "envs/base/json.h"
#include "envs/tool.h"

namespace assay {

// A developer speaks as a user does, and may declare tools as the system does.
enum class Role { kSystem, kDeveloper, kUser, kAssistant, kTool };

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON text as the policy wrote it: possibly malformed, then a failed call with its reason

  bool operator==(const ToolCall&) const = default;
};

struct Message {
  Role role = Role::kUser;
  std::string text;
  std::string reasoning;              // assistant only
  std::vector<ToolCall> tool_calls;   // assistant only
  std::string tool_call_id;           // tool only
  std::vector<Image> images = {};     // tool only: kept with the rollout, left out of the chat form
  OrderedJson tools = nullptr;            // system and developer: the tools declared here, as the chat API lists them, or null
  OrderedJson response_format = nullptr;  // system and developer: the schema that replies must keep to, or null

  bool operator==(const Message&) const = default;
};

using Conversation = std::vector<Message>;

const char* role_name(Role role);

// Whole, for the store: the chat form with "images": [{"mime","data"}] where there are any.
OrderedJson stored_json(const Message& message);
// OpenAI chat form: {"role","content","reasoning_content"?,"tool_calls"?,"tool_call_id"?,"tools"?,"response_format"?};
// arguments stay a string.
OrderedJson to_json(const Message& message);
// Content is a string, null, or a list of parts of type "text", which are joined. Arguments that are no string are kept as
// JSON text; the ordered form keeps the order of their keys, and that of tools and response formats.
Result<Message> message_from_json(const Json& json, const std::string& where);
Result<Message> message_from_json(const OrderedJson& json, const std::string& where);

// The place of the last user or developer message, or -1.
int64_t last_user_message(const Conversation& conversation);
// The report's rule for reasoning (report.md section 3): what came before the last user or developer message has its reasoning
// dropped, tool calls and results stay; while only tool results are appended everything stays.
Conversation drop_old_reasoning(Conversation conversation);

}  // namespace assay
