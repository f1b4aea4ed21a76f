// A tool that gives numbers in another unit.
//
// Body: {"tool": spec, "members": {member of its records: {"times": factor, "decimals": digits of the number in the data}}}.
// A number is multiplied exactly.
#include <map>

#include "envs/changed_records.h"
#include "envs/toolset.h"

namespace assay::tool_kinds::converted {
namespace {

struct Conversion {
  int64_t times = 1;
  int decimals = 0;
};

class ConvertedTool final : public BoundTool {
 public:
  ConvertedTool(std::unique_ptr<BoundTool> inner, std::map<std::string, Conversion> members, std::string name)
      : inner_(std::move(inner)), members_(std::move(members)), name_(std::move(name)) {}

  Result<Observation> call(const Json& arguments) override {
    ASSAY_ASSIGN(const Observation seen, inner_->call(arguments));
    return change_records(seen, [this](OrderedJson& record) { return convert(record); });
  }

 private:
  Status convert(OrderedJson& record) const {
    for (const auto& [member, conversion] : members_) {
      const auto it = record.find(member);
      if (it == record.end() || it->is_null()) continue;
      ASSAY_ASSIGN(const int64_t scaled, number_from_json(Json(it->is_number_integer() ? Json(it->get<int64_t>()) : Json(it->get<double>())), conversion.decimals));
      int64_t product = 0;
      if (__builtin_mul_overflow(scaled, conversion.times, &product)) return make_error(Boundary::kTool, "a number is too large to convert", name_);
      const Json number = number_json(product, conversion.decimals);
      if (number.is_number_integer()) *it = number.get<int64_t>();
      else *it = number.get<double>();
    }
    return {};
  }

  std::unique_ptr<BoundTool> inner_;
  std::map<std::string, Conversion> members_;
  std::string name_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  ASSAY_ASSIGN(const ToolSpec inner, inner_tool(spec, where));
  JsonReader r(spec.body, where, "$.body");
  r.object("tool");
  const Json members = r.object("members");
  ASSAY_TRY(r.finish());
  std::map<std::string, Conversion> conversions;
  for (const auto& [member, json] : members.items()) {
    JsonReader m(json, where, "$.body.members." + member);
    conversions[member] = {m.integer("times", {.minimum = 1, .maximum = 1'000'000}), static_cast<int>(m.integer("decimals", {.minimum = 0, .maximum = 4}))};
    ASSAY_TRY(m.finish());
  }
  ASSAY_ASSIGN(auto bound, bind_tool(inner, environment, context));
  return std::unique_ptr<BoundTool>(std::make_unique<ConvertedTool>(std::move(bound), std::move(conversions), spec.name));
}

Status convert_back(const Json& members, Json& record) {
  for (const auto& [member, conversion] : members.items()) {
    if (!record.is_object() || !record.contains(member) || record[member].is_null()) continue;
    const int decimals = conversion.at("decimals");
    ASSAY_ASSIGN(const int64_t scaled, number_from_json(record[member], decimals));
    const int64_t times = conversion.at("times");
    if (scaled % times != 0) return make_error(Boundary::kTool, "a converted number is not what it was made from", member);
    record[member] = number_json(scaled / times, decimals);
  }
  return {};
}

Result<Observation> undo(const UndoneCall& call) {
  ASSAY_ASSIGN(const Observation seen, call.after.call(call.made[0]->name, call.arguments.dump()));
  if (seen.error) return seen;
  ASSAY_ASSIGN(Json result, parse_json(seen.text, call.tool.name));
  const Json& members = call.made[0]->body.at("members");
  if (!result.is_array()) {
    ASSAY_TRY(convert_back(members, result));
  } else {
    for (Json& record : result) ASSAY_TRY(convert_back(members, record));
  }
  return Observation{result.dump()};
}

}  // namespace

ToolKind make() { return {.name = "converted", .summary = "another tool with numbers in other units", .bind = bind, .undo = undo}; }

}  // namespace assay::tool_kinds::converted
