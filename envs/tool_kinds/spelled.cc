// A tool that spells dates and times of day another way: "2025-10-01" as "1 October 2025", "14:30" as "2:30 pm".
//
// Body: {"tool": spec of a tool that returns records, "members": [member that holds dates or times …]}. A text of neither form stays.
#include <array>
#include <cstdio>

#include "envs/tool_kind.h"
#include "envs/toolset.h"

namespace assay::tool_kinds::spelled {
namespace {

constexpr std::array<const char*, 12> kMonths = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};

bool has_digits(const std::string& text, const char* form) {   // '0' stands for a digit
  if (text.size() != std::char_traits<char>::length(form)) return false;
  for (size_t i = 0; i < text.size(); ++i)
    if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return false;
  return true;
}

std::string spelled(const std::string& text) {
  if (has_digits(text, "0000-00-00")) {
    const int month = std::stoi(text.substr(5, 2));
    return month < 1 || month > 12 ? text : std::to_string(std::stoi(text.substr(8))) + " " + kMonths[static_cast<size_t>(month - 1)] + " " + text.substr(0, 4);
  }
  if (!has_digits(text, "00:00") || text >= "24") return text;
  const int hour = std::stoi(text.substr(0, 2));
  return std::to_string(hour % 12 == 0 ? 12 : hour % 12) + text.substr(2) + (hour < 12 ? " am" : " pm");
}

std::string as_before(const std::string& text) {
  char word[16] = "", half = 0;
  int first = 0, second = 0, used = 0;
  char out[32];
  if (std::sscanf(text.c_str(), "%2d:%2d %cm%n", &first, &second, &half, &used) == 3 && static_cast<size_t>(used) == text.size() && (half == 'a' || half == 'p')) {
    std::snprintf(out, sizeof out, "%02d:%02d", first % 12 + (half == 'p' ? 12 : 0), second);
    return out;
  }
  if (std::sscanf(text.c_str(), "%2d %15[A-Za-z] %4d%n", &first, word, &second, &used) != 3 || static_cast<size_t>(used) != text.size()) return text;
  for (size_t month = 0; month < kMonths.size(); ++month)
    if (word == std::string(kMonths[month])) {
      std::snprintf(out, sizeof out, "%04d-%02zu-%02d", second, month + 1, first);
      return out;
    }
  return text;
}

// `change` is applied to the members of every record.
template <typename AnyJson, typename Change>
AnyJson changed(AnyJson result, const std::vector<std::string>& members, Change change) {
  const auto change_record = [&](AnyJson& record) {
    if (!record.is_object()) return;
    for (const std::string& member : members)
      if (const auto it = record.find(member); it != record.end() && it->is_string()) *it = change(it->template get<std::string>());
  };
  if (!result.is_array()) {
    change_record(result);
  } else {
    for (AnyJson& record : result) change_record(record);
  }
  return result;
}

class SpelledTool final : public BoundTool {
 public:
  SpelledTool(std::unique_ptr<BoundTool> inner, std::vector<std::string> members) : inner_(std::move(inner)), members_(std::move(members)) {}

  Result<Observation> call(const Json& arguments) override {
    ASSAY_ASSIGN(const Observation seen, inner_->call(arguments));
    if (seen.error) return seen;
    ASSAY_ASSIGN(OrderedJson result, parse_ordered_json(seen.text, "the records with dates and times"));
    return Observation{changed(std::move(result), members_, spelled).dump()};
  }

 private:
  std::unique_ptr<BoundTool> inner_;
  std::vector<std::string> members_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  ASSAY_ASSIGN(const ToolSpec inner, inner_tool(spec, where));
  JsonReader r(spec.body, where, "$.body");
  r.object("tool");
  std::vector<std::string> members = r.texts("members");
  ASSAY_TRY(r.finish());
  ASSAY_ASSIGN(auto bound, bind_tool(inner, environment, context));
  return std::unique_ptr<BoundTool>(std::make_unique<SpelledTool>(std::move(bound), std::move(members)));
}

Result<Observation> undo(const UndoneCall& call) {
  ASSAY_ASSIGN(const Observation seen, call.after.call(call.made[0]->name, call.arguments.dump()));
  if (seen.error) return seen;
  ASSAY_ASSIGN(OrderedJson result, parse_ordered_json(seen.text, call.tool.name));
  return Observation{changed(std::move(result), call.made[0]->body.at("members").get<std::vector<std::string>>(), as_before).dump()};
}

}  // namespace

ToolKind make() { return {.name = "spelled", .summary = "another tool with dates and times of day spelled in another way", .bind = bind, .undo = undo}; }

}  // namespace assay::tool_kinds::spelled
