#include "verifiers/answer_reader.h"

#include <cstring>

#include <simdjson.h>

namespace assay {

struct AnswerReader::State {
  struct Field {
    std::string name;
    bool entity = false;
    int table = -1, rank = -1, scope_rank = -1;   // ranks are slots within a group
  };
  const AnswerShape& shape;
  const Tables& tables;
  size_t limit_bytes;
  std::vector<Field> fields;
  std::vector<int> entity_order;   // fields that name entities, scopes before what they scope
  int slots_per_group = 0;
  simdjson::dom::parser parser;
  std::string buffer;              // the answer with the padding simdjson reads past
  std::vector<std::string_view> values;   // [fields] of the group being read

  State(const AnswerShape& s, const Tables& t, size_t limit) : shape(s), tables(t), limit_bytes(limit) {
    slots_per_group = s.slots_per_group();
    for (size_t i = 0; i < s.fields.size(); ++i) {
      Field field{s.fields[i].name, s.fields[i].is_entity(), -1, -1, -1};
      if (field.entity) {
        field.table = t.table_index(s.fields[i].table);
        field.rank = s.slot(0, static_cast<int>(i));
        if (const int scope = s.field_index(s.fields[i].scope); scope >= 0) field.scope_rank = s.slot(0, scope);
      }
      fields.push_back(std::move(field));
    }
    for (const bool scoped : {false, true})
      for (size_t i = 0; i < fields.size(); ++i)
        if (fields[i].entity && (fields[i].scope_rank >= 0) == scoped) entity_order.push_back(static_cast<int>(i));
    values.resize(fields.size());
  }

  int field_of(std::string_view key, size_t expected) const {
    if (expected < fields.size() && fields[expected].name == key) return static_cast<int>(expected);  // keys mostly come in order
    for (size_t i = 0; i < fields.size(); ++i)
      if (fields[i].name == key) return static_cast<int>(i);
    return -1;
  }

  AnswerProblem read_group(simdjson::dom::element element, int group, ReadAnswer& out) {
    simdjson::dom::object object;
    if (element.get(object)) return AnswerProblem::kNotObject;
    uint64_t seen = 0;
    size_t position = 0;
    for (auto [key, value] : object) {
      const int field = field_of(key, position++);
      if (field < 0) return AnswerProblem::kUnknownKey;
      out.field = field;
      if (seen >> field & 1) return AnswerProblem::kDuplicateKey;
      seen |= uint64_t{1} << field;
      if (value.get(values[field])) return AnswerProblem::kNotString;
      if (shape.fields[field].is_given() && values[field] != shape.fields[field].literals[group]) return AnswerProblem::kWrongLiteral;
    }
    if (seen != (uint64_t{1} << fields.size()) - 1) {
      out.field = __builtin_ctzll(~seen);
      return AnswerProblem::kMissingKey;
    }
    int32_t* rows = out.rows.data() + group * slots_per_group;
    for (int index : entity_order) {
      const Field& field = fields[index];
      const int32_t scope = field.scope_rank < 0 ? -1 : rows[field.scope_rank];
      rows[field.rank] = tables.resolve(field.table, tables.texts.find(values[index]), scope);
      out.all_known &= rows[field.rank] >= 0;
      out.names[group * slots_per_group + field.rank] = values[index];
    }
    return AnswerProblem::kNone;
  }

  AnswerProblem read(std::string_view bytes, ReadAnswer& out) {
    if (bytes.size() > limit_bytes) return AnswerProblem::kTooLarge;
    if (bytes.find_first_not_of(" \t\r\n") == std::string_view::npos) return AnswerProblem::kEmpty;
    if (buffer.size() < bytes.size() + simdjson::SIMDJSON_PADDING) buffer.resize(2 * bytes.size() + simdjson::SIMDJSON_PADDING);
    std::memcpy(buffer.data(), bytes.data(), bytes.size());
    simdjson::dom::element root;
    if (parser.parse(reinterpret_cast<const uint8_t*>(buffer.data()), bytes.size(), false).get(root)) return AnswerProblem::kNotJson;
    simdjson::dom::array array;
    if (root.get(array)) return AnswerProblem::kNotArray;
    int group = 0;
    for (simdjson::dom::element element : array) {
      if (group == shape.groups) return AnswerProblem::kGroupCount;
      out.group = group;
      out.field = -1;
      if (AnswerProblem problem = read_group(element, group, out); problem != AnswerProblem::kNone) return problem;
      ++group;
    }
    if (group != shape.groups) return AnswerProblem::kGroupCount;
    return AnswerProblem::kNone;
  }
};

AnswerReader::AnswerReader(const AnswerShape& shape, const Tables& tables, size_t limit_bytes)
    : state_(std::make_unique<State>(shape, tables, limit_bytes)) {}
AnswerReader::~AnswerReader() = default;
AnswerReader::AnswerReader(AnswerReader&&) noexcept = default;

void AnswerReader::read(std::string_view bytes, ReadAnswer& out) {
  const size_t slots = static_cast<size_t>(state_->shape.slots());
  out.rows.assign(slots, -1);
  out.names.assign(slots, {});
  out.group = out.field = -1;
  out.all_known = true;
  out.problem = state_->read(bytes, out);
  if (out.problem != AnswerProblem::kNone) out.all_known = false;
}

}  // namespace assay
