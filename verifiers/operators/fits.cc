// fits: every group lies within the hours of what it has to do with (its room, every participant), or clear of what is in their
// calendars. "window": {"from", "to"} are columns of those entities, minutes of a day if "daily" is true, else of the same clock
// as the start; "busy": {"table", "owner", "from", "to"} is a relation of spans that must be left free. "offset" is a column with
// the minutes by which their local clock is ahead of the start's.
#include "verifiers/spans.h"

namespace assay::operators::fits {
namespace {

constexpr int64_t kDayMinutes = 1440;

// One way of not fitting: too early, too late, or at a time that is taken.
enum class Side { kFrom, kTo, kBusy };
constexpr const char* kSideNames[] = {"not before", "not after", "free"};

struct Window {
  Path from, to;
  bool daily = false;
};

struct Calendar {
  int table = -1;
  BoundColumn owner, from, to;
  std::vector<std::vector<Span>> taken;   // [owner]
  std::vector<char> open;                 // [owner] there may be more, for all an explorer knows
};

class Fits final : public Constraint {
 public:
  Fits(const Binding& binding, Spans spans, Owners owners, std::optional<Path> offset, std::optional<Window> window, std::optional<Calendar> calendar)
      : binding_(binding), spans_(spans), owners_(std::move(owners)), offset_(std::move(offset)), window_(std::move(window)), calendar_(std::move(calendar)) {
    if (window_) sides_ = {Side::kFrom, Side::kTo};
    else sides_ = {Side::kBusy};
  }

  bool holds(const int32_t* rows) const override { return !offender(rows); }

  std::string explain(const int32_t* rows) const override {
    const auto found = offender(rows);
    if (!found) return "";
    const std::string who = spans_.text(binding_.shape, rows, found->group);
    if (found->owner < 0) return who + " cannot be judged: " + owners_.phrase() + " is not known";
    std::string out = who + " does not fit " + owners_.noun() + " \"" + std::string(binding_.tables.entity_name(owners_.table(), found->owner)) + "\"";
    if (found->side == Side::kBusy) out += ", who or which is taken";
    else if (const int64_t limit = (found->side == Side::kFrom ? window_->from : window_->to).at(found->owner); has_value(limit))
      out += std::string(found->side == Side::kFrom ? ", only from " : ", only until ") + std::to_string(limit);
    if (offset_ && has_value(offset_->at(found->owner))) out += ", with a clock " + std::to_string(offset_->at(found->owner)) + " minutes ahead";
    return out;
  }

  std::string sentence() const override {
    std::string out = "Each " + binding_.shape.group_label + ", which lasts " + spans_.sentence(binding_.shape) + ", must ";
    if (window_) out += "lie between the " + window_->from.label() + " and the " + window_->to.label() + " of " + window_->from.of() + owners_.phrase() + (window_->daily ? ", on one day" : "");
    else out += "be clear of every " + binding_.tables.tables[calendar_->table].spec.label + " of " + owners_.phrase();
    if (offset_) out += ", in local time (the time of the " + binding_.shape.group_label + " plus the " + offset_->label() + ")";
    return out + ".";
  }

  std::vector<std::string> branches() const override {
    std::vector<std::string> out;
    for (Side side : sides_) out.push_back(kSideNames[static_cast<int>(side)]);
    return out;
  }

  Literal reify(Lowering& lowering, size_t branch) const override {
    std::vector<Literal> all;
    for (int group = 0; group < binding_.shape.groups; ++group) all.push_back(group_literal(lowering, group, {sides_[branch]}));
    return lowering.all(std::move(all));
  }

  void post(Lowering& lowering) const override {
    for (int group = 0; group < binding_.shape.groups; ++group) {
      if (!both_chosen(group)) lowering.require(group_literal(lowering, group, sides_));
      else lowering.model().tables.push_back({lowering.slot(start_slot(group)), lowering.slot(owner_slot(group)), tuples(lowering, group, sides_), false, {}});
    }
  }

  std::string python() const override {
    const std::string offset = offset_ ? offset_->python(binding_) : "None";
    std::string out;
    for (int group = 0; group < binding_.shape.groups; ++group) {
      out += (group ? ", " : "") + std::string(window_ ? "within(" : "clear(") + spans_.python(binding_.shape, group) + ", " +
             owners_.python(binding_.shape, group) + ", " + offset + ", ";
      if (window_) out += window_->from.python(binding_) + ", " + window_->to.python(binding_) + ", " + (window_->daily ? "True" : "False") + ")";
      else out += python_text(binding_.tables.tables[calendar_->table].spec.name) + ", " + python_text(calendar_->owner.spec->name) + ", " +
                  python_text(calendar_->from.spec->name) + ", " + python_text(calendar_->to.spec->name) + ")";
    }
    return "every([" + out + "])";
  }

  std::vector<int> slots() const override {
    std::vector<int> out;
    for (int group = 0; group < binding_.shape.groups; ++group) {
      for (int slot : spans_.slots(binding_.shape, group)) out.push_back(slot);
      out.push_back(owner_slot(group));
    }
    return out;
  }
  std::set<ColumnNeed> needs() const override {
    std::set<ColumnNeed> out = spans_.needs();
    owners_.add_needs(out);
    if (offset_) offset_->add_needs(out);
    if (window_) window_->from.add_needs(out), window_->to.add_needs(out);
    if (calendar_)
      for (const BoundColumn* column : {&calendar_->owner, &calendar_->from, &calendar_->to}) out.insert({calendar_->table, column->column});
    return out;
  }
  void facts(const int32_t* rows, std::vector<Fact>& out) const override {
    for (int group = 0; group < binding_.shape.groups; ++group) {
      spans_.facts(binding_.shape, rows, group, out);
      owners_.facts(rows[owner_slot(group)], out);
      for (int32_t owner : owners_.of(rows[owner_slot(group)]).rows) {
        if (offset_) offset_->facts(owner, out);
        if (window_) window_->from.facts(owner, out), window_->to.facts(owner, out);
        if (calendar_) out.push_back(Fact::rows(calendar_->table, calendar_->owner.column, owner));
      }
    }
  }

 private:
  struct Offender {
    int group;
    int32_t owner;   // -1: not known
    Side side;
  };
  int start_slot(int group) const { return spans_.start.slot(binding_.shape, group); }
  int owner_slot(int group) const { return binding_.shape.slot(group, owners_.field()); }

  // Whether the span, on the start's clock, fits this owner.
  Truth judge(Side side, Span span, int32_t owner) const {
    if (offset_) {
      const int64_t shift = offset_->at(owner);
      if (!has_value(shift)) return shift == kUnknown ? Truth::kUnknown : Truth::kNo;
      span = {span.from + shift, span.to + shift};
    }
    if (side == Side::kBusy) {
      for (const Span& taken : calendar_->taken[static_cast<size_t>(owner)])
        if (span.overlaps(taken)) return Truth::kNo;
      return calendar_->open[static_cast<size_t>(owner)] ? Truth::kUnknown : Truth::kYes;
    }
    const int64_t limit = (side == Side::kFrom ? window_->from : window_->to).at(owner);
    if (!has_value(limit)) return limit == kUnknown ? Truth::kUnknown : Truth::kNo;
    const int64_t day = window_->daily ? span.from - (span.from % kDayMinutes + kDayMinutes) % kDayMinutes : 0;
    return (side == Side::kFrom ? span.from - day >= limit : span.to - day <= limit) ? Truth::kYes : Truth::kNo;
  }

  std::optional<Offender> offender(const int32_t* rows) const {
    for (int group = 0; group < binding_.shape.groups; ++group) {
      const auto span = spans_.of(binding_.shape, rows, group);
      const Owners::Set& owners = owners_.of(rows[owner_slot(group)]);
      if (!span || owners.known != Truth::kYes) return Offender{group, -1, sides_[0]};
      for (int32_t owner : owners.rows)
        for (Side side : sides_)
          if (judge(side, *span, owner) != Truth::kYes) return Offender{group, owner, side};
    }
    return std::nullopt;
  }

  // For lowering: of a start, a given length and the entity in the owners' field.
  Truth judge_group(const std::vector<Side>& sides, int64_t start, int64_t length, int32_t source) const {
    if (start == kNull || length == kNull) return Truth::kNo;
    const Owners::Set& owners = owners_.of(source);
    Truth out = owners.known;
    if (out == Truth::kNo) return out;
    if (!has_value(start) || !has_value(length)) return Truth::kUnknown;
    for (int32_t owner : owners.rows)
      for (Side side : sides) {
        const Truth truth = judge(side, {start, start + length}, owner);
        if (truth == Truth::kNo) return truth;
        if (truth == Truth::kUnknown) out = truth;
      }
    return out;
  }
  int64_t length_of(int group) const {
    const int slot = spans_.length.slot(binding_.shape, group);
    return spans_.length.column.at(given_row(binding_.shape, binding_.tables, slot));
  }
  // Whether start and owner are chosen in different fields.
  bool both_chosen(int group) const {
    return owner_slot(group) != start_slot(group) && !binding_.shape.fields[owners_.field()].is_given();
  }
  Literal group_literal(Lowering& lowering, int group, const std::vector<Side>& sides) const {
    if (both_chosen(group)) {
      const Literal literal = lowering.model().add_literal();
      lowering.model().tables.push_back({lowering.slot(start_slot(group)), lowering.slot(owner_slot(group)), tuples(lowering, group, sides), true, literal});
      return literal;
    }
    const int64_t length = length_of(group);
    const bool itself = owner_slot(group) == start_slot(group);
    const int32_t given = given_row(binding_.shape, binding_.tables, owner_slot(group));
    std::vector<int> test;
    for (int32_t row = 0; row < lowering.table_of(start_slot(group)).size(); ++row)
      test.push_back(static_cast<int>(judge_group(sides, spans_.start.column.at(row), length, itself ? row : given)));
    return lowering.row_test(start_slot(group), test);
  }
  std::shared_ptr<const std::vector<std::pair<int, int>>> tuples(Lowering& lowering, int group, const std::vector<Side>& sides) const {
    auto out = std::make_shared<std::vector<std::pair<int, int>>>();
    const int64_t length = length_of(group);
    for (int32_t start = 0; start < lowering.table_of(start_slot(group)).size(); ++start)
      for (int32_t owner = 0; owner < lowering.table_of(owner_slot(group)).size(); ++owner)
        if (judge_group(sides, spans_.start.column.at(start), length, owner) != Truth::kNo) out->emplace_back(start, owner);
    return out;
  }

  Binding binding_;
  Spans spans_;
  Owners owners_;
  std::optional<Path> offset_;
  std::optional<Window> window_;
  std::optional<Calendar> calendar_;
  std::vector<Side> sides_;
};

std::optional<Window> read_window(JsonReader& reader, int table, const Binding& binding) {
  if (!reader.has("window")) return std::nullopt;
  JsonReader r(reader.object("window"), reader.file(), reader.path_of("window"));
  Window out{Path::read(r, "from", table, binding), Path::read(r, "to", table, binding), r.boolean_or("daily", false)};
  if (!r.failed() && out.from.steps.back().table != out.to.steps.back().table) r.fail("to", "expected a column of the same table as \"from\"");
  if (Status status = r.finish(); !status.ok()) reader.fail("window", status.error().text());
  return out;
}

std::optional<Calendar> read_calendar(JsonReader& reader, int table, const Binding& binding) {
  if (!reader.has("busy")) return std::nullopt;
  JsonReader r(reader.object("busy"), reader.file(), reader.path_of("busy"));
  Calendar out;
  out.table = read_table(r, "table", binding);
  const std::string owner = r.text("owner"), from = r.text("from"), to = r.text("to");
  if (!r.failed()) out.owner = read_column_of(r, owner, "owner", out.table, binding);
  if (!r.failed()) out.from = read_column_of(r, from, "from", out.table, binding);
  if (!r.failed()) out.to = read_column_of(r, to, "to", out.table, binding);
  if (!r.failed() && out.owner.spec->references != binding.tables.tables[table].spec.name)
    r.fail("owner", "the column does not refer to '" + binding.tables.tables[table].spec.name + "'");
  if (!r.failed() && (out.from.spec->type != ColumnType::kInteger || out.to.spec->type != ColumnType::kInteger)) r.fail("from", "the columns hold no whole numbers");
  if (Status status = r.finish(); !status.ok()) {
    reader.fail("busy", status.error().text());
    return out;
  }
  const size_t owners = static_cast<size_t>(binding.tables.tables[table].size());
  out.taken.resize(owners);
  for (int32_t row = 0; row < binding.tables.tables[out.table].size(); ++row) {
    if (!has_value(out.owner.at(row))) continue;
    Span span{out.from.at(row), out.to.at(row)};
    if (!has_value(span.from) || !has_value(span.to)) span = {INT64_MIN, INT64_MAX};   // taken, nobody knows when: nothing fits
    out.taken[static_cast<size_t>(out.owner.at(row))].push_back(span);
  }
  for (size_t row = 0; row < owners; ++row) out.open.push_back(binding.is_open(Fact::rows(out.table, out.owner.column, static_cast<int32_t>(row))));
  return out;
}

std::unique_ptr<Constraint> compile(JsonReader& reader, const Binding& binding) {
  const Spans spans = Spans::read(reader, binding);
  Owners owners = Owners::read(reader, "of", binding);
  std::optional<Path> offset;
  if (!reader.failed() && reader.has("offset")) offset = Path::read(reader, "offset", owners.table(), binding);
  std::optional<Window> window;
  std::optional<Calendar> calendar;
  if (!reader.failed()) window = read_window(reader, owners.table(), binding);
  if (!reader.failed()) calendar = read_calendar(reader, owners.table(), binding);
  for (const char* member : {"offset", "window", "busy"}) reader.member_or_null(member);
  if (!reader.failed() && window.has_value() == calendar.has_value()) reader.fail("window", "expected either a window or what is busy");
  if (reader.failed()) return nullptr;
  return std::make_unique<Fits>(binding, spans, std::move(owners), std::move(offset), std::move(window), std::move(calendar));
}

}  // namespace

Operator make() { return {"fits", "every group lies within hours, or clear of calendars, of what it has to do with", compile}; }

}  // namespace assay::operators::fits
