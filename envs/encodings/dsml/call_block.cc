#include "envs/encodings/dsml/call_block.h"

#include <algorithm>
#include <set>

#include "envs/base/json_spelling.h"

namespace assay::dsml {
namespace {

constexpr std::string_view kAttribute = "\" string=\"";

bool holds(std::string_view text, std::string_view token) { return text.find(token) != std::string_view::npos; }

Status check_parameter(const std::string& tool, const JsonMember& member, const std::string& where) {
  if (holds(member.name, kMarker) || holds(member.name, kIsString) || holds(member.name, kIsOther))
    return input_error("the name of a parameter of " + tool + " cannot be written in this format", where,
                       "a name of letters, digits and underscores");
  // Strings deep inside a list or an object count too.
  if (holds(member.text, kValueEnd.substr(1)))
    return input_error("parameter \"" + std::string(member.name) + "\" of " + tool + " holds the tag that ends a parameter, which has no escape",
                       where, "another value, or another format");
  return {};
}

Status put_call(TextWriter& out, const ToolCall& call, const std::string& where) {
  if (call.name.empty()) return input_error("a tool call without a name", where, "the name of a tool");
  if (holds(call.name, kMarker) || holds(call.name, kNameEnd))
    return input_error("the name of a called tool cannot be written in this format", where, "a name of letters, digits and underscores");
  out.put(kInvoke);
  out.put(kNamed);
  out.put(call.name);
  out.put(kNameEnd);
  bool first = true;
  Status unsayable;
  const auto put_parameter = [&](const JsonMember& member) -> Status {
    if (unsayable = check_parameter(call.name, member, where); !unsayable.ok()) return unsayable;
    if (!first) out.put("\n");
    first = false;
    out.put(kParameter);
    out.put(kNamed);
    out.put(member.name);
    out.put(member.is_string ? kIsString : kIsOther);
    out.put(member.text);
    out.put(kValueEnd);
    out.put(">");
    return {};
  };
  const Status read = read_json_members(call.arguments, where, put_parameter);
  if (!unsayable.ok()) return unsayable;
  if (!read.ok())
    return input_error("the arguments of " + call.name + " are refused: " + read.error().what, where,
                       "a JSON object, as in {\"city\": \"Suzhou\"}, or {} without arguments");
  out.put("\n");
  out.put(kInvokeEnd);
  return {};
}

class Reader {
 public:
  Reader(std::string_view text, size_t at) : text_(text), at_(at) {}

  Result<std::vector<ToolCall>> block() {
    ASSAY_TRY(need(kLineEnd, "the line that opens the calls"));
    std::vector<ToolCall> calls;
    while (take(kInvoke)) {
      ASSAY_ASSIGN(ToolCall call, invoke());
      calls.push_back(std::move(call));
    }
    if (!take(kBlockEnd)) return format_error("expected another call or the end of the calls", at_);
    if (calls.empty()) return format_error("a block of calls without a call", at_ - kBlockEnd.size());
    return calls;
  }
  size_t at() const { return at_; }

 private:
  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  Status need(std::string_view token, const char* after) {
    if (take(token)) return {};
    const bool cut = at_ + token.size() > text_.size() && token.starts_with(text_.substr(at_));
    return format_error(std::string(cut ? "the completion ends in " : "unexpected text in ") + after, at_);
  }
  // A name up to `end`, which is passed.
  Result<std::string_view> name_until(size_t end, size_t length, const char* of) {
    if (end == std::string_view::npos) return format_error(std::string("the name of a ") + of + " does not end", at_);
    const std::string_view name = text_.substr(at_, end - at_);
    if (holds(name, kMarker)) return format_error(std::string("the name of a ") + of + " does not end before the next tag", at_);
    at_ = end + length;
    return name;
  }

  Result<ToolCall> invoke() {
    ASSAY_TRY(need(kNamed, "the tag of a call"));
    ASSAY_ASSIGN(const std::string_view name, name_until(text_.find(kNameEnd, at_), kNameEnd.size(), "call"));
    if (name.empty()) return format_error("a call without a name", at_);
    arguments_.clear();
    arguments_.put("{");
    std::set<std::string_view> names;
    while (take(kParameter)) ASSAY_TRY(parameter(names));
    arguments_.put("}");
    if (names.empty()) take("\n");
    ASSAY_TRY(need(kInvokeEnd, "the tag that ends a call"));
    return ToolCall{"", std::string(name), arguments_.text()};
  }

  Status parameter(std::set<std::string_view>& names) {
    ASSAY_TRY(need(kNamed, "the tag of a parameter"));
    const size_t start = at_;
    size_t quote = text_.find(kAttribute, at_);
    bool is_string = false;
    for (; quote != std::string_view::npos; quote = text_.find(kAttribute, quote + 1)) {
      is_string = text_.substr(quote).starts_with(kIsString);
      if (is_string || text_.substr(quote).starts_with(kIsOther)) break;
    }
    ASSAY_ASSIGN(const std::string_view name, name_until(quote, (is_string ? kIsString : kIsOther).size(), "parameter"));
    if (!names.insert(name).second) return format_error("parameter \"" + std::string(name) + "\" is repeated", start);
    const size_t end = text_.find(kValueEnd.substr(1), at_);
    if (end == std::string_view::npos) return format_error("the value of parameter \"" + std::string(name) + "\" does not end", at_);
    if (end == at_ || text_[end - 1] != kValueEnd[0]) return format_error("a tag that ends a parameter lacks its <", end);
    if (names.size() > 1) arguments_.put(", ");
    arguments_.put_json_string(name);
    arguments_.put(": ");
    ASSAY_TRY(put_value(text_.substr(at_, end - 1 - at_), is_string));
    at_ = end + kValueEnd.size() - 1;
    return need(kLineEnd, "the tag that ends a parameter");
  }

  Status put_value(std::string_view value, bool is_string) {
    if (is_string) return arguments_.put_json_string(value), Status();
    if (value.substr(std::min(value.find_first_not_of(" \t\r\n"), value.size())).starts_with('"'))
      return format_error("a string in JSON quotes", at_, "string=\"true\" and its characters as they are");
    if (auto spelled = spell_json(arguments_, value, ""); !spelled.ok())
      return format_error("the value of a parameter with string=\"false\" is refused: " + spelled.error().what, at_);
    return {};
  }

  std::string_view text_;
  size_t at_;
  TextWriter arguments_;  // of the call being read
};

}  // namespace

Status put_calls(TextWriter& out, const std::vector<ToolCall>& calls, const std::string& where) {
  out.put(kBlockStart);
  out.put(kLineEnd);
  for (const ToolCall& call : calls) ASSAY_TRY(put_call(out, call, where));
  out.put(kBlockEnd);
  return {};
}

Result<std::vector<ToolCall>> read_calls(std::string_view completion, size_t& at) {
  Reader reader(completion, at);
  ASSAY_ASSIGN(std::vector<ToolCall> calls, reader.block());
  at = reader.at();
  return calls;
}

Error format_error(std::string what, size_t at, std::string hint) {
  return make_error(Boundary::kPolicy, std::move(what), "completion, byte " + std::to_string(at), std::move(hint));
}

}  // namespace assay::dsml
