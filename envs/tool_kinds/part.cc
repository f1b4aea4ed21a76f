// One piece of what another tool tells.
//
// Body: {"tool": spec of a tool that returns a record or several, "piece": member of them, "omit": [members that other parts tell],
// "arguments": {…}}: the other tool is called with these arguments besides the agent's, and no record shows what is omitted.
#include <algorithm>

#include "envs/changed_records.h"
#include "envs/toolset.h"

namespace assay::tool_kinds::part {
namespace {

class PartTool final : public BoundTool {
 public:
  PartTool(std::unique_ptr<BoundTool> inner, std::vector<std::string> omit, Json fixed)
      : inner_(std::move(inner)), omit_(std::move(omit)), fixed_(std::move(fixed)) {}

  Result<Observation> call(const Json& arguments) override {
    Json asked = arguments;
    asked.update(fixed_);
    ASSAY_ASSIGN(const Observation seen, inner_->call(asked));
    return change_records(seen, [this](OrderedJson& record) {
      for (const std::string& member : omit_)
        if (record.is_object()) record.erase(member);
      return Status();
    });
  }

 private:
  std::unique_ptr<BoundTool> inner_;
  std::vector<std::string> omit_;
  Json fixed_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  ASSAY_ASSIGN(const ToolSpec inner, inner_tool(spec, where));
  JsonReader r(spec.body, where, "$.body");
  r.object("tool");
  r.text("piece");
  auto omit = r.texts("omit");
  Json fixed = r.object("arguments");
  ASSAY_TRY(r.finish());
  ASSAY_ASSIGN(auto bound, bind_tool(inner, environment, context));
  return std::unique_ptr<BoundTool>(std::make_unique<PartTool>(std::move(bound), std::move(omit), std::move(fixed)));
}

void merge(Json& into, const Json& record) {
  if (into.is_null()) into = record;
  else if (into.is_object() && record.is_object()) into.update(record);
  else
    for (size_t i = 0; into.is_array() && record.is_array() && i < into.size() && i < record.size(); ++i) merge(into[i], record[i]);
}

// The records of all parts have one order, that of the tool inside.
Result<Observation> undo(const UndoneCall& call) {
  const std::string keywords = call.tool.body.value("keywords", "");
  Json asked = call.arguments, wanted = Json::array(), merged;
  if (!keywords.empty() && asked.contains(keywords)) wanted = asked[keywords];
  asked.erase(keywords);
  std::vector<std::string> done;
  for (const ToolSpec* part : call.made) {
    const std::string piece = part->body.at("piece");
    if (std::count(done.begin(), done.end(), piece)) continue;   // the same part under another name
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), Json(piece)) == wanted.end()) continue;
    done.push_back(piece);
    ASSAY_ASSIGN(const Observation seen, call.after.call(part->name, asked.dump()));
    if (seen.error) return seen;
    ASSAY_ASSIGN(const Json told, parse_json(seen.text, part->name));
    merge(merged, told);
  }
  return Observation{merged.dump()};
}

}  // namespace

ToolKind make() { return {.name = "part", .summary = "one piece of what another tool tells", .bind = bind, .undo = undo}; }

}  // namespace assay::tool_kinds::part
