// Message encodings: a conversation as the exact text a model was trained on, and a model's completion back as a message. One
// file each in envs/encodings/, which defines `MessageEncoding make()`.
//
// Encoders and parsers are pure functions of their arguments. What they refuse:
//   encode   what the format cannot say, boundary kInput, where = "messages[N]" (from 0): results without calls, arguments that
//            are no JSON object, and any text in which one of the format's tokens would be taken for the token itself.
//   parse    what the format does not allow, boundary kPolicy, where = "completion, byte N" (from 0). A malformed completion
//            is data: a failed step with its reason.
// A message and the text of its completion are one to one: parse(encode_completion(m)) == m where arguments are spelled as
// json_spelling.h says and calls have no ids (no format carries them; results belong to calls by their order).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "envs/message.h"

namespace assay {

enum class Thinking { kOff, kOn };

struct MessageEncoding {
  std::string name;      // "deepseek_v32"
  std::string summary;
  // The prompt: everything up to where the model goes on, or the whole conversation where an assistant message ends it.
  // Reasoning before the last user or developer message is left out (see drop_old_reasoning), images are too.
  std::function<Result<std::string>(const Conversation&, Thinking)> encode;
  // What a model writes to say this assistant message.
  std::function<Result<std::string>(const Message&, Thinking)> encode_completion;
  std::function<Result<Message>(std::string_view completion, Thinking)> parse;
};

namespace encodings {
std::span<const MessageEncoding> all();  // generated from the folder
}

// An unknown name lists the known ones.
Result<const MessageEncoding*> find_encoding(const std::string& name);

// Constant texts of wire formats: the files envs/encodings/dsml/*.txt, byte for byte.
struct EncodingText {
  std::string_view name, text;
};
std::span<const EncodingText> encoding_texts();

}  // namespace assay
