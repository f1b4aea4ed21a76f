// Changes to the environment's database, printed as what the agent is told of them.
//
// Body: {"writes": [tables it may change],
//        "entities": as for kind sql,
//        "require": [{"sql": SELECT, "else": text}]: in turn; one that finds no row is the error the agent reads, and nothing changes,
//        "change": [INSERT, UPDATE or DELETE …], carried out together or not at all,
//        "returns": SELECT of one row after it, printed as an object; by default {"done":true}}.
// A change that finds no row to change is an error the agent reads. A text has at most 4 KiB. What a rule forbids and "require" does
// not check can be done: whether it should have been is for the task's verifier.
#include <algorithm>

#include "envs/sql_text.h"
#include "envs/tool_kind.h"

namespace assay::tool_kinds::sql_write {
namespace {

constexpr size_t kTextBytes = 4 << 10;

struct Requirement {
  std::unique_ptr<Query> query;
  std::string otherwise;
};

class SqlWriteTool final : public BoundTool {
 public:
  SqlWriteTool(const Tables& tables, EntityParameters entities, std::vector<Requirement> requirements, std::unique_ptr<Change> change,
               std::unique_ptr<Query> returns, std::string name)
      : tables_(tables), entities_(std::move(entities)), requirements_(std::move(requirements)), change_(std::move(change)),
        returns_(std::move(returns)), name_(std::move(name)) {}

  Result<Observation> call(const Json& arguments) override {
    for (const auto& [name, value] : arguments.items())
      if (value.is_string() && value.get_ref<const std::string&>().size() > kTextBytes)
        return error_observation("the argument '" + name + "' has more than " + std::to_string(kTextBytes) + " bytes; nothing was changed");
    if (std::string problem = entities_.problem(tables_, arguments); !problem.empty()) return error_observation(problem);
    for (const Requirement& each : requirements_) {
      rows_.clear();
      ASSAY_TRY(each.query->run(arguments, rows_));
      if (rows_.empty()) return error_observation(each.otherwise);
    }
    ASSAY_ASSIGN(const int64_t changed, change_->run(arguments));
    if (changed == 0) return error_observation("nothing is there to be changed" + given_text(change_->parameters(), arguments));
    if (!returns_) return Observation{R"({"done":true})", false};
    rows_.clear();
    ASSAY_TRY(returns_->run(arguments, rows_));
    if (rows_.size() != 1)
      return make_error(Boundary::kTool, "returned " + std::to_string(rows_.size()) + " rows where one was expected", name_);
    return Observation{printed(rows_[0]), false};
  }

 private:
  std::string printed(const std::vector<Json>& row) const {
    std::string out = "{";
    for (size_t c = 0; c < row.size(); ++c) {
      if (c > 0) out += ',';
      append_json_string(out, returns_->columns()[c]);
      out += ':';
      append_json_cell(out, row[c]);
    }
    return out + '}';
  }

  const Tables& tables_;  // the environment's, which outlives its tools
  EntityParameters entities_;
  std::vector<Requirement> requirements_;
  std::unique_ptr<Change> change_;
  std::unique_ptr<Query> returns_;   // may be null
  std::string name_;
  std::vector<std::vector<Json>> rows_;  // kept from call to call for its memory
};

Status check_parameters(const ToolSpec& spec, const std::vector<std::string>& parameters, const std::string& where) {
  for (const std::string& parameter : parameters) {
    const std::string type = parameter_type(spec.parameters, parameter);
    if (type.empty() || type == "array" || type == "object")
      return make_error(Boundary::kEnvironment, "the statement's :" + parameter + " is not a plain parameter of the tool", where);
  }
  return {};
}

Result<std::unique_ptr<Query>> prepare(const ToolSpec& spec, Connection& connection, const std::string& sql, const std::string& where) {
  ASSAY_ASSIGN(auto query, connection.prepare(sql, where));
  ASSAY_TRY(check_parameters(spec, query->parameters(), where));
  return query;
}

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  JsonReader r(spec.body, where, "$.body");
  const std::vector<std::string> writes = r.texts("writes"), statements = r.texts("change");
  EntityParameters entities;
  entities.read(r, environment);
  const Json& required = r.has("require") ? r.array("require") : r.member_or_null("require");
  const std::string returns = r.text_or("returns", "");
  if (spec.effect != ToolEffect::kWrite) r.fail("", "a tool of kind sql_write needs the effect 'write'");
  if (writes.empty()) r.fail("writes", "expected the tables that the tool changes");
  if (statements.empty() || statements.size() > 16) r.fail("change", "expected 1 to 16 statements");
  ASSAY_TRY(r.finish());
  for (const auto& [parameter, table] : entities.tables())
    if (parameter_type(spec.parameters, parameter) != "string")
      return make_error(Boundary::kEnvironment, "'" + parameter + "' in \"entities\" is not a string parameter", where);

  std::vector<Requirement> requirements;
  for (size_t i = 0; i < required.size(); ++i) {
    JsonReader each(required[i], where, "$.body.require[" + std::to_string(i) + "]");
    const std::string sql = each.text("sql");
    Requirement requirement{nullptr, each.text("else")};
    ASSAY_TRY(each.finish());
    ASSAY_ASSIGN(requirement.query, prepare(spec, context.connection, sql, where + ": " + each.path()));
    requirements.push_back(std::move(requirement));
  }
  ASSAY_ASSIGN(auto change, context.connection.prepare_change(statements, writes, where + ": $.body.change"));
  ASSAY_TRY(check_parameters(spec, change->parameters(), where + ": $.body.change"));
  std::unique_ptr<Query> told;
  if (!returns.empty()) {
    ASSAY_ASSIGN(told, prepare(spec, context.connection, returns, where + ": $.body.returns"));
  }
  return std::unique_ptr<BoundTool>(std::make_unique<SqlWriteTool>(environment.tables, std::move(entities), std::move(requirements),
                                                                   std::move(change), std::move(told), spec.name));
}

}  // namespace

ToolKind make() { return {"sql_write", "changes to the database, under conditions", bind, true}; }

}  // namespace assay::tool_kinds::sql_write
