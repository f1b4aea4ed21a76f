// Tools that speak of the entities of one table by number instead of name.
//
// Body, for a tool made from another: {"tool": spec, "table": T, "parameters": {parameter: the other tool's parameter}, "members":
// [members of its result that are names of T; "" for bare values], "named": whether bare numbers come with their names, as {"number", "name"}}.
// Body, for a look-up: {"table": T, "gives": "name" | "number", "parameter": P}, which returns {"number": …, "name": …}.
//
// The number of a row is a permutation of 1000 … 9999, so it tells nothing of where the row stands.
#include <charconv>

#include "envs/changed_records.h"
#include "envs/toolset.h"

namespace assay::tool_kinds::numbered {
namespace {

constexpr int64_t kNumbers = 9000, kLowest = 1000, kFactor = 7919, kInverse = 4679, kShift = 4321;
static_assert(kFactor * kInverse % kNumbers == 1);

int64_t number_of(int64_t row) { return kLowest + (row * kFactor + kShift) % kNumbers; }
int64_t row_of(int64_t number) { return (number - kLowest + kNumbers - kShift) % kNumbers * kInverse % kNumbers; }

// Names and numbers of a table keyed by one text column, so that a name is a row.
class Numbers {
 public:
  Numbers(const Tables& tables, int table) : tables_(tables), table_(table) {}

  std::optional<std::string> number(std::string_view name) const {
    const int32_t row = tables_.resolve_name(table_, name);
    return row < 0 ? std::nullopt : std::optional("#" + std::to_string(number_of(row)));
  }
  std::optional<std::string> name(std::string_view number) const {
    int64_t value = 0;
    if (number.size() != 5 || number[0] != '#') return std::nullopt;
    const auto read = std::from_chars(number.data() + 1, number.data() + number.size(), value);
    if (read.ec != std::errc() || read.ptr != number.data() + number.size() || value < kLowest || value >= kLowest + kNumbers) return std::nullopt;
    const int64_t row = row_of(value);
    if (row >= tables_.tables[table_].size()) return std::nullopt;
    return std::string(tables_.entity_name(table_, static_cast<int32_t>(row)));
  }
  Observation unknown(const std::string& what, const std::string& value) const {
    return error_observation("no " + tables_.tables[table_].spec.label + " has the " + what + " '" + value.substr(0, 200) + "'");
  }

 private:
  const Tables& tables_;   // the environment's, which outlives its tools
  int table_;
};

class LookUp final : public BoundTool {
 public:
  LookUp(Numbers numbers, bool gives_name, std::string parameter) : numbers_(numbers), gives_name_(gives_name), parameter_(std::move(parameter)) {}
  Result<Observation> call(const Json& arguments) override {
    const std::string given = arguments.value(parameter_, "");
    const auto found = gives_name_ ? numbers_.name(given) : numbers_.number(given);
    if (!found) return numbers_.unknown(gives_name_ ? "number" : "name", given);
    return Observation{OrderedJson{{"number", gives_name_ ? given : *found}, {"name", gives_name_ ? *found : given}}.dump()};
  }

 private:
  Numbers numbers_;
  bool gives_name_;
  std::string parameter_;
};

class NumberedTool final : public BoundTool {
 public:
  NumberedTool(std::unique_ptr<BoundTool> inner, Numbers numbers, std::map<std::string, std::string> parameters, std::vector<std::string> members, bool named)
      : inner_(std::move(inner)), numbers_(numbers), parameters_(std::move(parameters)), members_(std::move(members)), named_(named) {}

  Result<Observation> call(const Json& arguments) override {
    Json asked = arguments;
    for (const auto& [ours, theirs] : parameters_) {
      if (!asked.contains(ours)) continue;
      const std::string number = asked[ours].get<std::string>();
      const auto name = numbers_.name(number);
      if (!name) return numbers_.unknown("number", number);
      asked.erase(ours);
      asked[theirs] = *name;
    }
    ASSAY_ASSIGN(const Observation seen, inner_->call(asked));
    if (members_.empty()) return seen;
    return change_records(seen, [this](OrderedJson& item) {
      replace(item);
      return Status();
    });
  }

 private:
  void replace(OrderedJson& item) const {
    for (const std::string& member : members_) {
      if (!member.empty() && (!item.is_object() || !item.contains(member))) continue;
      OrderedJson& value = member.empty() ? item : item[member];
      if (!value.is_string()) continue;
      const std::string name = value.get<std::string>();
      const auto number = numbers_.number(name);
      if (!number) continue;   // not of this table
      if (member.empty() && named_) value = OrderedJson{{"number", *number}, {"name", name}};
      else value = *number;
    }
  }

  std::unique_ptr<BoundTool> inner_;
  Numbers numbers_;
  std::map<std::string, std::string> parameters_;
  std::vector<std::string> members_;
  bool named_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  JsonReader r(spec.body, where, "$.body");
  const std::string table = r.text("table");
  const int index = environment.tables.table_index(table);
  if (index < 0 || environment.tables.tables[index].spec.key.size() != 1 || !environment.tables.tables[index].spec.is_entity())
    r.fail("table", "expected a table keyed by one text column");
  else if (environment.tables.tables[index].size() > kNumbers) r.fail("table", "more rows than there are numbers");
  const bool look_up = r.has("gives");
  const std::string gives = look_up ? r.text("gives") : "", parameter = look_up ? r.text("parameter") : "";
  if (look_up && gives != "name" && gives != "number") r.fail("gives", "expected name or number");
  std::map<std::string, std::string> parameters;
  std::vector<std::string> members;
  bool named = false;
  if (!look_up) {
    r.object("tool");
    for (const auto& [ours, theirs] : r.object("parameters").items()) {
      if (!theirs.is_string() || parameter_type(spec.parameters, ours) != "string") r.fail("parameters." + ours, "expected string parameters of both tools");
      else parameters[ours] = theirs.get<std::string>();
    }
    members = r.texts("members");
    named = r.boolean_or("named", false);
  }
  ASSAY_TRY(r.finish());
  const Numbers numbers(environment.tables, index);
  if (look_up) return std::unique_ptr<BoundTool>(std::make_unique<LookUp>(numbers, gives == "name", parameter));
  ASSAY_ASSIGN(const ToolSpec inner, inner_tool(spec, where));
  ASSAY_ASSIGN(auto bound, bind_tool(inner, environment, context));
  return std::unique_ptr<BoundTool>(std::make_unique<NumberedTool>(std::move(bound), numbers, std::move(parameters), std::move(members), named));
}

// What the look-up tool that gives `gives` says of `value`; an Observation with `error` when it knows nothing of it.
Result<Observation> looked_up(Tools& after, const std::string& gives, const std::string& value) {
  for (const ToolSpec& tool : after.specs()) {
    if (tool.kind != "numbered" || tool.body.value("gives", "") != gives) continue;
    ASSAY_ASSIGN(Observation seen, after.call(tool.name, Json{{tool.body.at("parameter").get<std::string>(), value}}.dump()));
    if (seen.error) return seen;
    ASSAY_ASSIGN(const Json found, parse_json(seen.text, tool.name));
    return Observation{found.value(gives, "")};
  }
  return make_error(Boundary::kTool, "no tool looks up a " + gives, "tool kind numbered");
}

Status restore(Tools& after, Json& value) {
  if (value.is_object()) value = value.value("name", Json());
  if (!value.is_string() || !value.get_ref<const std::string&>().starts_with("#")) return {};
  ASSAY_ASSIGN(const Observation name, looked_up(after, "name", value.get<std::string>()));
  if (!name.error) value = name.text;
  return {};
}

Result<Observation> undo(const UndoneCall& call) {
  const ToolSpec& made = *call.made[0];
  Json asked = call.arguments;
  for (const auto& [ours, theirs] : made.body.at("parameters").items()) {
    const std::string parameter = theirs.get<std::string>();
    if (!asked.contains(parameter)) continue;
    ASSAY_ASSIGN(const Observation number, looked_up(call.after, "number", asked[parameter].get<std::string>()));
    if (number.error) return number;
    asked.erase(parameter);
    asked[ours] = number.text;
  }
  ASSAY_ASSIGN(Observation seen, call.after.call(made.name, asked.dump()));
  const Json members = made.body.at("members");
  if (seen.error || members.empty()) return seen;
  ASSAY_ASSIGN(Json result, parse_json(seen.text, made.name));
  const auto restore_item = [&](Json& item) -> Status {
    for (const Json& member : members) {
      if (member == "") {
        ASSAY_TRY(restore(call.after, item));
      } else if (item.is_object() && item.contains(member.get<std::string>())) {
        ASSAY_TRY(restore(call.after, item[member.get<std::string>()]));
      }
    }
    return {};
  };
  if (!result.is_array()) {
    ASSAY_TRY(restore_item(result));
  } else {
    for (Json& item : result) ASSAY_TRY(restore_item(item));
  }
  return Observation{result.dump()};
}

}  // namespace

ToolKind make() { return {.name = "numbered", .summary = "tools that speak of entities by number instead of name", .bind = bind, .undo = undo}; }

}  // namespace assay::tool_kinds::numbered
