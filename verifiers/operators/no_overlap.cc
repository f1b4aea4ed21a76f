// no_overlap: groups that have something in common ("sharing": a room, a nurse, a participant; absent: any two groups) do not
// overlap in time. Between the end of one and the beginning of the next lies at least "gap" minutes, or the "travel" from the
// place of the one to that of the other, the shortest that a relation has; no row, no way. None is needed in one place.
#include <algorithm>

#include "envs/plural.h"
#include "verifiers/spans.h"
#include "verifiers/wording.h"

namespace assay::operators::no_overlap {
namespace {

class Travel {
 public:
  static std::optional<Travel> read(JsonReader& reader, const Binding& binding) {
    if (!reader.has("travel")) {
      reader.member_or_null("travel");
      return std::nullopt;
    }
    JsonReader r(reader.object("travel"), reader.file(), reader.path_of("travel"));
    Travel out;
    out.table_ = read_table(r, "table", binding);
    const std::string from = r.text("from"), to = r.text("to"), get = r.text("get");
    if (!r.failed()) out.from_ = read_column_of(r, from, "from", out.table_, binding);
    if (!r.failed()) out.to_ = read_column_of(r, to, "to", out.table_, binding);
    if (!r.failed()) out.minutes_ = read_column_of(r, get, "get", out.table_, binding);
    out.between_ = Owners::read(r, "between", binding);
    if (!r.failed()) out.check(r, binding);
    if (Status status = r.finish(); !status.ok()) reader.fail("travel", status.error().text());
    else out.load(binding);
    return out;
  }

  // From the entity `a` in the given field to the entity `b`: kNull if there is no way, kUnknown if that was not asked.
  int64_t minutes(int32_t a, int32_t b) const {
    const Owners::Set &from = between_.of(a), &to = between_.of(b);
    if (from.rows.empty() || to.rows.empty()) return from.known == Truth::kNo || to.known == Truth::kNo ? kNull : kUnknown;
    return from.rows[0] == to.rows[0] ? 0 : shortest_[static_cast<size_t>(from.rows[0]) * places_ + static_cast<size_t>(to.rows[0])];
  }
  void facts(int32_t a, int32_t b, std::vector<Fact>& out) const {
    between_.facts(a, out);
    between_.facts(b, out);
    const Owners::Set &from = between_.of(a), &to = between_.of(b);
    if (from.rows.empty() || to.rows.empty() || from.rows[0] == to.rows[0]) return;
    out.push_back(Fact::rows(table_, from_.column, from.rows[0], to_.column, to.rows[0]));
    out.push_back(Fact::rows(table_, from_.column, to.rows[0], to_.column, from.rows[0]));
  }
  void add_needs(std::set<ColumnNeed>& out) const {
    between_.add_needs(out);
    for (const BoundColumn* column : {&from_, &to_, &minutes_}) out.insert({table_, column->column});
  }
  int field() const { return between_.field(); }
  std::string sentence(const Binding& binding) const {
    return "the " + extreme_word(*minutes_.spec, false) + " " + noun_of(*minutes_.spec) + " of a " + binding.tables.tables[table_].spec.label + " from the " + between_.noun() +
           " of the one to the " + between_.noun() + " of the other (none is needed within one " + between_.noun() + ")";
  }
  std::string python(const Binding& binding) const {
    std::string places;
    for (int group = 0; group < binding.shape.groups; ++group) places += (group ? ", " : "") + between_.python(binding.shape, group);
    return "travel([" + places + "], " + python_text(binding.tables.tables[table_].spec.name) + ", " + python_text(from_.spec->name) + ", " +
           python_text(to_.spec->name) + ", " + python_text(minutes_.spec->name) + ")";
  }

 private:
  void check(JsonReader& r, const Binding& binding) {
    const std::string& places = binding.tables.tables[between_.table()].spec.name;
    if (from_.spec->references != places || to_.spec->references != places) r.fail("from", "the columns must refer to the table '" + places + "'");
    if (minutes_.spec->type != ColumnType::kInteger) r.fail("get", "the column holds no whole numbers");
    if (between_.through_relation() || !binding.shape.fields[between_.field()].is_given()) r.fail("between", "expected one place of what is given");
  }
  void load(const Binding& binding) {
    places_ = static_cast<size_t>(binding.tables.tables[between_.table()].size());
    shortest_.assign(places_ * places_, kNull);
    for (int32_t row = 0; row < binding.tables.tables[table_].size(); ++row) {
      if (!has_value(from_.at(row)) || !has_value(to_.at(row)) || !has_value(minutes_.at(row))) continue;
      int64_t& at = shortest_[static_cast<size_t>(from_.at(row)) * places_ + static_cast<size_t>(to_.at(row))];
      at = has_value(at) ? std::min(at, minutes_.at(row)) : minutes_.at(row);
    }
    if (!binding.asked) return;
    for (size_t a = 0; a < places_; ++a)
      for (size_t b = 0; b < places_; ++b)
        if (binding.is_open(Fact::rows(table_, from_.column, static_cast<int32_t>(a), to_.column, static_cast<int32_t>(b))))
          shortest_[a * places_ + b] = kUnknown;
  }

  int table_ = -1;
  BoundColumn from_, to_, minutes_;
  Owners between_;
  size_t places_ = 0;
  std::vector<int64_t> shortest_;   // [from * places_ + to]
};

class NoOverlap final : public Constraint {
 public:
  NoOverlap(const Binding& binding, Spans spans, std::optional<Owners> sharing, int64_t gap, std::optional<Travel> travel)
      : binding_(binding), spans_(spans), sharing_(std::move(sharing)), gap_(gap), travel_(std::move(travel)) {}

  bool holds(const int32_t* rows) const override { return !offenders(rows); }

  std::string explain(const int32_t* rows) const override {
    const auto pair = offenders(rows);
    if (!pair) return "";
    const std::string second = spans_.text(binding_.shape, rows, pair->second);
    if (pair->first == pair->second) return second + " cannot be judged";
    const std::string apart = gap_ > 0 || travel_ ? "are too close to each other" : "overlap";
    return spans_.text(binding_.shape, rows, pair->first) + " and " + second + " " + apart + sharing_text();
  }

  std::string sentence() const override {
    std::string out = "No two " + plural_of(binding_.shape.group_label) + sharing_text() + " may overlap (each lasts " + spans_.sentence(binding_.shape);
    if (travel_) return out + "), and between the end of one and the beginning of the next there must be at least " + travel_->sentence(binding_) + ".";
    if (gap_ > 0) return out + "), and between the end of one and the beginning of the next there must be at least " + std::to_string(gap_) + " minutes.";
    return out + "; one may begin when another ends).";
  }

  // None if it is given that no two groups share anything.
  std::vector<std::string> branches() const override {
    if (!sharing_ || binding_.asked || !binding_.shape.fields[sharing_->field()].is_given()) return {"apart"};
    const auto given = [&](int group) { return given_row(binding_.shape, binding_.tables, binding_.shape.slot(group, sharing_->field())); };
    for (int group = 0; group < binding_.shape.groups; ++group)
      for (int other = 0; other < group; ++other)
        if (sharing_->shared(given(other), given(group)) == Truth::kYes) return {"apart"};
    return {};
  }

  Literal reify(Lowering& lowering, size_t) const override {
    std::vector<Literal> all;
    for_pairs(lowering, std::nullopt, all, [&](std::vector<Literal> any) { all.push_back(lowering.any(std::move(any))); });
    return lowering.all(std::move(all));
  }

  void post(Lowering& lowering) const override { post_within(lowering, std::nullopt); }

  void prefer_near_miss(Lowering& lowering, size_t) const override {
    std::vector<Spans::Order> orders;
    for (int first = 0; first < binding_.shape.groups; ++first)
      for (int second = 0; second < binding_.shape.groups; ++second)
        if (const int64_t gap = first == second ? kNull : gap_between(first, second); has_value(gap)) orders.push_back({first, second, gap});
    const Var late = spans_.lateness(lowering, orders);   // of the two that are closest
    post_within(lowering, late);
    lowering.model().minimise_first.push_back(late);
  }

  std::string python() const override {
    std::string spans, owners;
    for (int group = 0; group < binding_.shape.groups; ++group) {
      spans += (group ? ", " : "") + spans_.python(binding_.shape, group);
      owners += (group ? ", " : "") + (sharing_ ? sharing_->python(binding_.shape, group) : "{0}");
    }
    return "apart([" + spans + "], [" + owners + "], " + (travel_ ? travel_->python(binding_) : "lambda i, j: " + std::to_string(gap_)) + ")";
  }

  std::vector<int> slots() const override {
    std::vector<int> out;
    for (int group = 0; group < binding_.shape.groups; ++group) {
      for (int slot : spans_.slots(binding_.shape, group)) out.push_back(slot);
      if (sharing_) out.push_back(binding_.shape.slot(group, sharing_->field()));
    }
    return out;
  }
  std::set<ColumnNeed> needs() const override {
    std::set<ColumnNeed> out = spans_.needs();
    if (sharing_) sharing_->add_needs(out);
    if (travel_) travel_->add_needs(out);
    return out;
  }
  void facts(const int32_t* rows, std::vector<Fact>& out) const override {
    for (int group = 0; group < binding_.shape.groups; ++group) {
      spans_.facts(binding_.shape, rows, group, out);
      if (sharing_) sharing_->facts(owner_row(rows, group), out);
      for (int other = 0; travel_ && other < group; ++other)
        if (shared(rows, other, group) == Truth::kYes) travel_->facts(place_row(rows, other), place_row(rows, group), out);
    }
  }

 private:
  int32_t owner_row(const int32_t* rows, int group) const { return rows[binding_.shape.slot(group, sharing_->field())]; }
  int32_t place_row(const int32_t* rows, int group) const { return rows[binding_.shape.slot(group, travel_->field())]; }
  Truth shared(const int32_t* rows, int first, int second) const {
    return sharing_ ? sharing_->shared(owner_row(rows, first), owner_row(rows, second)) : Truth::kYes;
  }

  // The first two groups too close to each other; one group twice if it cannot be judged.
  std::optional<std::pair<int, int>> offenders(const int32_t* rows) const {
    Span spans[32];
    for (int group = 0; group < binding_.shape.groups; ++group) {
      const auto span = spans_.of(binding_.shape, rows, group);
      if (!span || (sharing_ && sharing_->of(owner_row(rows, group)).known != Truth::kYes)) return std::pair{group, group};
      spans[group] = *span;
      for (int other = 0; other < group; ++other)
        if (shared(rows, other, group) == Truth::kYes && !fits_before(rows, spans, other, group) && !fits_before(rows, spans, group, other))
          return std::pair{other, group};
    }
    return std::nullopt;
  }
  bool fits_before(const int32_t* rows, const Span* spans, int first, int second) const {
    const int64_t gap = travel_ ? travel_->minutes(place_row(rows, first), place_row(rows, second)) : gap_;
    return has_value(gap) && spans[first].to + gap <= spans[second].from;
  }

  // Minutes between two groups whose places are given; kNull if there is no way.
  int64_t gap_between(int first, int second) const {
    if (!travel_) return gap_;
    const auto row = [&](int group) { return given_row(binding_.shape, binding_.tables, binding_.shape.slot(group, travel_->field())); };
    const int64_t gap = travel_->minutes(row(first), row(second));
    return gap == kUnknown ? 0 : gap;
  }

  // Hands each pair of groups to `take` as a clause; what every group needs is added to `all`.
  template <typename Take>
  void for_pairs(Lowering& lowering, std::optional<Var> late, std::vector<Literal>& all, Take take) const {
    for (int group = 0; group < binding_.shape.groups; ++group) {
      spans_.present(lowering, group, all);
      if (sharing_) all.push_back(sharing_->present(lowering, group));
      for (int other = 0; other < group; ++other) {
        std::vector<Literal> any;
        if (sharing_) any.push_back(!sharing_->shared(lowering, other, group));
        for (const auto& [first, second] : {std::pair(other, group), std::pair(group, other)})
          if (const int64_t gap = gap_between(first, second); has_value(gap)) any.push_back(spans_.before(lowering, first, second, gap, late));
        take(std::move(any));
      }
    }
  }

  void post_within(Lowering& lowering, std::optional<Var> late) const {
    std::vector<Literal> all;
    for_pairs(lowering, late, all, [&](std::vector<Literal> any) { lowering.model().clauses.push_back({std::move(any)}); });
    for (Literal literal : all) lowering.require(literal);
  }

  std::string sharing_text() const {
    if (!sharing_) return "";
    return sharing_->through_relation() ? " that share " + with_article(sharing_->noun()) : " with the same " + sharing_->noun();
  }

  Binding binding_;
  Spans spans_;
  std::optional<Owners> sharing_;
  int64_t gap_;
  std::optional<Travel> travel_;
};

std::unique_ptr<Constraint> compile(JsonReader& reader, const Binding& binding) {
  const Spans spans = Spans::read(reader, binding);
  std::optional<Owners> sharing;
  if (reader.has("sharing")) sharing = Owners::read(reader, "sharing", binding);
  reader.member_or_null("sharing");
  const int64_t gap = reader.integer("gap", {.minimum = 0, .maximum = 100'000, .fallback = 0});
  std::optional<Travel> travel = Travel::read(reader, binding);
  if (travel && gap > 0) reader.fail("gap", "either a gap or travel");
  if (!reader.failed() && binding.shape.groups < 2) reader.fail("start", "with one group nothing can overlap");
  if (reader.failed()) return nullptr;
  return std::make_unique<NoOverlap>(binding, spans, std::move(sharing), gap, std::move(travel));
}

}  // namespace

Operator make() { return {"no_overlap", "groups that share something do not overlap in time, with a gap or travel between them", compile}; }

}  // namespace assay::operators::no_overlap
