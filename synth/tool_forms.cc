#include "synth/tool_forms.h"

#include <algorithm>
#include <array>

#include "verifiers/constraint.h"
#include "verifiers/wording.h"

namespace assay {
namespace {

constexpr std::array<const char*, 4> kForms = {"list", "get", "find", "count"};

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string sql_name(const std::string& identifier) { return '"' + identifier + '"'; }

std::vector<std::string> names_of(const std::vector<TableSpec>& tables) {
  std::vector<std::string> names;
  for (const TableSpec& table : tables) names.push_back(table.name);
  return names;
}

std::vector<std::string> names_of(const std::vector<ColumnSpec>& columns) {
  std::vector<std::string> names;
  for (const ColumnSpec& column : columns) names.push_back(column.name);
  return names;
}

class Expansion {
 public:
  Expansion(const Json& declaration, const std::vector<TableSpec>& tables, const Json& phrases, const std::string& file, const std::string& path)
      : r_(declaration, file, path), tables_(tables), phrases_(phrases) {}

  Result<Json> run() {
    ASSAY_TRY(read());
    select_columns();
    for (const std::string& column : by_) ask_for(column);
    if (!keywords_.empty()) ask_for_keywords();
    for (const std::string& column : filters_) filter_by(column);
    if (!search_.empty()) search_in();
    for (const std::string& parameter : parameters_)
      if (std::count(parameters_.begin(), parameters_.end(), parameter) > 1)
        return input_error("two parameters would be named '" + parameter + "'", r_.file() + ": " + r_.path(), "raw SQL, with names of its own");
    for (const auto& [parameter, text] : explain_.items()) {
      if (!properties_.contains(parameter))
        return unknown_name("parameter", parameter, parameters_, r_.file() + ": " + r_.path_of("explain") + "." + parameter);
      properties_[parameter]["description"] = text;
    }
    return Json{{"name", name_}, {"description", description_.empty() ? description() : description_},
                {"parameters", {{"type", "object"}, {"properties", properties_}, {"required", required_}, {"additionalProperties", false}}},
                {"body", body()}, {"reveals", Json::array({reveal()})}};
  }

 private:
  Status read() {
    name_ = r_.text("name");
    form_ = r_.text("form");
    if (!r_.failed() && std::find(kForms.begin(), kForms.end(), form_) == kForms.end()) {
      const Error unknown = unknown_name("form", form_, {kForms.begin(), kForms.end()});
      r_.fail("form", unknown.what, unknown.hint);
    }
    const std::string table = r_.text("table");
    const auto found = std::find_if(tables_.begin(), tables_.end(), [&](const TableSpec& spec) { return spec.name == table; });
    if (!r_.failed() && found == tables_.end()) {
      const Error unknown = unknown_name("table", table, names_of(tables_));
      r_.fail("table", unknown.what, unknown.hint);
    }
    description_ = r_.text_or("description", "");
    explain_ = r_.has("explain") ? r_.object("explain") : Json::object();
    for (const auto& [parameter, text] : explain_.items())
      if (!text.is_string()) r_.fail("explain." + parameter, "expected a string");
    r_.member_or_null("explain");
    if (r_.failed()) return r_.finish();
    table_ = &*found;
    by_ = columns("by");
    if (form_ == "get" && by_.empty()) by_ = table_->is_entity() ? std::vector{table_->key[0]} : table_->key;
    if (form_ != "count") wanted_ = columns("columns");
    if (form_ == "list" || form_ == "find") order_ = columns("order");
    if (form_ == "find" || form_ == "count") filters_ = columns("filters");
    if (form_ == "find") search_ = r_.text_or("search", "");
    if (form_ == "get") keywords_ = r_.text_or("keywords", "");
    check_search();
    if (form_ == "find" && filters_.empty() && search_.empty()) r_.fail("filters", "a tool that finds needs filters or a column to search", "form list");
    return r_.finish();
  }

  std::vector<std::string> columns(const char* member) {
    const std::vector<std::string> names = r_.texts_or(member, {});
    for (size_t i = 0; i < names.size() && !r_.failed(); ++i) {
      const std::string where = std::string(member) + "[" + std::to_string(i) + "]";
      const int column = table_->column_index(names[i]);
      if (column < 0) {
        const Error unknown = unknown_name("column", names[i], names_of(table_->columns));
        r_.fail(where, unknown.what, unknown.hint);
      } else if (std::count(names.begin(), names.end(), names[i]) > 1 || (std::string_view(member) == "filters" && contains(by_, names[i]))) {
        r_.fail(where, "the column '" + names[i] + "' is named twice");
      } else if (std::string_view(member) == "by" && table_->columns[column].type == ColumnType::kDecimal) {
        r_.fail(where, "rows are not asked for by an exact decimal", "\"filters\"");
      }
    }
    return names;
  }

  void check_search() {
    if (search_.empty() || r_.failed()) return;
    const int column = table_->column_index(search_);
    if (column < 0) {
      const Error unknown = unknown_name("column", search_, names_of(table_->columns));
      r_.fail("search", unknown.what, unknown.hint);
    } else if (table_->columns[column].type != ColumnType::kText) {
      r_.fail("search", "expected a text column");
    }
  }

  const ColumnSpec& spec(const std::string& column) const { return table_->columns[table_->column_index(column)]; }
  bool is_key(const std::string& column) const { return contains(table_->key, column); }
  bool is_name(const std::string& column) const { return table_->is_entity() && column == table_->key[0]; }
  // Names whole rows, whatever else is asked: every key column is given.
  bool unique() const {
    return std::all_of(table_->key.begin(), table_->key.end(), [&](const std::string& column) { return contains(by_, column); });
  }
  // One column of the key alone says which row; anything else is a record.
  bool bare() const { return selected_.size() == 1 && is_key(selected_[0]) && keywords_.empty(); }

  // What identifies a row, unless it was given, comes first; a tool with keywords repeats what was given, too.
  void select_columns() {
    if (form_ == "count") return;
    std::vector<std::string> columns = wanted_;
    const bool names_only = (form_ == "list" || form_ == "find") && table_->is_entity();
    if (columns.empty() && !names_only)
      for (const ColumnSpec& column : table_->columns)
        if (!is_key(column.name) && !contains(by_, column.name)) columns.push_back(column.name);
    for (const std::string& key : table_->key)
      if (!contains(columns, key) && (!keywords_.empty() || !contains(by_, key))) selected_.push_back(key);
    identifying_ = selected_;
    selected_.insert(selected_.end(), columns.begin(), columns.end());
  }

  void declare(const std::string& parameter, Json schema, bool required) {
    parameters_.push_back(parameter);
    properties_[parameter] = std::move(schema);
    if (required) required_.push_back(parameter);
  }

  static const char* json_type(const ColumnSpec& column) {
    return column.type == ColumnType::kInteger ? "integer" : column.type == ColumnType::kDecimal ? "number" : "string";
  }

  // An entity's own name is asked for by what it is: :hotel, not :name.
  std::string parameter_of(const std::string& column) const { return is_name(column) ? table_->name : column; }

  void equal(const std::string& column, const std::string& prefix, bool required) {
    const std::string parameter = parameter_of(column);
    const bool reference = spec(column).type == ColumnType::kReference;
    if (reference || is_name(column)) entities_[parameter] = {{"table", reference ? spec(column).references : table_->name}};
    const std::string what = is_name(column) ? table_->label : spec(column).label;
    const bool name = reference || is_name(column);
    declare(parameter, {{"type", json_type(spec(column))}, {"description", prefix + (name && required ? "name of the " : "") + what + (name && !required ? " of this name" : "") + values_of(column)}}, required);
    conditions_.push_back((required ? "" : "(:" + parameter + " IS NULL OR ") + sql_name(column) + " = :" + parameter + (required ? "" : ")"));
  }

  // Filled in when the tools meet tables (synth/domain.h).
  std::string values_of(const std::string& column) const {
    return spec(column).type == ColumnType::kText && !is_name(column) ? "{values of " + table_->name + "." + column + "}" : "";
  }

  void ask_for(const std::string& column) {
    equal(column, "", true);
    Json& text = properties_[parameter_of(column)]["description"];
    text = upper_first(text.get<std::string>());
    given_[column] = parameter_of(column);
  }

  void filter_by(const std::string& column) {
    const std::string only = "Only " + table_->plural + " with ";
    const bool named = spec(column).type == ColumnType::kReference || is_name(column);
    if (!spec(column).is_number()) return equal(column, only + (named ? "the " : "this "), false);
    const bool counted = measure_of(spec(column)) == Measure::kCount;
    const std::string what = counted ? "so many " + noun_of(spec(column)) : "this " + label_with_unit(spec(column));
    for (const auto& [prefix, words, sign] : {std::tuple("min_", "at least ", " >= :"), std::tuple("max_", "at most ", " <= :")}) {
      const std::string parameter = prefix + column;
      declare(parameter, {{"type", json_type(spec(column))}, {"description", only + words + what}}, false);
      conditions_.push_back("(:" + parameter + " IS NULL OR " + sql_name(column) + sign + parameter + ")");
    }
  }

  void search_in() {
    declare("text", {{"type", "string"}, {"description", "Only " + table_->plural + " whose " + spec(search_).label + " begins like this, in upper or lower case"}}, false);
    conditions_.push_back("(:text IS NULL OR lower(substr(" + sql_name(search_) + ", 1, length(:text))) = lower(:text))");
  }

  void ask_for_keywords() {
    Json words = Json::array();
    for (const std::string& column : selected_)
      if (!contains(identifying_, column)) words.push_back(column);
    declare(keywords_, {{"type", "array"}, {"description", "Which pieces of information to return"}, {"items", {{"type", "string"}, {"enum", words}}}}, true);
  }

  Json body() const {
    std::string sql = form_ == "count" ? "SELECT count(*) AS count" : "SELECT " + listed(selected_);
    sql += " FROM " + sql_name(table_->name);
    for (size_t i = 0; i < conditions_.size(); ++i) sql += (i == 0 ? " WHERE " : " AND ") + conditions_[i];
    if (form_ != "count") sql += " ORDER BY " + listed(total_order());
    Json body{{"sql", sql}, {"returns", returns()}};
    if (!entities_.empty()) body["entities"] = entities_;
    if (!keywords_.empty()) body["keywords"] = keywords_;
    if (!keywords_.empty()) body["always"] = identifying_;
    return body;
  }

  static std::string listed(const std::vector<std::string>& columns) {
    std::string out;
    for (const std::string& column : columns) out += (out.empty() ? "" : ", ") + sql_name(column);
    return out;
  }

  // Rows that are equal in all of these print the same.
  std::vector<std::string> total_order() const {
    std::vector<std::string> order = order_;
    const auto add = [&](const std::string& column) {
      if (!contains(order, column)) order.push_back(column);
    };
    for (const std::string& column : table_->key)
      if (!contains(by_, column)) add(column);
    for (const std::string& column : selected_) add(column);
    return order;
  }

  const char* returns() const {
    if (form_ == "count") return "record";
    if (form_ != "get") return bare() ? "values" : "records";
    return bare() ? "one_or_values" : unique() ? "record" : "one_or_records";
  }

  Json reveal() const {
    Json columns = Json::object();
    for (const std::string& column : selected_)
      if (!contains(by_, column)) columns[column] = bare() ? "" : column;
    Json reveal{{"table", table_->name}, {"given", given_}, {"columns", columns}, {"complete", form_ != "count"}};
    if (form_ == "count") reveal["counts"] = "count";
    return reveal;
  }

  std::string description() const {
    const std::string of = asked();
    const std::string conditions = filters_.empty() && search_.empty() ? "" : " that meet all conditions given";
    if (form_ == "count") return "Counts the " + table_->plural + of + conditions + ".";
    if (form_ == "get") {
      const std::string several = unique() ? "" : "; a list if there are several";
      const bool by_name = std::any_of(by_.begin(), by_.end(), [&](const std::string& column) { return is_name(column); });
      const std::string own = (by_name ? with_article(table_->label) : "the " + table_->label) + of;
      if (bare()) return "Gives the " + spec(selected_[0]).label + " of " + own + several + ".";
      return "Tells about " + own + (keywords_.empty() ? "" : " what the keywords ask for") + several + (keywords_.empty() ? ": " : ". Keywords: ") + "{columns}.";
    }
    if (bare() && is_name(selected_[0])) return "Lists the names of all " + table_->plural + of + conditions + ".";
    if (bare()) return "Lists the " + spec(selected_[0]).label + " of all " + table_->plural + of + conditions + ".";
    return "Lists all " + table_->plural + of + conditions + ", each with {columns}.";
  }

  // By which columns rows are asked for, other than their name: " from a city to a city", " of a meeting", " with a given date".
  std::string asked() const {
    std::string out;
    std::vector<std::string> owners;
    for (const std::string& column : by_) {
      if (is_name(column)) continue;
      const ColumnSpec& about = spec(column);
      const bool reference = about.type == ColumnType::kReference;
      const std::string phrase = phrases_.is_object() ? phrases_.value(table_->name + "." + column, "") : "";
      const size_t hole = phrase.find("{}");
      if (hole != std::string::npos) out += " " + phrase.substr(0, hole) + (phrase.substr(0, hole).ends_with("the ") ? target_label(about) : with_article(target_label(about))) + phrase.substr(hole + 2);
      else if (reference || is_key(column)) owners.push_back(with_article(about.label));
      else out += " with a given " + about.label;
    }
    return (owners.empty() ? "" : " of " + join_words(owners)) + out;
  }

  // What a column refers to: "city", whatever part it plays.
  std::string target_label(const ColumnSpec& column) const {
    for (const TableSpec& table : tables_)
      if (column.type == ColumnType::kReference && table.name == column.references) return table.label;
    return column.label;
  }

  JsonReader r_;
  const std::vector<TableSpec>& tables_;
  const Json& phrases_;
  const TableSpec* table_ = nullptr;
  std::string name_, form_, description_, search_, keywords_;
  Json explain_;
  std::vector<std::string> by_, wanted_, filters_, order_;
  std::vector<std::string> selected_, identifying_;   // columns of the result; those of them nobody asked for
  std::vector<std::string> parameters_, conditions_;
  Json properties_ = Json::object(), required_ = Json::array(), entities_ = Json::object(), given_ = Json::object();
};

}  // namespace

Result<Json> expand_tool(const Json& declaration, const std::vector<TableSpec>& tables, const Json& phrases, const std::string& file, const std::string& path) {
  if (!declaration.is_object() || !declaration.contains("form")) return declaration;
  return Expansion(declaration, tables, phrases, file, path).run();
}

Json submission_tool() {
  return {{"name", "submit_result"}, {"kind", "submit"}, {"effect", "submit"},
          {"description", "Submits the final answer and ends the task. It can be called once."},
          {"parameters", {{"type", "object"}, {"required", {"answer_text"}}, {"additionalProperties", false},
                          {"properties", {{"answer_text", {{"type", "string"}, {"description", "The whole answer as text, in the form that the task asks for"}}}}}}},
          {"body", {{"parameter", "answer_text"}}}};
}

}  // namespace assay
