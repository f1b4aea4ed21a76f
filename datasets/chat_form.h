// Conversations as trainers of chat models read them: OpenAI's messages, with differences.
#pragma once

#include <span>

#include "envs/message.h"

namespace assay {

struct ChatForm {
  bool reasoning = true;            // as reasoning_content
  bool declarations = true;         // tools and response_format of the messages that declare them
  bool argument_objects = false;    // arguments as a JSON object, not as text; then has_argument_objects must hold
};

OrderedJson chat_json(std::span<const Message> messages, const ChatForm& form = {});

// Whether the arguments of every call are a JSON object.
bool has_argument_objects(const Conversation& messages);
// The arguments of a call; null if they are no JSON object.
OrderedJson argument_object(const ToolCall& call);

// The messages before the first of the assistant: what a completion goes on from.
std::span<const Message> opening_of(const Conversation& messages);
// From the first message of the assistant to its last: what tools said to that is nothing to learn from.
std::span<const Message> completion_of(const Conversation& messages);

}  // namespace assay
