// A tool some of whose records have gaps, and say so.
//
// Body: {"tool": spec of a tool that returns records, "members": [member that may be missing …], "percent": share of records with
// gaps, "completed_by": name of the tool that leaves nothing out}. A record with gaps has "incomplete": true and lacks one of the members
// at least; which ones depends on nothing but tool and record.
#include "envs/base/rng.h"
#include "envs/changed_records.h"

namespace assay::tool_kinds::partial {
namespace {

class PartialTool final : public BoundTool {
 public:
  PartialTool(std::unique_ptr<BoundTool> inner, std::string name, std::vector<std::string> members, uint64_t percent)
      : inner_(std::move(inner)), name_(std::move(name)), members_(std::move(members)), percent_(percent) {}

  Result<Observation> call(const Json& arguments) override {
    ASSAY_ASSIGN(const Observation seen, inner_->call(arguments));
    return change_records(seen, [this](OrderedJson& record) { return leave_out(record); });
  }

 private:
  Status leave_out(OrderedJson& record) const {
    if (!record.is_object()) return {};
    Rng rng(0, name_ + record.dump());
    if (rng.below(100) >= percent_) return {};
    std::vector<std::string> there;
    for (const std::string& member : members_)
      if (record.contains(member)) there.push_back(member);
    if (there.empty()) return {};
    rng.shuffle(there);
    there.resize(1 + rng.below(there.size()));
    for (const std::string& member : there) record.erase(member);
    record["incomplete"] = true;
    return {};
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

Result<Observation> undo(const UndoneCall& call) { return undo_flagged(call, "incomplete", "completed_by"); }

}  // namespace

ToolKind make() { return {.name = "partial", .summary = "another tool some of whose records have gaps, and say so", .bind = bind, .undo = undo}; }

}  // namespace assay::tool_kinds::partial
