// Blocks of tool calls in DSML, the markup of DeepSeek's models (report.md section 3):
//
//   <｜DSML｜function_calls>
//   <｜DSML｜invoke name="NAME">
//   <｜DSML｜parameter name="KEY" string="true">characters, raw</｜DSML｜parameter>
//   <｜DSML｜parameter name="KEY" string="false">JSON</｜DSML｜parameter>
//   </｜DSML｜invoke>
//   </｜DSML｜function_calls>
//
// Values are not escaped, so a string that holds what ends a value cannot be said; neither can names with the marker in them.
#pragma once

#include <string_view>
#include <vector>

#include "envs/base/text_writer.h"
#include "envs/message.h"

namespace assay::dsml {

inline constexpr std::string_view kMarker = "｜DSML｜";
// Opens a block, after the text before it. Its line ends with ">\n".
inline constexpr std::string_view kBlockStart = "\n\n<｜DSML｜function_calls";
inline constexpr std::string_view kBlockEnd = "</｜DSML｜function_calls>";
// The tags inside, as they follow one another. Of kValueEnd the first character is not looked for: the rest may stand in no value.
inline constexpr std::string_view kInvoke = "<｜DSML｜invoke", kInvokeEnd = "</｜DSML｜invoke>\n";
inline constexpr std::string_view kParameter = "<｜DSML｜parameter", kValueEnd = "</｜DSML｜parameter";
inline constexpr std::string_view kNamed = " name=\"", kNameEnd = "\">\n", kLineEnd = ">\n";
inline constexpr std::string_view kIsString = "\" string=\"true\">", kIsOther = "\" string=\"false\">";

// Appends "\n\n<…function_calls> … </…function_calls>". `where` names the message in errors.
Status put_calls(TextWriter& out, const std::vector<ToolCall>& calls, const std::string& where);

// Reads the block whose kBlockStart ends at `at`, and moves `at` behind it. The block must hold a call. Tolerated: JSON in any
// spelling, and a missing empty line in a call without parameters.
Result<std::vector<ToolCall>> read_calls(std::string_view completion, size_t& at);

// An error of parsing at byte `at` of a completion.
Error format_error(std::string what, size_t at, std::string hint = "");

}  // namespace assay::dsml
