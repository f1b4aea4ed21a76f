#include "synth/query/draw.h"

#include <algorithm>
#include <set>

#include "envs/plain_tools.h"
#include "synth/query/evaluate.h"
#include "verifiers/wording.h"

namespace assay::query {
namespace {

constexpr int64_t kFewValues = 8;        // a number with no more is asked for by equality, too
constexpr size_t kSmallSet = 6;          // so many entities may stand in for one
constexpr size_t kMostNames = 12;
constexpr size_t kOpenTargets = 64;      // a reference may be left open if it runs over no more rows

using Rows = std::vector<int32_t>;

class Drawer {
 public:
  Drawer(const Drawable& drawable, TableSource& source, const Level& level, Rng& rng)
      : drawable_(drawable), tables_(drawable.tables()), source_(source), rng_(rng),
        operators_(rng.between(level.operators_low, level.operators_high)), hops_(rng.between(level.hops_low, level.hops_high)) {
    for (int table = 0; table < static_cast<int>(tables_.tables.size()); ++table)
      if (tables_.tables[static_cast<size_t>(table)].size() > 1 && !listings(table).empty()) listed_.push_back(table);
  }

 private:
  // Another try, with the same budgets, where a draw leads nowhere.
  template <typename Draw>
  auto retried(int times, const Draw& draw) {
    for (;;) {
      const std::pair budgets(operators_, hops_);
      auto out = draw();
      if (out || --times == 0) return out;
      std::tie(operators_, hops_) = budgets;
    }
  }

 public:
  std::optional<Question> draw() {
    if (listed_.empty()) return std::nullopt;
    return retried(8, [&] { return draw_kind(); });
  }

  // Of what the budgets are for, the question has a part already.
  std::optional<Question> extend(const Question& question) {
    const Size size = size_of(question, tables_);
    operators_ -= size.operators;
    hops_ -= size.hops;
    if (listed_.empty() || operators_ < 0 || hops_ < 0 || operators_ + hops_ == 0) return std::nullopt;
    return retried(8, [&] { return extend_once(question); });
  }

 private:
  struct Plural {
    RowSetPtr set;
    Rows rows;
    std::vector<int> columns;   // that a question may read of its rows
  };

  std::optional<Question> extend_once(const Question& question) {
    if (hops_ > 0 && !question.minus && question.of->is_single(tables_) && chance(70)) return led_on(question);
    const bool measured = question.ask == Question::Ask::kCell && (use(question.of->table, question.column) == Use::kNumber || use(question.of->table, question.column) == Use::kTime);
    if (measured && !question.minus && chance(30)) return differing(question);
    Question out = question;
    out.of = narrowed(question.of);
    if (!out.of) return std::nullopt;
    return out;
  }

  // With one condition more, and as many as the budgets ask for, on the rows that it is about in the end.
  RowSetPtr narrowed(const RowSetPtr& set) {
    if (set->kind != RowSet::Kind::kWhere) {
      auto out = std::make_shared<RowSet>(*set);
      out->of = narrowed(set->of);
      return out->of ? out : nullptr;
    }
    if (set->is_named(tables_)) return nullptr;
    Plural plural{set, rows_of(set), {}};
    for (const Path& path : listings(set->table))
      for (int c : readable(set->table, path))
        if (std::find(plural.columns.begin(), plural.columns.end(), c) == plural.columns.end()) plural.columns.push_back(c);
    const int64_t wanted = rng_.between(1, std::max<int64_t>(1, std::min<int64_t>(3, operators_ + hops_)));
    for (int64_t i = 0; i < wanted; ++i)
      if (!retried(4, [&] { return filter(plural); })) return i > 0 ? plural.set : nullptr;
    return plural.set;
  }

  // The row it leads to becomes the way to others, which refer to it, and something is asked about these.
  std::optional<Question> led_on(const Question& question) {
    const auto link = reference_to(question.of->table);
    if (!link || !spend(hops_)) return std::nullopt;
    const auto& [t, c] = *link;
    std::vector<const Path*> paths;
    for (const Path& path : listings(t))
      if (path.given.empty() || path.given == std::vector<int>{c}) paths.push_back(&path);
    const auto path = pick(paths);
    if (!path) return std::nullopt;
    Condition condition;
    condition.kind = Condition::Kind::kIn;
    condition.column = c;
    condition.set = question.of;
    auto set = std::make_shared<RowSet>();
    set->table = t;
    set->where = {std::move(condition)};
    Plural plural{set, rows_of(*set), readable(t, **path)};
    if (plural.rows.size() < 2) return std::nullopt;
    for (int64_t i = rng_.between(0, std::min<int64_t>(2, operators_)); i > 0; --i)
      if (!retried(4, [&] { return filter(plural); })) return std::nullopt;
    return chance(50) ? aggregated(plural) : best_of(plural);
  }

  std::optional<Question> best_of(const Plural& plural) {
    Question out;
    out.of = best(plural);
    if (!out.of) return std::nullopt;
    if (table(out.of->table).spec.is_entity() && chance(50)) return out;
    const auto c = asked_column(out.of);
    if (!c) return std::nullopt;
    out.ask = Question::Ask::kCell;
    out.column = *c;
    return out;
  }

  std::optional<Question> differing(const Question& question) {
    if (!spend(operators_)) return std::nullopt;
    Question out = question, other = question;
    other.of = chance(50) ? named(question.of->table) : described(question.of->table);
    if (!other.of) return std::nullopt;
    out.minus = std::make_shared<const Question>(std::move(other));
    return out;
  }

  std::optional<Question> draw_kind() {
    const uint64_t kind = rng_.below(operators_ >= 3 ? 12 : 10);
    if (kind < 2) return name();
    if (kind < 5) return cell();
    if (kind < 8) return aggregate();
    if (kind < 10) return names();
    return difference();
  }

  const Table& table(int index) const { return tables_.tables[static_cast<size_t>(index)]; }
  const ColumnSpec& column(int t, int c) const { return table(t).spec.columns[static_cast<size_t>(c)]; }
  const std::vector<Path>& listings(int t) const { return drawable_.listings(t); }
  Use use(int t, int c) const { return drawable_.use(t, c).use; }
  int target_of(int t, int c) const { return tables_.table_index(column(t, c).references); }
  bool chance(int percent) { return static_cast<int>(rng_.below(100)) < percent; }
  // Whether to cross a reference here: with several crossings to come, more likely than not.
  bool crosses(int percent) { return hops_ > 0 && chance(hops_ > 1 ? std::max(percent, 85) : percent); }
  bool spend(int64_t& budget, int64_t amount = 1) {
    if (budget < amount) return false;
    budget -= amount;
    return true;
  }

  Rows rows_of(const RowSet& set) {
    auto rows = evaluate_rows(set, source_);
    return rows.ok() ? std::move(*rows) : Rows();
  }
  Rows rows_of(const RowSetPtr& set) { return set ? rows_of(*set) : Rows(); }

  // Whether sums of it mean something, as far as its declaration tells: an amount of something, never below nothing, and not one per
  // something else.
  bool is_amount(int t, int c) const {
    const ColumnSpec& about = column(t, c);
    const auto says = [](const std::string& text, std::initializer_list<const char*> parts) {
      return std::any_of(parts.begin(), parts.end(), [&](const char* part) { return (" " + text + " ").find(part) != std::string::npos; });
    };
    const bool rate = says(about.label, {" per ", " of a ", " age ", " score ", " rating ", " voltage ", " speed ", " density ", " strength ", " level "}) ||
                      says(about.unit, {" percent", " %", " degree", " °", " points ", " after ", " above ", " a ", " an ", " per ", "/"});
    return use(t, c) == Use::kNumber && !about.unit.empty() && about.low >= 0 && !rate;
  }

  // A year, say: nobody asks for an average of years.
  bool is_moment(int t, int c) const { return use(t, c) == Use::kNumber && measure_of(column(t, c)) == Measure::kMoment; }

  template <typename T>
  std::optional<T> pick(const std::vector<T>& from) {
    if (from.empty()) return std::nullopt;
    return from[rng_.below(from.size())];
  }

  // One to ask about; with several crossings to come, one whose rows are reached across references, if that is what comes up.
  std::optional<int> pick_table(const std::vector<int>& from) {
    std::optional<int> out = pick(from);
    const auto crossed = [&](int t) {
      return std::any_of(listings(t).begin(), listings(t).end(), [&](const Path& path) {
        return std::any_of(path.given.begin(), path.given.end(), [&](int c) { return use(t, c) == Use::kReference; });
      });
    };
    for (int tries = 0; out && hops_ > 1 && tries < 3 && !crossed(*out); ++tries) out = pick(from);
    return out;
  }

  bool can_list_all(int t) const {
    return std::any_of(listings(t).begin(), listings(t).end(), [](const Path& path) { return path.given.empty(); });
  }

  // Columns of which cells can be read in one go, or looked up one by one.
  std::vector<int> readable(int t, const Path& path) const {
    std::vector<int> out;
    for (int c = 0; c < static_cast<int>(table(t).spec.columns.size()); ++c)
      if (use(t, c) != Use::kNone && (table(t).spec.is_entity() || path.reveals(c))) out.push_back(c);
    return out;
  }

  Condition equals(int t, int c, int32_t row) const {
    Condition out;
    out.column = c;
    if (column(t, c).is_number()) out.number = table(t).cell(c, row);
    else out.text = tables_.cell_text(table(t), c, row);
    return out;
  }

  // Rows of `t` that a tool can list, narrowed down by what the tool must be given.
  std::optional<Plural> listed(int t) {
    if (listings(t).empty()) return std::nullopt;
    const Path& path = rng_.pick(listings(t));
    auto set = std::make_shared<RowSet>();
    set->table = t;
    const int32_t witness = static_cast<int32_t>(rng_.below(static_cast<uint64_t>(table(t).size())));
    for (int c : path.given) {
      if (!has_value(table(t).cell(c, witness))) return std::nullopt;
      if (use(t, c) == Use::kReference) {
        const int target = target_of(t, c);
        const bool may_stay_open = can_list_all(target) && static_cast<size_t>(table(target).size()) <= kOpenTargets;
        if (may_stay_open && path.given.size() > 1 && set->where.size() + 1 >= path.given.size()) continue;
        if (may_stay_open && !table(t).spec.is_entity() && chance(25)) continue;
        if (crosses(85)) {
          auto condition = in_anchor(t, c);
          if (!condition) return std::nullopt;
          set->where.push_back(std::move(*condition));
          continue;
        }
      }
      if (!spend(operators_)) return std::nullopt;
      set->where.push_back(equals(t, c, witness));
    }
    Plural out{set, rows_of(*set), readable(t, path)};
    if (out.rows.size() < 2) return std::nullopt;
    return out;
  }

  std::optional<Plural> plural(int t, int most_filters) {
    auto out = retried(3, [&] { return listed(t); });
    if (!out) return std::nullopt;
    const int64_t wanted = rng_.between(0, std::min<int64_t>(most_filters, operators_));
    for (int64_t i = 0; i < wanted; ++i)
      if (!retried(4, [&] { return filter(*out); })) return std::nullopt;
    return out;
  }

  // One condition more. False if the draw leads nowhere.
  bool filter(Plural& plural) {
    if (hops_ > 0 && chance(40)) return having(plural);
    const int t = plural.set->table;
    std::vector<int> choice;
    for (int c : plural.columns) {
      const Use u = use(t, c);
      const bool taken = std::any_of(plural.set->where.begin(), plural.set->where.end(), [&](const Condition& o) { return o.kind != Condition::Kind::kHas && o.column == c; });
      if (!taken && (u == Use::kCategory || u == Use::kNumber || u == Use::kTime || (u == Use::kReference && hops_ > 0))) choice.push_back(c);
    }
    const auto c = pick(choice);
    if (!c) return false;
    auto condition = use(t, *c) == Use::kReference ? in_anchor(t, *c) : comparison(t, *c, plural.rows);
    return condition && (condition->kind == Condition::Kind::kIn || spend(operators_)) && narrow(plural, std::move(*condition));
  }

  bool narrow(Plural& plural, Condition condition) {
    RowSet alone;
    alone.table = plural.set->table;
    alone.where = {condition};
    const Rows meeting = rows_of(alone);
    Rows rows;
    std::set_intersection(plural.rows.begin(), plural.rows.end(), meeting.begin(), meeting.end(), std::back_inserter(rows));
    if (rows.size() < 2 || rows.size() >= plural.rows.size()) return false;
    auto set = std::make_shared<RowSet>(*plural.set);
    set->where.push_back(std::move(condition));
    plural.set = std::move(set);
    plural.rows = std::move(rows);
    return true;
  }

  // Between values that occur, so that some rows meet it and others do not.
  std::optional<Condition> comparison(int t, int c, const Rows& rows) {
    Rows with_value = rows;
    std::erase_if(with_value, [&](int32_t row) { return !has_value(table(t).cell(c, row)); });
    const auto row = pick(with_value);
    if (!row) return std::nullopt;
    Condition out = equals(t, c, *row);
    const ColumnUse& about = drawable_.use(t, c);
    if (about.use == Use::kCategory) {
      out.comparison = chance(75) ? Comparison::kEqual : Comparison::kNotEqual;
    } else if (about.use == Use::kTime) {
      if (about.form == TextForm::kClock) out.text = out.text.substr(0, 3) + (out.text[3] < '3' ? "00" : "30");
      out.comparison = chance(50) ? Comparison::kBelow : Comparison::kAtLeast;
    } else if (about.distinct <= kFewValues && chance(50)) {
      out.comparison = Comparison::kEqual;
    } else {
      static const std::vector<Comparison> kSides{Comparison::kBelow, Comparison::kAtMost, Comparison::kAbove, Comparison::kAtLeast};
      out.comparison = rng_.pick(kSides);
      out.number = rounded(about, out.number);
    }
    return out;
  }

  // To a step that people would say: about a tenth of what the column ranges over.
  static int64_t rounded(const ColumnUse& about, int64_t value) {
    int64_t step = 1;
    for (int64_t next : {5, 10, 50, 100, 500, 1'000, 5'000, 10'000, 50'000, 100'000, 500'000, 1'000'000})
      if (next <= (about.high - about.low) / 12) step = next;
    return value / step * step;
  }

  // Entities to which enough, or no, rows of another table refer.
  bool having(Plural& plural) {
    const int t = plural.set->table;
    if (!table(t).spec.is_entity() || table(t).spec.key.size() != 1) return false;
    if (std::any_of(plural.set->where.begin(), plural.set->where.end(), [](const Condition& o) { return o.kind == Condition::Kind::kHas; })) return false;   // two are hard to read
    std::vector<std::pair<int, int>> choice;
    for (int other : listed_)
      for (const Path& path : listings(other))
        for (int c : path.given)
          if (use(other, c) == Use::kReference && target_of(other, c) == t && path.given.size() == 1) choice.emplace_back(other, c);
    const auto link = pick(choice);
    if (!link || !spend(hops_) || !spend(operators_)) return false;
    const auto& [other, c] = *link;
    auto inner = std::make_shared<RowSet>();
    inner->table = other;
    Plural referring{inner, {}, {}};
    for (int32_t row = 0; row < table(other).size(); ++row)
      if (std::binary_search(plural.rows.begin(), plural.rows.end(), static_cast<int32_t>(table(other).cell(c, row)))) referring.rows.push_back(row);
    for (int column = 0; column < static_cast<int>(table(other).spec.columns.size()); ++column)
      if (column != c && (use(other, column) == Use::kCategory || use(other, column) == Use::kNumber || use(other, column) == Use::kTime)) referring.columns.push_back(column);
    const int64_t filters = referring.columns.empty() ? 0 : rng_.between(operators_ > 0 ? 1 : 0, std::min<int64_t>(2, operators_));
    const int64_t hops = std::exchange(hops_, 0);   // its conditions are plain
    bool drawn = true;
    for (int64_t i = 0; i < filters && drawn; ++i) {
      auto condition = comparison(other, *pick(referring.columns), referring.rows);
      const bool fresh = condition && std::none_of(referring.set->where.begin(), referring.set->where.end(), [&](const Condition& o) { return o.column == condition->column; });
      drawn = fresh && spend(operators_);
      if (!drawn) break;
      auto narrower = std::make_shared<RowSet>(*referring.set);
      narrower->where.push_back(std::move(*condition));
      referring.set = std::move(narrower);
    }
    hops_ = hops;
    if (!drawn) return false;
    Condition condition;
    condition.kind = Condition::Kind::kHas;
    condition.column = c;
    condition.set = referring.set;
    condition.negated = chance(30);
    if (!condition.negated) condition.at_least = chance(50) ? 1 : rng_.between(2, 5);
    return narrow(plural, std::move(condition));
  }

  // The reference `c` leads to the entities of an anchor: one that is described, or a few.
  std::optional<Condition> in_anchor(int t, int c) {
    if (!spend(hops_)) return std::nullopt;
    Condition out;
    out.kind = Condition::Kind::kIn;
    out.column = c;
    out.set = retried(3, [&] { return anchor(target_of(t, c)); });
    if (!out.set) return std::nullopt;
    return out;
  }

  RowSetPtr anchor(int t) {
    if (crosses(50)) return chance(50) ? grouped(t) : followed(t);
    if (chance(60)) return best(t, 2);
    auto few = plural(t, 2);
    if (!few || few->rows.size() > kSmallSet || few->set->where.empty()) return nullptr;
    return few->set;
  }

  // (table, column) of references to `t` in tables that can be listed.
  std::optional<std::pair<int, int>> reference_to(int t) {
    std::vector<std::pair<int, int>> choice;
    for (int other : listed_)
      for (int c = 0; c < static_cast<int>(table(other).spec.columns.size()); ++c)
        if (use(other, c) == Use::kReference && target_of(other, c) == t) choice.emplace_back(other, c);
    return pick(choice);
  }

  RowSetPtr followed(int t) {
    const auto link = reference_to(t);
    if (!link || !spend(hops_)) return nullptr;
    RowSetPtr of = best(link->first, 1);
    // Where all rows it was picked from refer to one row, following says nothing new.
    if (!of || rows_of(of).empty()) return nullptr;
    RowSet whole;
    whole.kind = RowSet::Kind::kFollow;
    whole.table = t;
    whole.of = of->of;
    whole.column = link->second;
    if (rows_of(whole).size() < 2) return nullptr;
    auto out = std::make_shared<RowSet>(whole);
    out->of = std::move(of);
    return out;
  }

  RowSetPtr grouped(int t) {
    const auto link = reference_to(t);
    if (!link || !spend(hops_) || !spend(operators_)) return nullptr;
    const auto& [other, c] = *link;
    const auto of = plural(other, 1);
    if (!of || std::find(of->columns.begin(), of->columns.end(), c) == of->columns.end()) return nullptr;
    auto out = std::make_shared<RowSet>();
    out->kind = RowSet::Kind::kGroup;
    out->table = t;
    out->of = of->set;
    out->column = c;
    std::vector<int> numbers;
    for (int column : of->columns)
      if (use(other, column) == Use::kNumber && !is_moment(other, column) && can_be_measured(*of->set, column)) numbers.push_back(column);
    if (const auto measure = pick(numbers); measure && chance(60)) {
      out->measure = *measure;
      out->how = chance(60) || !is_amount(other, *measure) ? Aggregate::kAverage : Aggregate::kSum;
      out->highest = out->how == Aggregate::kSum || chance(60);
    }
    std::set<int64_t> targets;
    for (int32_t row : of->rows) targets.insert(table(other).cell(c, row));
    // Where each has one row, that row is asked for without a group.
    return targets.size() > 1 && targets.size() < of->rows.size() ? out : nullptr;
  }

  // Numbers and times; a number that is filtered by already tells too little beside that.
  bool can_be_measured(const RowSet& set, int c) const {
    const auto filters = [&](const Condition& o) { return o.kind == Condition::Kind::kCompare && o.column == c; };
    const bool filtered = std::any_of(set.where.begin(), set.where.end(), filters);
    return (use(set.table, c) == Use::kNumber && !filtered) || (use(set.table, c) == Use::kTime && std::none_of(set.where.begin(), set.where.end(), [&](const Condition& o) {
             return filters(o) && o.comparison == Comparison::kEqual;
           }));
  }

  RowSetPtr best(int t, int most_filters) {
    if (std::find(listed_.begin(), listed_.end(), t) == listed_.end() || !spend(operators_)) return nullptr;
    const auto of = plural(t, most_filters);
    return of ? best_among(*of) : nullptr;
  }

  RowSetPtr best(const Plural& of) { return spend(operators_) ? best_among(of) : nullptr; }

  RowSetPtr best_among(const Plural& of) {
    if (of.rows.size() < 3) return nullptr;
    std::vector<int> choice;
    for (int c : of.columns) {
      if (can_be_measured(*of.set, c)) choice.push_back(c);
    }
    const auto c = pick(choice);
    if (!c) return nullptr;
    auto out = std::make_shared<RowSet>();
    out->kind = RowSet::Kind::kBest;
    out->table = of.set->table;
    out->of = of.set;
    out->column = *c;
    out->highest = chance(50);
    if (operators_ > 0 && chance(30)) {
      spend(operators_);
      out->rank = chance(70) ? 2 : 3;
    }
    return out;
  }

  RowSetPtr named(int t) {
    const TableSpec& spec = table(t).spec;
    if (!spec.is_entity()) return nullptr;
    auto out = std::make_shared<RowSet>();
    out->table = t;
    const int32_t row = static_cast<int32_t>(rng_.below(static_cast<uint64_t>(table(t).size())));
    for (const std::string& key : spec.key) out->where.push_back(equals(t, spec.column_index(key), row));
    return out;
  }

  std::optional<Question> name() {
    std::vector<int> entities;
    for (int t : listed_)
      if (table(t).spec.is_entity()) entities.push_back(t);
    const auto t = pick_table(entities);
    if (!t) return std::nullopt;
    Question out;
    out.ask = Question::Ask::kName;
    out.of = crosses(40) ? grouped(*t) : best(*t, 3);
    if (!out.of) return std::nullopt;
    return out;
  }

  // What can be asked of a row of `of`: not what it was chosen by.
  std::optional<int> asked_column(const RowSetPtr& of) {
    std::vector<int> choice;
    const RowSetPtr plural = of->kind == RowSet::Kind::kBest ? of->of : of;
    std::set<int> revealed;
    for (const Path& path : listings(of->table))
      for (int c : readable(of->table, path)) revealed.insert(c);
    for (int c : revealed) {
      const Use u = use(of->table, c);
      const bool conditioned = plural->kind == RowSet::Kind::kWhere && std::any_of(plural->where.begin(), plural->where.end(), [&](const Condition& o) {
        return o.column == c && (o.kind == Condition::Kind::kIn || (o.kind == Condition::Kind::kCompare && o.comparison == Comparison::kEqual));
      });
      if (u != Use::kName && !conditioned && !(of->kind == RowSet::Kind::kBest && of->column == c)) choice.push_back(c);
    }
    return pick(choice);
  }

  RowSetPtr described(int t) {
    if (table(t).spec.is_entity() && table(t).spec.key.size() == 1 && crosses(50)) return chance(50) ? grouped(t) : followed(t);
    return best(t, 3);
  }

  std::optional<Question> cell() {
    Question out;
    out.ask = Question::Ask::kCell;
    out.of = described(*pick_table(listed_));
    const auto c = out.of ? asked_column(out.of) : std::nullopt;
    if (!c) return std::nullopt;
    out.column = *c;
    return out;
  }

  std::optional<Question> aggregate() {
    if (!spend(operators_)) return std::nullopt;
    const auto of = plural(*pick_table(listed_), 4);
    return of ? aggregated_over(*of) : std::nullopt;
  }

  std::optional<Question> aggregated(const Plural& of) { return spend(operators_) ? aggregated_over(of) : std::nullopt; }

  std::optional<Question> aggregated_over(const Plural& of) {
    if (of.set->where.empty()) return std::nullopt;
    Question out;
    out.ask = Question::Ask::kAggregate;
    out.of = of.set;
    std::vector<int> choice;
    for (int c : of.columns)
      if (can_be_measured(*out.of, c)) choice.push_back(c);
    const auto c = pick(choice);
    if (!c || chance(35)) return out;
    out.column = *c;
    static const std::vector<Aggregate> kOfNumbers{Aggregate::kSum, Aggregate::kAverage, Aggregate::kAverage, Aggregate::kLowest, Aggregate::kHighest};
    static const std::vector<Aggregate> kOfTimes{Aggregate::kLowest, Aggregate::kHighest};
    out.how = rng_.pick(use(out.of->table, *c) == Use::kTime || is_moment(out.of->table, *c) ? kOfTimes : kOfNumbers);
    if (out.how != Aggregate::kSum && says_extreme(column(out.of->table, *c))) out.how = Aggregate::kAverage;   // not "the lowest highest temperature"
    if (out.how == Aggregate::kSum && !is_amount(out.of->table, *c)) out.how = Aggregate::kAverage;
    return out;
  }

  std::optional<Question> names() {
    std::vector<int> entities;
    for (int t : listed_)
      if (table(t).spec.is_entity()) entities.push_back(t);
    const auto t = pick_table(entities);
    const auto of = t ? plural(*t, 5) : std::nullopt;
    if (!of || of->rows.size() > kMostNames || of->set->where.empty()) return std::nullopt;
    Question out;
    out.ask = Question::Ask::kNames;
    out.of = of->set;
    return out;
  }

  std::optional<Question> difference() {
    if (!spend(operators_)) return std::nullopt;
    const int t = *pick_table(listed_);
    std::vector<int> choice;
    for (const Path& path : listings(t))
      for (int c : readable(t, path))
        if (use(t, c) == Use::kNumber || use(t, c) == Use::kTime) choice.push_back(c);
    const auto c = pick(choice);
    if (!c) return std::nullopt;
    const auto end = [&](RowSetPtr of) {
      Question out;
      out.ask = Question::Ask::kCell;
      out.of = std::move(of);
      out.column = *c;
      return out;
    };
    Question out = end(described(t));
    RowSetPtr other = chance(50) ? named(t) : described(t);
    if (!out.of || !other) return std::nullopt;
    out.minus = std::make_shared<const Question>(end(std::move(other)));
    return out;
  }

  const Drawable& drawable_;
  const Tables& tables_;
  TableSource& source_;
  Rng& rng_;
  int64_t operators_, hops_;   // left to spend
  std::vector<int> listed_;
};

}  // namespace

Drawable::Drawable(const Environment& environment, const EnvironmentReport& report, const QueryOptions& options)
    : tables_(environment.tables), tools_(std::make_shared<const std::vector<ToolSpec>>(plain_tools(environment.tools))), uses_(report.uses) {
  for (int table = 0; table < static_cast<int>(uses_.size()); ++table)
    for (int column = 0; column < static_cast<int>(uses_[static_cast<size_t>(table)].size()); ++column)
      if (!report.learnable.count({table, column}) || options.avoid.count({table, column})) uses_[static_cast<size_t>(table)][static_cast<size_t>(column)] = {};
  for (int table = 0; table < static_cast<int>(uses_.size()); ++table) {
    listings_.push_back(paths_to(tables_.tables[static_cast<size_t>(table)].spec, *tools_));
    std::erase_if(listings_.back(), [&](const Path& path) { return !lists(table, path); });
  }
}

bool Drawable::lists(int table, const Path& path) const {
  const TableSpec& spec = tables_.tables[static_cast<size_t>(table)].spec;
  return std::all_of(path.given.begin(), path.given.end(), [&](int column) {
    const Use u = use(table, column).use;
    return (u == Use::kReference || u == Use::kCategory || u == Use::kTime) && !(spec.is_entity() && column == spec.name_column());
  });
}

std::optional<Question> draw_question(const Drawable& drawable, TableSource& source, const Level& level, Rng& rng) {
  return Drawer(drawable, source, level, rng).draw();
}

std::optional<Question> extend_question(const Question& question, const Drawable& drawable, TableSource& source, const Level& level, Rng& rng) {
  return Drawer(drawable, source, level, rng).extend(question);
}

}  // namespace assay::query
