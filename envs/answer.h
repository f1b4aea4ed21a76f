// The shape of an answer: a JSON array of groups (days, meetings), each an object with the same fields. A field is a literal that
// is given (a date), the name of an entity to choose, or both: an entity that is given (the meeting to place). What names an
// entity is a slot; those not given are to be filled.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "envs/table.h"

namespace assay {

struct AnswerField {
  std::string name;                   // JSON key: "hotel"
  std::string label;                  // in sentences: "hotel"
  std::string plural;                 // "hotels"
  std::vector<std::string> literals;  // [groups] of a given field; empty for one to choose
  std::string table;                  // of an entity field; keyed by one column if the entities are given
  std::string scope;                  // the field of the same group that scopes the name ("city"), or empty
  // How a chooser without reasoning ranks candidates: a column, best first in the direction given. May be empty.
  std::string prefer_column;
  bool prefer_high = true;

  bool is_entity() const { return !table.empty(); }
  bool is_given() const { return !literals.empty(); }
};

struct AnswerShape {
  std::string group_label = "group";  // "day"
  std::string whole = "answer";       // what all groups together are called: "trip"
  int groups = 0;
  std::vector<AnswerField> fields;

  int field_index(std::string_view name) const;  // -1 when absent
  int slots_per_group() const;
  int slots() const { return groups * slots_per_group(); }
  // Entity fields in order are the slots of a group: slot = group * slots_per_group() + rank of the field.
  int slot(int group, int field) const;
  int field_of_slot(int slot) const;
  int group_of_slot(int slot) const { return slot / slots_per_group(); }
  bool has_given_entities() const;
  // "the hotel on day 2"; where the groups are given entities, "the room of \"Budget review\"".
  std::string slot_text(int slot) const;
};

// One row number per slot, -1 where the answer names no entity of the table. The compact form every judge works on.
using Assignment = std::vector<int32_t>;

Json to_json(const AnswerShape& shape);
Result<AnswerShape> answer_shape_from_json(const Json& json, const std::string& file, const std::string& path);

// The row of a slot that is given; -1 for one to be chosen, or if the tables have no such entity.
int32_t given_row(const AnswerShape& shape, const Tables& tables, int slot);

// The answer as text an agent would submit: keys in the shape's order, names of entities. Rows must be valid.
std::string answer_text(const AnswerShape& shape, const Tables& tables, const Assignment& rows);

}  // namespace assay
