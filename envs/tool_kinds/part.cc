// One piece of what another tool tells.
//
// Body: {"tool": spec of a tool that returns a record or several, "keep": [members], "arguments": {…}}: the other tool is called with
// these arguments besides the agent's, and of each record only the members in `keep` are shown.
#include <algorithm>

#include "envs/tool_kind.h"

namespace assay::tool_kinds::part {
namespace {

class PartTool final : public BoundTool {
 public:
  PartTool(std::unique_ptr<BoundTool> inner, std::vector<std::string> keep, Json fixed)
      : inner_(std::move(inner)), keep_(std::move(keep)), fixed_(std::move(fixed)) {}

  Result<Observation> call(const Json& arguments) override {
    Json asked = arguments;
    asked.update(fixed_);
    ASSAY_ASSIGN(const Observation seen, inner_->call(asked));
    if (seen.error) return seen;
    ASSAY_ASSIGN(OrderedJson records, parse_ordered_json(seen.text, "the records of which a part is shown"));
    if (!records.is_array()) return Observation{kept(records).dump()};
    for (OrderedJson& record : records) record = kept(record);
    return Observation{records.dump()};
  }

 private:
  OrderedJson kept(const OrderedJson& record) const {
    OrderedJson out = OrderedJson::object();
    for (const auto& [name, value] : record.items())
      if (std::find(keep_.begin(), keep_.end(), name) != keep_.end()) out[name] = value;
    return out;
  }

  std::unique_ptr<BoundTool> inner_;
  std::vector<std::string> keep_;
  Json fixed_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  ASSAY_ASSIGN(const ToolSpec inner, inner_tool(spec, where));
  JsonReader r(spec.body, where, "$.body");
  r.object("tool");
  auto keep = r.texts("keep");
  Json fixed = r.object("arguments");
  ASSAY_TRY(r.finish());
  ASSAY_ASSIGN(auto bound, bind_tool(inner, environment, context));
  return std::unique_ptr<BoundTool>(std::make_unique<PartTool>(std::move(bound), std::move(keep), std::move(fixed)));
}

}  // namespace

ToolKind make() { return {"part", "one piece of what another tool tells", bind}; }

}  // namespace assay::tool_kinds::part
