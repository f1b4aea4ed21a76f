// What a model may write as its message in the encoding deepseek_v32, as a regular language.
#pragma once

#include <span>

#include "engine/grammar/language.h"
#include "envs/message_encoding.h"
#include "envs/tool.h"

namespace assay {

enum class CallRule {
  kFree,       // any calls: the language holds all that the encoding's parser takes, and little else (JSON is not looked into)
  kSchema,     // calls, if there are any, are of these tools and satisfy their schemas
  kRequired,   // as kSchema, and the message is nothing but calls (and reasoning, where it thinks)
};

// A completion is whole where nothing more may follow: after the end of the sentence, or after a block of tool calls, whose end of
// the sentence need not be sampled. One that has left the language of kFree is malformed whatever follows.
//
// With kSchema or kRequired every completion is taken by the parser, and each of its calls by argument_problem (envs/toolset.h); json_language.h
// says what the schemas may say and where the language is narrower. Without tools there are no calls, and kRequired is kSchema. Errors (kInput) name the tool.
Result<Language> completion_language(Languages& languages, Thinking thinking, CallRule rule, std::span<const ToolSpec> tools);

std::string_view end_of_sentence();

// A JSON value of this schema without tokens of the encoding in its strings, and the end of the sentence.
Result<Language> json_completion_language(Languages& languages, const Json& schema, const std::string& where);

}  // namespace assay
