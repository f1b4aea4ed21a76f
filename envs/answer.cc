#include "envs/answer.h"

#include <algorithm>

#include "envs/plural.h"

namespace assay {

int AnswerShape::field_index(std::string_view name) const {
  for (size_t i = 0; i < fields.size(); ++i)
    if (fields[i].name == name) return static_cast<int>(i);
  return -1;
}

int AnswerShape::slots_per_group() const {
  int count = 0;
  for (const AnswerField& field : fields) count += field.is_entity();
  return count;
}

int AnswerShape::slot(int group, int field) const {
  int rank = 0;
  for (int i = 0; i < field; ++i) rank += fields[i].is_entity();
  return group * slots_per_group() + rank;
}

int AnswerShape::field_of_slot(int slot) const {
  int rank = slot % slots_per_group();
  for (size_t i = 0; i < fields.size(); ++i)
    if (fields[i].is_entity() && rank-- == 0) return static_cast<int>(i);
  return -1;
}

bool AnswerShape::has_given_entities() const {
  return std::any_of(fields.begin(), fields.end(), [](const AnswerField& field) { return field.is_entity() && field.is_given(); });
}

std::string AnswerShape::slot_text(int slot) const {
  const int group = group_of_slot(slot);
  const AnswerField& field = fields[field_of_slot(slot)];
  for (const AnswerField& given : fields)
    if (given.is_entity() && given.is_given())
      return &given == &field ? "\"" + given.literals[group] + "\"" : "the " + field.label + " of \"" + given.literals[group] + "\"";
  return "the " + field.label + " for " + group_label + " " + std::to_string(group + 1);
}

Json to_json(const AnswerShape& shape) {
  Json fields = Json::array();
  for (const AnswerField& field : shape.fields) {
    Json json = {{"name", field.name}, {"label", field.label}, {"plural", field.plural}};
    if (field.is_entity()) {
      json["table"] = field.table;
      if (!field.scope.empty()) json["scope"] = field.scope;
      if (!field.prefer_column.empty())
        json["prefer"] = {{"column", field.prefer_column}, {"direction", field.prefer_high ? "high" : "low"}};
    }
    if (field.is_given()) json["literals"] = field.literals;
    fields.push_back(std::move(json));
  }
  return {{"group", shape.group_label}, {"whole", shape.whole}, {"groups", shape.groups}, {"fields", std::move(fields)}};
}

Result<AnswerShape> answer_shape_from_json(const Json& json, const std::string& file, const std::string& path) {
  JsonReader r(json, file, path);
  AnswerShape shape;
  shape.group_label = r.text("group");
  shape.whole = r.text_or("whole", "answer");
  shape.groups = static_cast<int>(r.integer("groups", {.minimum = 1, .maximum = 32}));
  const Json& fields = r.array("fields");
  for (size_t i = 0; i < fields.size(); ++i) {
    JsonReader f(fields[i], file, path + ".fields[" + std::to_string(i) + "]");
    AnswerField field;
    field.name = f.text("name");
    field.label = f.text_or("label", field.name);
    field.plural = f.text_or("plural", plural_of(field.label));
    field.literals = f.texts_or("literals", {});
    field.table = f.text_or("table", "");
    field.scope = f.text_or("scope", "");
    if (f.has("prefer")) {
      JsonReader p(f.object("prefer"), file, f.path_of("prefer"));
      field.prefer_column = p.text("column");
      field.prefer_high = p.text_or("direction", "high") == "high";
      ASSAY_TRY(p.finish());
    }
    if (!field.is_entity() && !field.is_given()) f.fail("", "a field has a table, literals, or both");
    if (field.is_given() && !field.scope.empty()) f.fail("scope", "what is given has no scope");
    if (field.is_given() && field.literals.size() < static_cast<size_t>(shape.groups))
      f.fail("literals", "expected one literal for each of the " + std::to_string(shape.groups) + " groups");
    if (shape.field_index(field.name) >= 0) f.fail("name", "the field '" + field.name + "' is declared twice");
    ASSAY_TRY(f.finish());
    shape.fields.push_back(std::move(field));
  }
  for (const AnswerField& field : shape.fields) {
    const int scope = shape.field_index(field.scope);
    if (!field.scope.empty() && (scope < 0 || !shape.fields[scope].is_entity()))
      r.fail("fields", "the scope '" + field.scope + "' of field '" + field.name + "' is no entity field");
  }
  if (shape.slots_per_group() == 0) r.fail("fields", "no field names an entity");
  if (shape.slots() > 256) r.fail("fields", "more than 256 slots");
  ASSAY_TRY(r.finish());
  return shape;
}

int32_t given_row(const AnswerShape& shape, const Tables& tables, int slot) {
  const AnswerField& field = shape.fields[shape.field_of_slot(slot)];
  return field.is_given() ? tables.resolve_name(tables.table_index(field.table), field.literals[shape.group_of_slot(slot)]) : -1;
}

std::string answer_text(const AnswerShape& shape, const Tables& tables, const Assignment& rows) {
  OrderedJson answer = OrderedJson::array();
  size_t slot = 0;
  for (int group = 0; group < shape.groups; ++group) {
    OrderedJson object = OrderedJson::object();
    for (const AnswerField& field : shape.fields) {
      if (field.is_entity())
        object[field.name] = std::string(tables.entity_name(tables.table_index(field.table), rows[slot++]));
      else
        object[field.name] = field.literals[group];
    }
    answer.push_back(std::move(object));
  }
  return answer.dump();
}

}  // namespace assay
