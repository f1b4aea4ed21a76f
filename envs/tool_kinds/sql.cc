// One parameterised SELECT over the environment's database, printed as compact JSON with keys in the order selected.
//
// Body: {"sql": text with :parameters,
//        "returns": "values" | "one_or_values" (one column: an array; the value itself when there is exactly one row),
//                   "record" | "records" | "one_or_records" (objects; the object itself when there is exactly one row),
//        "keywords": array parameter that picks which columns go into records; when not given, all,
//        "always": [columns that go into every record],
//        "entities": {parameter: {"table": name}}: its value must be the exact name of an entity}.
// No rows are an empty array for "values" and "records", else an error the agent reads.
#include <algorithm>

#include "envs/sql_text.h"
#include "envs/tool_kind.h"

namespace assay::tool_kinds::sql {
namespace {

struct Body {
  std::string sql, keywords;
  bool records = false;      // objects, not bare values
  bool unwrap = false;       // one row stands without its array
  bool single = false;       // several rows are a mistake of the domain
  std::vector<std::string> always;
  EntityParameters entities;
};

void read_returns(JsonReader& r, Body& body) {
  const std::string returns = r.text("returns");
  body.records = returns == "record" || returns == "records" || returns == "one_or_records";
  body.single = returns == "record";
  body.unwrap = body.single || returns == "one_or_records" || returns == "one_or_values";
  if (!body.records && returns != "values" && returns != "one_or_values")
    r.fail("returns", "unknown form '" + returns + "'", "values, one_or_values, record, records or one_or_records");
}

Result<Body> read_body(const ToolSpec& spec, const Environment& environment, const std::string& where) {
  JsonReader r(spec.body, where, "$.body");
  Body body;
  body.sql = r.text("sql");
  read_returns(r, body);
  body.keywords = r.text_or("keywords", "");
  body.always = r.texts_or("always", {});
  body.entities.read(r, environment);
  if (spec.effect != ToolEffect::kRead) r.fail("", "a tool of kind sql only reads");
  ASSAY_TRY(r.finish());
  return body;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What the query, the schema and the body say of each other.
Status agree(const ToolSpec& spec, const Body& body, const Query& query, const std::string& where) {
  const auto wrong = [&](std::string what) { return make_error(Boundary::kEnvironment, std::move(what), where); };
  for (const std::string& parameter : query.parameters()) {
    const std::string type = parameter_type(spec.parameters, parameter);
    if (type.empty() || type == "array" || type == "object")
      return wrong("the query's :" + parameter + " is not a plain parameter of the tool");
  }
  for (const auto& [parameter, table] : body.entities.tables())
    if (parameter_type(spec.parameters, parameter) != "string") return wrong("'" + parameter + "' in \"entities\" is not a string parameter");
  if (!body.records && query.columns().size() != 1) return wrong("a query that returns values must select one column");
  if (!body.keywords.empty() && (!body.records || parameter_type(spec.parameters, body.keywords) != "array"))
    return wrong("\"keywords\" needs an array parameter and records to return");
  for (const std::string& column : body.always)
    if (!contains(query.columns(), column)) return wrong("\"always\" names no column of the query: '" + column + "'");
  for (size_t i = 0; i < query.columns().size(); ++i)
    if (std::count(query.columns().begin(), query.columns().end(), query.columns()[i]) > 1)
      return wrong("two columns of the query are named '" + query.columns()[i] + "'");
  return {};
}

class SqlTool final : public BoundTool {
 public:
  SqlTool(std::string name, const Tables& tables, Body body, std::unique_ptr<Query> query)
      : name_(std::move(name)), tables_(tables), body_(std::move(body)), query_(std::move(query)) {}

  Result<Observation> call(const Json& arguments) override {
    std::string problem = body_.entities.problem(tables_, arguments);
    if (problem.empty()) problem = choose_columns(arguments);
    if (!problem.empty()) return error_observation(problem);
    rows_.clear();
    ASSAY_TRY(query_->run(arguments, rows_));
    if (body_.single && rows_.size() > 1)
      return make_error(Boundary::kTool, "returned " + std::to_string(rows_.size()) + " rows where one was expected", name_);
    if (body_.unwrap && rows_.empty()) return error_observation("nothing found" + given_text(query_->parameters(), arguments));
    return Observation{printed(), false};
  }

 private:
  // Sets shown_; says what is wrong with the keywords, if anything is.
  std::string choose_columns(const Json& arguments) {
    const std::vector<std::string>& columns = query_->columns();
    const auto it = body_.keywords.empty() ? arguments.end() : arguments.find(body_.keywords);
    shown_.assign(columns.size(), it == arguments.end());
    if (it == arguments.end()) return "";
    if (it->empty()) return "the argument '" + body_.keywords + "' is empty; known: " + known_keywords();
    for (const Json& keyword : *it) {
      const auto column = keyword.is_string() ? std::find(columns.begin(), columns.end(), keyword.get_ref<const std::string&>())
                                              : columns.end();
      if (column == columns.end())
        return "unknown keyword " + canonical_json(keyword).substr(0, 200) + " in '" + body_.keywords + "'; known: " + known_keywords();
      shown_[static_cast<size_t>(column - columns.begin())] = true;
    }
    for (size_t i = 0; i < columns.size(); ++i)
      if (contains(body_.always, columns[i])) shown_[i] = true;
    return "";
  }

  std::string known_keywords() const {
    std::string out;
    for (const std::string& column : query_->columns()) out += (out.empty() ? "" : ", ") + column;
    return out;
  }

  std::string printed() const {
    const bool array = !body_.unwrap || rows_.size() > 1;
    std::string out;
    if (array) out += '[';
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (i > 0) out += ',';
      if (body_.records) append_record(out, rows_[i]);
      else append_json_cell(out, rows_[i][0]);
    }
    if (array) out += ']';
    return out;
  }

  void append_record(std::string& out, const std::vector<Json>& row) const {
    out += '{';
    for (size_t c = 0; c < row.size(); ++c) {
      if (!shown_[c]) continue;
      if (out.back() != '{') out += ',';
      append_json_string(out, query_->columns()[c]);
      out += ':';
      append_json_cell(out, row[c]);
    }
    out += '}';
  }

  std::string name_;
  const Tables& tables_;  // the environment's, which outlives its tools
  Body body_;
  std::unique_ptr<Query> query_;
  std::vector<std::vector<Json>> rows_;  // kept from call to call for its memory
  std::vector<bool> shown_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  ASSAY_ASSIGN(Body body, read_body(spec, environment, where));
  ASSAY_ASSIGN(auto query, context.connection.prepare(body.sql, where));
  ASSAY_TRY(agree(spec, body, *query, where));
  return std::unique_ptr<BoundTool>(std::make_unique<SqlTool>(spec.name, environment.tables, std::move(body), std::move(query)));
}

}  // namespace

ToolKind make() { return {"sql", "one read-only query over the database", bind}; }

}  // namespace assay::tool_kinds::sql
