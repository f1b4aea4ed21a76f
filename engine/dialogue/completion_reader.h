// A completion of the encoding deepseek_v32 as a message, also where it is malformed: what a model writes is data.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "envs/message_encoding.h"

namespace assay {

struct ReadCompletion {
  Message message;
  // Where the completion is malformed: why. Then `message` says what can be told of it: reasoning and text as far as they go, and, where
  // calls had begun, one call whose arguments are the text of all of them as it was written. Its name is the first that stands there, or "malformed".
  std::optional<Error> malformed;
};

ReadCompletion read_completion(const MessageEncoding& encoding, std::string_view completion, Thinking thinking);

// The conversation as the encoding can say it: a message of the assistant that no completion could be, because it was malformed, is
// replaced by one that has as many calls without arguments, of the same names where they can be said, and nothing else.
Conversation sayable(Conversation conversation, const MessageEncoding& encoding, Thinking thinking);

}  // namespace assay
