// JSON text rewritten without a tree, in the spelling of Python's json.dumps(json.loads(text), ensure_ascii=False), which
// prompt formats are defined by: ", " and ": " between things, keys in the order written, non-ASCII kept, integers of any
// length digit by digit, floating-point numbers as Python's repr. As strict as parse_json: UTF-8, no duplicate keys, no NaN or
// Infinity, one value, bounded depth.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "envs/base/json.h"
#include "envs/base/text_writer.h"

namespace assay {

// Appends to `out`; on an error what was appended is to be thrown away.
Status spell_json(TextWriter& out, std::string_view text, std::string_view where, const JsonLimits& limits = {});

struct JsonMember {
  std::string_view name;
  bool is_string = false;
  std::string_view text;  // a string's characters, decoded; any other value in the spelling above
};

// Hands over the members of the object that `text` is, in order; views last for the call. Stops at the first error of `each`.
Status read_json_members(std::string_view text, std::string_view where, const std::function<Status(const JsonMember&)>& each,
                         const JsonLimits& limits = {});

}  // namespace assay
