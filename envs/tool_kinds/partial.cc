// A tool some of whose records have gaps, and say so.
//
// Body: {"tool": spec of a tool that returns records, "members": [member that may be missing …], "percent": share of records with
// gaps, "completed_by": name of the tool that leaves nothing out}. A record with gaps has "incomplete": true and lacks one of the members
// at least; which ones depends on nothing but tool and record.
#include <algorithm>

#include "envs/base/rng.h"
#include "envs/tool_kind.h"
#include "envs/toolset.h"

namespace assay::tool_kinds::partial {
namespace {

class PartialTool final : public BoundTool {
 public:
  PartialTool(std::unique_ptr<BoundTool> inner, std::string name, std::vector<std::string> members, uint64_t percent)
      : inner_(std::move(inner)), name_(std::move(name)), members_(std::move(members)), percent_(percent) {}

  Result<Observation> call(const Json& arguments) override {
    ASSAY_ASSIGN(const Observation seen, inner_->call(arguments));
    if (seen.error) return seen;
    ASSAY_ASSIGN(OrderedJson result, parse_ordered_json(seen.text, "the records that may have gaps"));
    if (!result.is_array()) {
      leave_out(result);
    } else {
      for (OrderedJson& record : result) leave_out(record);
    }
    return Observation{result.dump()};
  }

 private:
  void leave_out(OrderedJson& record) const {
    if (!record.is_object()) return;
    Rng rng(0, name_ + record.dump());
    if (rng.below(100) >= percent_) return;
    std::vector<std::string> there;
    for (const std::string& member : members_)
      if (record.contains(member)) there.push_back(member);
    if (there.empty()) return;
    rng.shuffle(there);
    there.resize(1 + rng.below(there.size()));
    for (const std::string& member : there) record.erase(member);
    record["incomplete"] = true;
  }

  std::unique_ptr<BoundTool> inner_;
  std::string name_;
  std::vector<std::string> members_;
  uint64_t percent_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  ASSAY_ASSIGN(const ToolSpec inner, inner_tool(spec, where));
  JsonReader r(spec.body, where, "$.body");
  r.object("tool");
  std::vector<std::string> members = r.texts("members");
  if (r.text("completed_by") == spec.name) r.fail("completed_by", "expected another tool");
  const int64_t percent = r.integer("percent", {.minimum = 1, .maximum = 100});
  ASSAY_TRY(r.finish());
  ASSAY_ASSIGN(auto bound, bind_tool(inner, environment, context));
  return std::unique_ptr<BoundTool>(std::make_unique<PartialTool>(std::move(bound), spec.name, std::move(members), static_cast<uint64_t>(percent)));
}

bool has_gaps(const Json& record) { return record.is_object() && record.contains("incomplete") && record["incomplete"] == true; }

Result<Observation> undo(const UndoneCall& call) {
  ASSAY_ASSIGN(Observation seen, call.after.call(call.made[0]->name, call.arguments.dump()));
  if (seen.error) return seen;
  ASSAY_ASSIGN(const Json result, parse_json(seen.text, call.tool.name));
  const bool any = result.is_array() ? std::any_of(result.begin(), result.end(), has_gaps) : has_gaps(result);
  return any ? call.after.call(call.made[0]->body.at("completed_by").get<std::string>(), call.arguments.dump()) : Result<Observation>(std::move(seen));
}

}  // namespace

ToolKind make() { return {.name = "partial", .summary = "another tool some of whose records have gaps, and say so", .bind = bind, .undo = undo}; }

}  // namespace assay::tool_kinds::partial
