#include "verifiers/constraint.h"

#include <algorithm>

#include "envs/plural.h"
#include "verifiers/amount_text.h"

namespace assay {

void Constraint::post(Lowering& lowering) const {
  const size_t count = branches().size();
  for (size_t branch = 0; branch < count; ++branch) lowering.require(reify(lowering, branch));
}

Result<std::unique_ptr<Constraint>> compile_constraint(const Json& json, const Binding& binding, const std::string& file,
                                                       const std::string& path) {
  JsonReader reader(json, file, path);
  const std::string name = reader.text("op");
  if (reader.failed()) return reader.finish().error();
  std::vector<std::string> known;
  for (const Operator& op : operators::all()) {
    known.push_back(op.name);
    if (op.name != name) continue;
    auto constraint = op.compile(reader, binding);
    ASSAY_TRY(reader.finish());
    return constraint;
  }
  return unknown_name("constraint operator", name, known, file + ": " + path + ".op");
}

Result<Constraints> compile_constraints(const Json& array, const Binding& binding, const std::string& file) {
  if (!array.is_array()) return input_error("expected an array of constraints", file + ": $.constraints");
  if (array.size() > 60) return input_error("more than 60 constraints", file + ": $.constraints");
  Constraints out;
  for (size_t i = 0; i < array.size(); ++i) {
    ASSAY_ASSIGN(auto constraint, compile_constraint(array[i], binding, file, "$.constraints[" + std::to_string(i) + "]"));
    out.push_back(std::move(constraint));
  }
  return out;
}

std::string constraint_name(const Json& array, size_t index) {
  return "c" + std::to_string(index) + "." + array[index].value("op", "?");
}

SlotChoice read_slots(JsonReader& reader, const char* member, const Binding& binding) {
  SlotChoice choice;
  const Json& json = reader.object(member);
  if (reader.failed()) return choice;
  JsonReader r(json, reader.file(), reader.path_of(member));
  for (const std::string& name : r.texts("fields")) {
    const int field = binding.shape.field_index(name);
    if (field < 0 || !binding.shape.fields[field].is_entity()) {
      std::vector<std::string> known;
      for (const AnswerField& f : binding.shape.fields)
        if (f.is_entity()) known.push_back(f.name);
      reader.fail(member, unknown_name("entity field", name, known).what);
      return choice;
    }
    choice.fields.push_back(field);
  }
  if (choice.fields.empty()) r.fail("fields", "expected at least one field");
  choice.all_groups = !r.has("groups");
  if (choice.all_groups) {
    for (int group = 0; group < binding.shape.groups; ++group) choice.groups.push_back(group);
    r.member_or_null("groups");
  } else {
    for (const Json& group : r.array("groups")) {
      if (!group.is_number_integer() || group.get<int64_t>() < 1 || group.get<int64_t>() > binding.shape.groups) {
        r.fail("groups", "expected numbers from 1 to " + std::to_string(binding.shape.groups));
        break;
      }
      choice.groups.push_back(group.get<int>() - 1);
    }
    std::sort(choice.groups.begin(), choice.groups.end());
    if (choice.groups.empty()) r.fail("groups", "expected at least one group");
    choice.all_groups = static_cast<int>(choice.groups.size()) == binding.shape.groups;
  }
  if (Status status = r.finish(); !status.ok()) reader.fail(member, status.error().text());
  for (int group : choice.groups)
    for (int field : choice.fields) choice.slots.push_back(binding.shape.slot(group, field));
  return choice;
}

std::optional<int> read_slot(JsonReader& reader, const char* member, const Binding& binding) {
  const Json& json = reader.object(member);
  if (reader.failed()) return std::nullopt;
  const Json as_choice = {{"fields", Json::array({json.value("field", Json())})},
                          {"groups", Json::array({json.value("group", Json())})}};
  const Json wrapped = {{member, as_choice}};
  JsonReader inner(wrapped, reader.file(), reader.path());
  const SlotChoice choice = read_slots(inner, member, binding);
  if (Status status = inner.finish(); !status.ok() || choice.slots.size() != 1) {
    reader.fail(member, status.ok() ? "expected one slot" : status.error().what, "{\"field\": NAME, \"group\": 1}");
    return std::nullopt;
  }
  return choice.slots[0];
}

int read_table(JsonReader& reader, const char* member, const Binding& binding) {
  const std::string name = reader.text(member);
  if (reader.failed()) return -1;
  const int table = binding.tables.table_index(name);
  if (table < 0) reader.fail(member, "no table is called '" + name + "'");
  return table;
}

BoundColumn read_column_of(JsonReader& reader, const std::string& name, const char* member, int table, const Binding& binding) {
  BoundColumn column;
  if (reader.failed()) return column;
  const Table& rows = binding.tables.tables[table];
  column.table = table;
  column.column = rows.spec.column_index(name);
  if (column.column < 0) {
    std::vector<std::string> known;
    for (const ColumnSpec& c : rows.spec.columns) known.push_back(c.name);
    reader.fail(member, unknown_name("column of " + rows.spec.name, name, known).what);
    return column;
  }
  column.cells = &rows.columns[column.column];
  column.spec = &rows.spec.columns[column.column];
  return column;
}

BoundColumn read_column(JsonReader& reader, const std::string& name, const char* member, const std::vector<int>& slots,
                        const Binding& binding) {
  if (reader.failed() || slots.empty()) return {};
  const std::string& table = binding.shape.fields[binding.shape.field_of_slot(slots[0])].table;
  for (int slot : slots)
    if (binding.shape.fields[binding.shape.field_of_slot(slot)].table != table) {
      reader.fail(member, "the slots are of different tables, so they share no column", "name fields of one table");
      return {};
    }
  return read_column_of(reader, name, member, binding.tables.table_index(table), binding);
}

bool CellTest::holds(int64_t cell) const {
  if (!has_value(cell)) return false;
  if (in) return std::find(values.begin(), values.end(), cell) != values.end();
  return compare(cell, relation, values[0]);
}

int64_t read_cell(JsonReader& reader, const char* member, const Json& value, const BoundColumn& column, const Binding& binding) {
  if (reader.failed() || !column.spec) return kNull;
  if (column.spec->is_number()) {
    auto number = number_from_json(value, column.spec->decimals);
    if (!number.ok()) reader.fail(member, number.error().what);
    return number.ok() ? *number : kNull;
  }
  if (!value.is_string()) {
    reader.fail(member, "expected a string");
    return kNull;
  }
  const std::string& text = value.get_ref<const std::string&>();
  if (column.spec->type == ColumnType::kReference)
    return binding.tables.resolve_name(binding.tables.table_index(column.spec->references), text);
  return binding.tables.texts.find(text);  // -1 for a text that no row has: equal to nothing
}

CellTest read_cell_test(JsonReader& reader, const BoundColumn& column, const Binding& binding) {
  static const std::pair<const char*, Relation> kNames[] = {
      {"==", Relation::kEqual},     {"!=", Relation::kNotEqual}, {"<", Relation::kLess},
      {"<=", Relation::kLessEqual}, {">", Relation::kGreater},   {">=", Relation::kGreaterEqual}};
  CellTest test;
  const std::string name = reader.text("cmp");
  test.in = name == "in";
  bool found = test.in;
  for (const auto& [text, relation] : kNames)
    if (name == text) test.relation = relation, found = true;
  if (!found) reader.fail("cmp", "unknown comparison '" + name + "'", "one of == != < <= > >= in");
  if (test.in) {
    for (const Json& value : reader.array("values")) test.values.push_back(read_cell(reader, "values", value, column, binding));
    if (test.values.empty()) reader.fail("values", "expected at least one value");
  } else {
    test.values = {read_cell(reader, "value", reader.member("value"), column, binding)};
  }
  const bool ordered = !test.in && test.relation != Relation::kEqual && test.relation != Relation::kNotEqual;
  if (ordered && column.spec && !column.spec->is_number()) reader.fail("cmp", "only numbers have an order");
  return test;
}

std::vector<int> rows_passing(const CellTest& test, const BoundColumn& column) {
  std::vector<int> out;
  for (int64_t cell : *column.cells) out.push_back(cell == kUnknown ? 2 : test.holds(cell) ? 1 : 0);
  return out;
}

std::string with_article(const std::string& noun) {
  const auto begins = [&](const char* with) { return noun.rfind(with, 0) == 0; };
  const bool silent = begins("hour") || begins("honest") || begins("honour") || begins("heir");
  const bool you = begins("uni") || begins("use") || begins("usa") || begins("usu") || begins("uti") || begins("eu") || begins("one") || begins("once");
  const bool vowel = !noun.empty() && std::string("aeiouAEIOU").find(noun[0]) != std::string::npos;
  return ((vowel && !you) || silent ? "an " : "a ") + noun;
}

std::string join_words(const std::vector<std::string>& words, const std::string& conjunction) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 < words.size() ? ", " : " " + conjunction + " ";
    out += words[i];
  }
  return out;
}

std::string noun_phrase(const SlotChoice& choice, const Binding& binding, bool every) {
  std::vector<std::string> labels, plurals;
  const std::string on = binding.shape.has_given_entities() ? " of " : " for ";
  for (int field : choice.fields) {
    labels.push_back((choice.all_groups && every ? "every " : "") + binding.shape.fields[field].label);
    plurals.push_back(binding.shape.fields[field].plural);
  }
  if (choice.all_groups && every) return join_words(labels);
  if (choice.all_groups) return "the " + join_words(plurals) + " of the whole " + binding.shape.whole;
  std::vector<std::string> groups;
  for (int group : choice.groups) groups.push_back(std::to_string(group + 1));
  if (groups.size() == 1) return "the " + join_words(labels) + on + binding.shape.group_label + " " + groups[0];
  return "the " + join_words(plurals) + on + plural_of(binding.shape.group_label) + " " + join_words(groups);
}

std::string value_text(int64_t value, const BoundColumn& column, const Binding& binding) {
  if (value == kNull) return "no value";
  if (column.spec->is_number()) return amount_text(number_text(value, column.spec->decimals), column.spec->unit);
  if (value < 0) return "an unknown text";
  if (column.spec->type == ColumnType::kReference)
    return "\"" + std::string(binding.tables.entity_name(binding.tables.table_index(column.spec->references),
                                                         static_cast<int32_t>(value))) + "\"";
  return "\"" + std::string(binding.tables.texts.text(static_cast<int32_t>(value))) + "\"";
}

std::string relation_words(Relation relation) {
  switch (relation) {
    case Relation::kEqual: return "exactly";
    case Relation::kNotEqual: return "other than";
    case Relation::kLess: return "below";
    case Relation::kLessEqual: return "at most";
    case Relation::kGreater: return "above";
    case Relation::kGreaterEqual: return "at least";
  }
  return "";
}

std::string test_text(const CellTest& test, const BoundColumn& column, const Binding& binding) {
  std::vector<std::string> values;
  for (int64_t value : test.values) values.push_back(value_text(value, column, binding));
  if (test.in) return "one of " + join_words(values, "or");
  return relation_words(test.relation) + " " + values[0];
}

std::string python_relation(Relation relation) {
  switch (relation) {
    case Relation::kEqual: return "==";
    case Relation::kNotEqual: return "!=";
    case Relation::kLess: return "<";
    case Relation::kLessEqual: return "<=";
    case Relation::kGreater: return ">";
    case Relation::kGreaterEqual: return ">=";
  }
  return "";
}

std::string python_text(std::string_view text) {
  return Json(std::string(text)).dump(-1, ' ', true, Json::error_handler_t::replace);  // ASCII JSON strings are Python strings
}

namespace {
std::string python_value(int64_t value, const BoundColumn& column, const Binding& binding) {
  if (column.spec->is_number()) return std::to_string(value);
  if (value < 0) return "None";
  if (column.spec->type == ColumnType::kReference)
    return python_text(binding.tables.entity_name(binding.tables.table_index(column.spec->references), static_cast<int32_t>(value)));
  return python_text(binding.tables.texts.text(static_cast<int32_t>(value)));
}
}  // namespace

std::string python_test(const CellTest& test, const BoundColumn& column, const Binding& binding, const std::string& subject) {
  if (!test.in) return subject + " " + python_relation(test.relation) + " " + python_value(test.values[0], column, binding);
  std::string list;
  for (int64_t value : test.values) list += (list.empty() ? "" : ", ") + python_value(value, column, binding);
  return subject + " in [" + list + "]";
}

}  // namespace assay
