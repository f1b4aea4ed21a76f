// A tool some of whose records are out of date, and say so.
//
// Body: {"tool": spec of a tool that returns records, "members": {number: its digits after the point}, "percent": share of outdated
// records, "confirmed_by": name of the tool that tells what is true}. An outdated record has "outdated": true and other numbers than the data; which records are outdated depends on nothing
// but tool and record.
#include <map>

#include "envs/base/rng.h"
#include "envs/changed_records.h"

namespace assay::tool_kinds::outdated {
namespace {

class OutdatedTool final : public BoundTool {
 public:
  OutdatedTool(std::unique_ptr<BoundTool> inner, std::string name, std::map<std::string, int> members, uint64_t percent)
      : inner_(std::move(inner)), name_(std::move(name)), members_(std::move(members)), percent_(percent) {}

  Result<Observation> call(const Json& arguments) override {
    ASSAY_ASSIGN(const Observation seen, inner_->call(arguments));
    return change_records(seen, [this](OrderedJson& record) { return age(record); });
  }

 private:
  Status age(OrderedJson& record) const {
    Rng rng(0, name_ + record.dump());
    if (rng.below(100) >= percent_) return {};
    bool aged = false;
    for (const auto& [member, decimals] : members_) {
      const auto it = record.find(member);
      if (it == record.end() || !it->is_number()) continue;
      ASSAY_ASSIGN(const int64_t now, number_from_json(it->is_number_integer() ? Json(it->get<int64_t>()) : Json(it->get<double>()), decimals));
      const int64_t before = now + 1 + (now > 0 ? now : -now) * rng.between(5, 25) / 100;
      const Json number = number_json(before, decimals);
      if (number.is_number_integer()) *it = number.get<int64_t>();
      else *it = number.get<double>();
      aged = true;
    }
    if (aged) record["outdated"] = true;
    return {};
  }

  std::unique_ptr<BoundTool> inner_;
  std::string name_;
  std::map<std::string, int> members_;
  uint64_t percent_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  ASSAY_ASSIGN(const ToolSpec inner, inner_tool(spec, where));
  JsonReader r(spec.body, where, "$.body");
  r.object("tool");
  const Json json = r.object("members");
  if (r.text("confirmed_by") == spec.name) r.fail("confirmed_by", "expected another tool");
  const int64_t percent = r.integer("percent", {.minimum = 1, .maximum = 100});
  std::map<std::string, int> members;
  for (const auto& [member, digits] : json.items()) {
    if (!digits.is_number_integer() || digits < 0 || digits > 4) r.fail("members." + member, "expected 0 to 4 digits");
    else members[member] = digits.get<int>();
  }
  ASSAY_TRY(r.finish());
  ASSAY_ASSIGN(auto bound, bind_tool(inner, environment, context));
  return std::unique_ptr<BoundTool>(std::make_unique<OutdatedTool>(std::move(bound), spec.name, std::move(members), static_cast<uint64_t>(percent)));
}

Result<Observation> undo(const UndoneCall& call) { return undo_flagged(call, "outdated", "confirmed_by"); }

}  // namespace

ToolKind make() { return {.name = "outdated", .summary = "another tool some of whose records are out of date, and say so", .bind = bind, .undo = undo}; }

}  // namespace assay::tool_kinds::outdated
