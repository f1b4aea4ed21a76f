// A list that can only be searched: by how a name begins.
//
// Body: {"tool": spec of a tool that returns an array, "member": the name in each record ("" where names are bare), "most": how many
// matches are shown}. Takes a string parameter "beginning". Returns {"matches": […]}; when there are more than `most`, instead
// {"matches": only what is named exactly so, "too_many": how many, "longer": for each next character, the beginning that all names with it share}.
#include <map>
#include <set>

#include "envs/tool_kind.h"
#include "envs/toolset.h"

namespace assay::tool_kinds::by_beginning {
namespace {

// `text` up to and including the character that begins at `at`.
std::string through(const std::string& text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  return text.substr(0, end);
}

// Cut at a character.
std::string shared_beginning(const std::string& left, const std::string& right) {
  size_t at = 0;
  while (at < left.size() && at < right.size() && left[at] == right[at]) ++at;
  while (at > 0 && at < left.size() && (static_cast<unsigned char>(left[at]) & 0xC0) == 0x80) --at;
  return left.substr(0, at);
}

class SearchTool final : public BoundTool {
 public:
  SearchTool(std::unique_ptr<BoundTool> inner, std::string member, size_t most, std::string name)
      : inner_(std::move(inner)), member_(std::move(member)), most_(most), name_(std::move(name)) {}

  Result<Observation> call(const Json& arguments) override {
    const std::string beginning = arguments.value("beginning", "");
    Json asked = arguments;
    asked.erase("beginning");
    ASSAY_ASSIGN(const Observation seen, inner_->call(asked));
    if (seen.error) return seen;
    ASSAY_ASSIGN(const OrderedJson items, parse_ordered_json(seen.text, "the list that is searched"));
    OrderedJson matches = OrderedJson::array(), exact = OrderedJson::array();
    std::map<std::string, std::string> shared;   // by the next character: what all names with it begin with
    for (const OrderedJson& item : items) {
      const OrderedJson* named = member_.empty() ? &item : item.is_object() && item.contains(member_) ? &item[member_] : nullptr;
      if (!named || !named->is_string()) return make_error(Boundary::kTool, "an item of the list that is searched has no name", name_);
      const std::string& name = named->get_ref<const std::string&>();
      if (!name.starts_with(beginning)) continue;
      matches.push_back(item);
      if (name == beginning) exact.push_back(item);
      else if (const auto [at, fresh] = shared.try_emplace(through(name, beginning.size()), name); !fresh) at->second = shared_beginning(at->second, name);
    }
    std::set<std::string> longer;
    for (const auto& [next, begins] : shared) longer.insert(begins);
    if (matches.size() <= most_ || longer.empty()) return Observation{OrderedJson{{"matches", matches}}.dump()};
    return Observation{OrderedJson{{"matches", exact}, {"too_many", matches.size()}, {"longer", longer}}.dump()};
  }

 private:
  std::unique_ptr<BoundTool> inner_;
  std::string member_;
  size_t most_;
  std::string name_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  ASSAY_ASSIGN(const ToolSpec inner, inner_tool(spec, where));
  JsonReader r(spec.body, where, "$.body");
  r.object("tool");
  std::string member = r.text_or("member", "");
  const int64_t most = r.integer("most", {.minimum = 1, .maximum = 10'000});
  if (parameter_type(spec.parameters, "beginning") != "string") r.fail("", "the parameter \"beginning\" is missing");
  ASSAY_TRY(r.finish());
  ASSAY_ASSIGN(auto bound, bind_tool(inner, environment, context));
  return std::unique_ptr<BoundTool>(std::make_unique<SearchTool>(std::move(bound), std::move(member), static_cast<size_t>(most), spec.name));
}

Status collect(const UndoneCall& call, const std::string& beginning, Json& items, Observation& failed) {
  Json asked = call.arguments;
  asked["beginning"] = beginning;
  ASSAY_ASSIGN(Observation seen, call.after.call(call.made[0]->name, asked.dump()));
  if (seen.error) {
    failed = std::move(seen);
    return {};
  }
  ASSAY_ASSIGN(const Json found, parse_json(seen.text, call.tool.name));
  for (const Json& item : found.value("matches", Json::array())) items.push_back(item);
  for (const Json& longer : found.value("longer", Json::array())) ASSAY_TRY(collect(call, longer.get<std::string>(), items, failed));
  return {};
}

Result<Observation> undo(const UndoneCall& call) {
  Json items = Json::array();
  Observation failed;
  ASSAY_TRY(collect(call, "", items, failed));
  return failed.error ? failed : Observation{items.dump()};
}

}  // namespace

ToolKind make() { return {.name = "by_beginning", .summary = "a list that can only be searched by how a name begins", .bind = bind, .undo = undo}; }

}  // namespace assay::tool_kinds::by_beginning
