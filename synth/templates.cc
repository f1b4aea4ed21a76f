#include "synth/templates.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "verifiers/constraint.h"

namespace assay {
namespace {

class Filler {
 public:
  Filler(const Domain& domain, const Environment& environment, const AnswerShape& shape, Rng& rng)
      : domain_(domain), tables_(environment.tables), shape_(shape), rng_(rng) {}

  Json fill(const Json& json) {
    if (json.is_string()) return setting(json.get_ref<const std::string&>());
    if (json.is_object() && json.size() == 1 && json.begin().key().starts_with("$")) return placeholder(json);
    if (!json.is_structured()) return json;
    Json out = json;
    for (Json& item : out) item = fill(item);
    if (out.is_object() && out.contains("cmp")) keep_known(out);
    return out;
  }

  bool has_quantile = false;
  std::string problem;    // why these data cannot support it
  bool is_fault = false;  // no data could

 private:
  bool is_unknown(const Json& value) const { return value.is_string() && tables_.texts.find(value.get_ref<const std::string&>()) < 0; }

  // Nothing is compared with texts that the data does not have: of several, those that it has are left.
  void keep_known(Json& test) {
    if (test.contains("value") && is_unknown(test["value"])) problem = "the data does not mention " + test["value"].dump();
    if (!test.contains("values") || !test["values"].is_array()) return;
    const std::string all = test["values"].dump();
    std::erase_if(test["values"].get_ref<Json::array_t&>(), [&](const Json& value) { return is_unknown(value); });
    if (test["values"].empty()) problem = "the data mentions none of " + all;
  }

  Json setting(const std::string& text) {
    if (!text.starts_with("$")) return text;
    if (!domain_.settings.contains(text.substr(1))) {
      return fault("there is no setting '" + text.substr(1) + "'");
    }
    const Json& value = domain_.settings[text.substr(1)];
    if (is_unknown(value))
      problem = "the data does not mention \"" + value.get<std::string>() + "\"";
    return value;
  }

  Json placeholder(const Json& json) {
    const std::string kind = json.begin().key();
    const Json& argument = json.begin().value();
    if (kind == "$quantile") {
      has_quantile = true;
      return json;
    }
    if (kind == "$group") return static_cast<int64_t>(1 + rng_.below(shape_.groups));
    if (kind == "$pick" && argument.is_array() && !argument.empty()) return fill(argument[rng_.below(argument.size())]);
    if (kind == "$value_of" && argument.is_object()) return value_of(argument.value("table", ""), argument.value("column", ""));
    return fault("unknown placeholder '" + kind + "'");
  }

  Json fault(std::string what) {
    problem = std::move(what);
    is_fault = true;
    return nullptr;
  }

  Json value_of(const std::string& table_name, const std::string& column_name) {
    const Table* table = tables_.find(table_name);
    const int column = table ? table->spec.column_index(column_name) : -1;
    if (column < 0) return fault("there is no column " + table_name + "." + column_name);
    if (table->size() == 0) {
      problem = "no values of " + table_name + "." + column_name;
      return nullptr;
    }
    for (int tries = 0; tries < 64; ++tries) {
      Json value = tables_.cell_json(*table, column, static_cast<int32_t>(rng_.below(table->size())));
      if (!value.is_null()) return value;
    }
    problem = "hardly any values of " + table_name + "." + column_name;
    return nullptr;
  }

  const Domain& domain_;
  const Tables& tables_;
  const AnswerShape& shape_;
  Rng& rng_;
};

// A bound for compiling before the real one is known.
Json with_quantile(const Json& json, const Json& value) {
  if (json.is_object() && json.size() == 1 && json.contains("$quantile")) return value;
  if (!json.is_structured()) return json;
  Json out = json;
  for (Json& item : out) item = with_quantile(item, value);
  return out;
}

const Json* find_quantile(const Json& json, std::string* member) {
  if (!json.is_structured()) return nullptr;
  for (auto it = json.begin(); it != json.end(); ++it) {
    if (it->is_object() && it->contains("$quantile")) {
      if (json.is_object()) *member = it.key();
      return &*it;
    }
    if (const Json* found = find_quantile(*it, member)) return found;
  }
  return nullptr;
}

// A column that holds nothing: the user's data does not have it.
bool is_missing(const Tables& tables, const ColumnNeed& need) {
  const auto& cells = tables.tables[need.table].columns[need.column];
  return std::all_of(cells.begin(), cells.end(), [](int64_t cell) { return cell == kNull; });
}

// The literals of all groups, as prompts show them.
std::vector<std::string> given_names(const AnswerShape& shape) {
  for (const AnswerField& field : shape.fields)
    if (field.is_given()) return {field.literals.begin(), field.literals.begin() + shape.groups};
  return {"these groups"};
}

// Why the constraint cannot be judged over these tables: a column that holds nothing, or one that does not fit (the user's
// prices in another currency); "" if it can.
std::string obstacle(const Json& constraint, const Binding& binding, const std::string& file) {
  auto compiled = compile_constraint(with_quantile(constraint, 0), binding, file, "$.constraint");
  if (!compiled.ok()) return compiled.error().what;
  if ((*compiled)->branches().empty()) return "it says nothing about " + join_words(given_names(binding.shape));
  for (const ColumnNeed& need : (*compiled)->needs())
    if (is_missing(binding.tables, need)) {
      const TableSpec& spec = binding.tables.tables[need.table].spec;
      return "the data has no " + spec.name + "." + spec.columns[need.column].name;
    }
  return "";
}

// Whether there are the templates that members of `part`, such as a level's "choose", name.
Status check_names(const Json& templates, const Json& part, std::initializer_list<const char*> members, const std::string& where) {
  std::vector<std::string> known;
  for (const auto& [name, json] : templates.items()) known.push_back(name);
  for (const char* member : members)
    for (const Json& name : part.value(member, Json::array()))
      if (name.is_string() && !templates.contains(name.get<std::string>())) return unknown_name("template", name.get<std::string>(), known, where + "." + member);
  return {};
}

}  // namespace

Result<std::optional<FilledTemplate>> fill_template(const Domain& domain, const std::string& archetype, const Environment& environment,
                                                    const AnswerShape& shape, const std::string& name, Rng& rng, std::string& why_not) {
  const std::string file = domain.name + ".json template '" + name + "'";
  const Json& templates = domain.archetypes.at(archetype).at("templates");
  if (!templates.contains(name)) {
    std::vector<std::string> known;
    for (const auto& [key, value] : templates.items()) known.push_back(key);
    return unknown_name("template", name, known, domain.name + ".json");
  }
  JsonReader reader(templates[name], file, "$");
  const Json& source = reader.object("constraint");
  FilledTemplate out{Json(), reader.text_or("note", ""), false};
  const int64_t least_groups = reader.integer("least_groups", {.minimum = 1, .maximum = 32, .fallback = 1});
  ASSAY_TRY(reader.finish());
  if (shape.groups < least_groups) {
    why_not = "it needs " + std::to_string(least_groups) + " groups";
    return std::optional<FilledTemplate>();
  }
  Filler filler(domain, environment, shape, rng);
  out.constraint = filler.fill(source);
  out.has_quantile = filler.has_quantile;
  if (!filler.problem.empty()) {
    why_not = filler.problem;
    return std::optional<FilledTemplate>();
  }
  const Binding binding{shape, environment.tables};
  if (out.constraint.value("op", "") == "tiers") {   // a tier keeps the requirements that can be judged
    for (Json& tier : out.constraint["tiers"]) {
      Json kept = Json::array();
      for (const Json& then : tier["then"]) {
        const std::string problem = obstacle(then, binding, file);
        if (problem.empty()) kept.push_back(then);
        else why_not = problem + ", so a part of it";
      }
      tier["then"] = std::move(kept);
    }
  }
  if (const std::string problem = obstacle(out.constraint, binding, file); !problem.empty()) {
    why_not = problem;
    return std::optional<FilledTemplate>();
  }
  return std::optional<FilledTemplate>(std::move(out));
}

Result<Json> set_quantile(const Json& constraint, double q, const AnswerShape& shape, const Tables& tables, const std::vector<Assignment>& samples) {
  std::string member;
  const Json* placeholder = find_quantile(constraint, &member);
  if (!placeholder) return constraint;
  ASSAY_ASSIGN(auto compiled, compile_constraint(with_quantile(constraint, 0), {shape, tables}, "template", "$"));
  std::vector<int64_t> measured;
  for (const Assignment& rows : samples)
    if (const auto value = compiled->measure(rows.data())) measured.push_back(*value);
  if (measured.empty()) return input_error("no answer has a value to bound", constraint.dump());
  std::sort(measured.begin(), measured.end());
  const bool upper = member == "at_most" || member == "below";
  const double share = std::clamp(upper ? q : 1 - q, 0.0, 1.0);
  const size_t at = std::min(measured.size() - 1, static_cast<size_t>(share * static_cast<double>(measured.size())));
  const ColumnNeed column = *compiled->needs().begin();
  const int decimals = tables.tables[column.table].spec.columns[column.column].decimals;
  const int64_t step = std::max<int64_t>(1, placeholder->at("$quantile").value("step", int64_t{1}));
  const int64_t scaled_step = decimals == 0 ? step : 1;   // decimals are already the finest unit people read
  int64_t value = measured[at] / scaled_step * scaled_step;
  if (upper && value < measured[at]) value += scaled_step;
  return with_quantile(constraint, number_json(value, decimals));
}

namespace {

// For as many groups as can be given.
Result<AnswerShape> widest_shape(const Domain& domain, const std::string& archetype, const Tables& tables) {
  int groups = 4;
  for (const Json& field : domain.archetypes.at(archetype).at("answer").at("fields"))   // everything that may be given
    if (field.contains("given")) groups = std::min(32, tables.at(field["table"].get<std::string>()).size());
  Rng any(0, "left out");
  return shape_for(domain, archetype, tables, groups, any);
}

Rng draws_of(const std::string& name) { return Rng(0, "left out/" + name); }

}  // namespace

Result<std::vector<std::string>> templates_left_out(const Domain& domain, const std::string& archetype, const Environment& environment) {
  std::vector<std::string> out;
  ASSAY_ASSIGN(const AnswerShape shape, widest_shape(domain, archetype, environment.tables));
  for (const auto& [name, json] : domain.archetypes.at(archetype).at("templates").items()) {
    Rng rng = draws_of(name);
    std::string why_not;
    ASSAY_ASSIGN(const auto filled, fill_template(domain, archetype, environment, shape, name, rng, why_not));
    if (!why_not.empty()) out.push_back("constraint '" + name + "': " + why_not + (filled ? " is left out" : "; left out"));
  }
  return out;
}

Status check_templates(const Domain& domain, const std::string& archetype, const Environment& environment) {
  constexpr int kDraws = 32;   // so that what only some picks say is met
  ASSAY_ASSIGN(const AnswerShape shape, widest_shape(domain, archetype, environment.tables));
  for (const auto& [name, json] : domain.archetypes.at(archetype).at("templates").items()) {
    const std::string file = domain.name + ".json template '" + name + "'";
    Rng rng = draws_of(name);
    for (int draw = 0; draw < kDraws; ++draw) {
      Filler filler(domain, environment, shape, rng);
      const Json constraint = filler.fill(json.at("constraint"));
      if (filler.is_fault) return input_error(filler.problem, file);
      if (!filler.problem.empty()) continue;
      if (const auto compiled = compile_constraint(with_quantile(constraint, 0), {shape, environment.tables}, file, "$.constraint"); !compiled.ok()) return compiled.error();
    }
  }
  return {};
}

Result<AnswerShape> shape_for(const Domain& domain, const std::string& archetype, const Tables& tables, int groups, Rng& rng) {
  Json json = domain.archetypes.at(archetype).at("answer");
  json["groups"] = groups;
  for (Json& field : json["fields"]) {
    if (!field.contains("given")) continue;
    const int table = tables.table_index(field["table"].get<std::string>());
    std::vector<int32_t> rows(static_cast<size_t>(tables.tables[table].size()));
    std::iota(rows.begin(), rows.end(), 0);
    rng.shuffle(rows);
    if (rows.size() < static_cast<size_t>(groups))
      return make_error(Boundary::kEnvironment, "fewer than " + std::to_string(groups) + " rows to give", field["table"].get<std::string>());
    field.erase("given");
    Json& names = field["literals"] = Json::array();
    for (int group = 0; group < groups; ++group) names.push_back(std::string(tables.entity_name(table, rows[static_cast<size_t>(group)])));
  }
  return answer_shape_from_json(json, domain.name + ".json", "$.archetypes." + archetype + ".answer");
}

Status compile_choice_part(const Domain& domain, Json& part, const std::string& file, const std::string& path) {
  JsonReader r(part, file, path);
  for (const char* name : {"answer", "templates", "presets", "levels"}) r.object(name);
  ASSAY_TRY(r.finish());
  const std::string answer_path = path + ".answer";
  const auto error = [&](const std::string& where, std::string what, std::string hint = "") {
    return input_error(std::move(what), file + ": " + where, std::move(hint));
  };
  ASSAY_TRY(fill_in_settings(part["answer"], domain.settings, file + ": " + answer_path));
  Json answer = part["answer"];
  if (answer.contains("groups")) return error(answer_path + ".groups", "not expected here", "leave it to the presets");
  answer["groups"] = 1;
  if (answer.contains("fields") && answer["fields"].is_array())
    for (size_t i = 0; i < answer["fields"].size(); ++i) {
      Json& field = answer["fields"][i];
      if (!field.is_object() || !field.contains("given")) continue;
      if (field["given"] != true || field.contains("literals") || !field.contains("table"))
        return error(answer_path + ".fields[" + std::to_string(i) + "].given", "expected true, a table, and no literals: they are drawn from the table");
      field.erase("given");
      field["literals"] = Json::array({""});
    }
  ASSAY_ASSIGN(const AnswerShape shape, answer_shape_from_json(answer, file, answer_path));
  std::vector<std::string> tables;
  for (const TableSpec& spec : domain.tables) tables.push_back(spec.name);
  for (size_t i = 0; i < shape.fields.size(); ++i) {
    const AnswerField& field = shape.fields[i];
    const std::string where = answer_path + ".fields[" + std::to_string(i) + "]";
    if (!field.is_entity()) continue;
    const TableSpec* table = domain.find_table(field.table);
    if (!table || !table->is_entity()) return unknown_name("table of entities", field.table, tables, file + ": " + where + ".table");
    if (!field.prefer_column.empty() && table->column_index(field.prefer_column) < 0) {
      std::vector<std::string> columns;
      for (const ColumnSpec& column : table->columns) columns.push_back(column.name);
      return unknown_name("column", field.prefer_column, columns, file + ": " + where + ".prefer.column");
    }
    if (table->key.size() > 1 && field.is_given())
      return error(where + ".given", "the names of " + table->plural + " need a scope, and what is given has none");
    if (table->key.size() > 1 && field.scope.empty())
      return error(where + ".scope", "missing; the names of " + table->plural + " mean something only with their " + table->key[1]);
  }
  for (const auto& [name, level] : part["levels"].items())
    if (level.is_object()) ASSAY_TRY(check_names(part["templates"], level, {"always", "choose"}, file + ": " + path + ".levels." + name));
  if (const Json list = part["presets"].value("list", Json::object()); list.is_object())
    for (const auto& [name, preset] : list.items())
      if (preset.is_object()) ASSAY_TRY(check_names(part["templates"], preset, {"templates"}, file + ": " + path + ".presets.list." + name));
  return {};
}

}  // namespace assay
