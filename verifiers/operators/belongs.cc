// belongs: the entity of each slot refers (by a reference column) to the entity in another field of the same group: every
// hotel lies in that day's city. "phrase" says what it must be or do to it, if that is not "be in".
#include "verifiers/constraint.h"
#include "verifiers/wording.h"

namespace assay::operators::belongs {
namespace {

class Belongs final : public Constraint {
 public:
  Belongs(const Binding& binding, SlotChoice choice, std::vector<BoundColumn> columns, int owner, std::string phrase)
      : binding_(binding), choice_(std::move(choice)), columns_(std::move(columns)), owner_(owner), phrase_(std::move(phrase)) {
    for (size_t i = 0; i < choice_.slots.size(); ++i)
      links_.push_back({choice_.slots[i], binding_.shape.slot(binding_.shape.group_of_slot(choice_.slots[i]), owner_),
                        columns_[i % columns_.size()]});
  }

  bool holds(const int32_t* rows) const override {
    for (const Link& link : links_)
      if (!link_holds(link, rows)) return false;
    return true;
  }

  std::string explain(const int32_t* rows) const override {
    for (const Link& link : links_) {
      if (link_holds(link, rows)) continue;
      const std::string slot = binding_.shape.slot_text(link.slot), owner = binding_.shape.slot_text(link.owner);
      if (rows[link.slot] < 0) return slot + " is not known";
      if (rows[link.owner] < 0) return owner + " is not known";
      return slot + ", \"" + std::string(binding_.tables.entity_name(link.column.table, rows[link.slot])) + "\", belongs to " +
             value_text(link.column.at(rows[link.slot]), link.column, binding_) + ", not to " + owner + ", \"" +
             std::string(binding_.tables.entity_name(owner_table(), rows[link.owner])) + "\"";
    }
    return "";
  }

  std::string sentence() const override {
    return upper_first(noun_phrase(choice_, binding_, true)) + " must " + phrase_ + " the " + binding_.shape.fields[owner_].label + " given for the same " +
           binding_.shape.group_label + ".";
  }

  std::vector<std::string> branches() const override {
    std::vector<std::string> out;
    for (int field : choice_.fields) out.push_back(binding_.shape.fields[field].name);
    return out;
  }

  Literal reify(Lowering& lowering, size_t branch) const override {
    std::vector<Literal> literals;
    for (const Link& link : links_)
      if (binding_.shape.field_of_slot(link.slot) == choice_.fields[branch])
        literals.push_back(lowering.linear({1, -1}, {lowering.value(link.slot, link.column.column), lowering.slot(link.owner)},
                                           Relation::kEqual, 0));
    return lowering.all(std::move(literals));
  }

  void post(Lowering& lowering) const override {
    for (const Link& link : links_)
      lowering.equate_value(link.slot, link.column.column, lowering.slot(link.owner));
  }

  std::string python() const override {
    std::string out;
    for (const Link& link : links_)
      out += (out.empty() ? "" : ", ") + ("v(" + std::to_string(link.slot) + ", " + python_text(link.column.spec->name) + ") == name(" +
             std::to_string(link.owner) + ")");
    return "every([" + out + "])";
  }

  std::vector<int> slots() const override {
    std::vector<int> out;
    for (const Link& link : links_) out.push_back(link.slot), out.push_back(link.owner);
    return out;
  }
  std::set<ColumnNeed> needs() const override {
    std::set<ColumnNeed> out;
    for (const BoundColumn& column : columns_) out.insert({column.table, column.column});
    return out;
  }
  void facts(const int32_t* rows, std::vector<Fact>& out) const override {
    for (const Link& link : links_) out.push_back({link.column.table, link.column.column, rows[link.slot]});
  }

 private:
  struct Link {
    int slot, owner;
    BoundColumn column;
  };
  static bool link_holds(const Link& link, const int32_t* rows) {
    return rows[link.owner] >= 0 && link.column.at(rows[link.slot]) == rows[link.owner];
  }
  int owner_table() const { return binding_.tables.table_index(binding_.shape.fields[owner_].table); }

  Binding binding_;
  SlotChoice choice_;
  std::vector<BoundColumn> columns_;   // one per field
  int owner_;
  std::string phrase_;
  std::vector<Link> links_;
};

std::unique_ptr<Constraint> compile(JsonReader& reader, const Binding& binding) {
  SlotChoice choice = read_slots(reader, "slots", binding);
  const std::string get = reader.text("get"), field = reader.text("field"), phrase = reader.text_or("phrase", "be in");
  const int owner = binding.shape.field_index(field);
  if (owner < 0 || !binding.shape.fields[owner].is_entity()) reader.fail("field", "no entity field is called '" + field + "'");
  std::vector<BoundColumn> columns;
  for (int f : choice.fields) {
    columns.push_back(read_column(reader, get, "get", {binding.shape.slot(0, f)}, binding));
    if (reader.failed()) return nullptr;
    if (columns.back().spec->references != binding.shape.fields[owner].table)
      reader.fail("get", "the column does not refer to the table '" + binding.shape.fields[owner].table + "'");
  }
  if (reader.failed()) return nullptr;
  return std::make_unique<Belongs>(binding, std::move(choice), std::move(columns), owner, phrase);
}

}  // namespace

Operator make() { return {"belongs", "the slots' entities belong to the entity in another field of the same group", compile}; }

}  // namespace assay::operators::belongs
