// Conversations, in the shape every chat API shares. Reasoning is kept beside the text, never inside it.
#pragma once

#include <string>
#include <vector>

#include "envs/base/json.h"
#include "envs/tool.h"

namespace assay {

enum class Role { kSystem, kUser, kAssistant, kTool };

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON text as the policy wrote it: possibly malformed, then a failed call with its reason
};

struct Message {
  Role role = Role::kUser;
  std::string text;
  std::string reasoning;              // assistant only
  std::vector<ToolCall> tool_calls;   // assistant only
  std::string tool_call_id;           // tool only
  std::vector<Image> images = {};     // tool only: kept with the rollout, left out of the chat form
};

using Conversation = std::vector<Message>;

const char* role_name(Role role);

// Whole, for the store: the chat form with "images": [{"mime","data"}] where there are any.
OrderedJson stored_json(const Message& message);
// OpenAI chat form: {"role","content","reasoning_content"?,"tool_calls"?,"tool_call_id"?}; arguments stay a string.
OrderedJson to_json(const Message& message);
Result<Message> message_from_json(const Json& json, const std::string& where);

// The report's rule for reasoning (report.md section 3): what came before the last user message has its reasoning dropped,
// tool calls and results stay; while only tool results are appended everything stays.
Conversation drop_old_reasoning(Conversation conversation);

}  // namespace assay
