// Ordered pairs of different rows of one table, such as connections:
//   {"kind":"pairs","columns":["from_city","to_city"],"nearest":6,"keep_percent":40,"always":["Hangzhou"],"times":[1,3],"ascending":false}
// A pair is kept if the second is among the `nearest` of the first, if either is named in "always", or else by chance (default
// all); a kept pair gets `times` rows (default 1). "ascending" keeps only pairs whose first row stands before the second in their
// table: what such pairs put in order has no cycle.
#include <algorithm>
#include <numeric>

#include "synth/filler.h"

namespace assay::fillers::pairs {
namespace {

class Pairs final : public RowFill {
 public:
  std::vector<int> columns() const override { return {from_, to_}; }

  Result<int32_t> run(const FillRun& run) const override {
    auto& from = run.table().columns[from_];
    auto& to = run.table().columns[to_];
    const int table = run.tables.table_index(run.table().spec.columns[from_].references);
    const int32_t size = run.tables.tables[table].size();
    const std::vector<bool> always = named_rows(run, table);
    for (int32_t a = 0; a < size; ++a) {
      const std::vector<bool> near = nearest_to(run, a, size);
      for (int32_t b = 0; b < size; ++b) {
        Rng rng = run.rng(a * size + b);
        const bool by_chance = static_cast<int64_t>(rng.below(100)) < keep_percent_;
        if (a == b || (ascending_ && a > b) || !(by_chance || near[b] || always[a] || always[b])) continue;
        const size_t times = static_cast<size_t>(times_.draw(rng));
        from.insert(from.end(), times, a);
        to.insert(to.end(), times, b);
      }
      if (static_cast<int64_t>(from.size()) > kRowLimit)
        return input_error("more than " + std::to_string(kRowLimit) + " rows", run.table().spec.name, "a smaller keep_percent");
    }
    return static_cast<int32_t>(from.size());
  }

  void compile(const FillSite& site, JsonReader& r) {
    const std::vector<std::string> names = r.texts("columns");
    if (names.size() != 2 || names[0] == names[1]) return r.fail("columns", "expected two reference columns");
    from_ = read_reference_column(site, r, "columns", names[0]);
    to_ = read_reference_column(site, r, "columns", names[1]);
    if (r.failed()) return;
    const std::string& table = site.table().columns[from_].references;
    if (site.table().columns[to_].references != table) r.fail("columns", "the two columns refer to different tables");
    nearest_ = r.integer("nearest", {.minimum = 0, .maximum = 1000, .fallback = 0});
    keep_percent_ = r.integer("keep_percent", {.minimum = 0, .maximum = 100, .fallback = 100});
    always_ = r.texts_or("always", {});
    if (r.has("times")) times_ = read_range(r, "times", 1, 100);
    r.member_or_null("times");
    ascending_ = r.boolean_or("ascending", false);
    if (nearest_ > 0) coordinates_ = Coordinates::read(site, r, table);
  }

 private:
  std::vector<bool> named_rows(const FillRun& run, int table) const {
    const Table& places = run.tables.tables[table];
    std::vector<bool> out(places.size());
    for (int32_t row = 0; row < places.size(); ++row)
      out[row] = std::find(always_.begin(), always_.end(), run.tables.entity_name(table, row)) != always_.end();
    return out;
  }

  std::vector<bool> nearest_to(const FillRun& run, int32_t a, int32_t size) const {
    std::vector<bool> near(size);
    if (nearest_ == 0) return near;
    std::vector<std::pair<int64_t, int32_t>> others;
    for (int32_t b = 0; b < size; ++b)
      if (b != a) others.emplace_back(coordinates_.kilometres(run.tables, a, b), b);
    std::sort(others.begin(), others.end());
    for (size_t i = 0; i < others.size() && i < static_cast<size_t>(nearest_); ++i) near[others[i].second] = true;
    return near;
  }

  int from_ = -1, to_ = -1;
  int64_t nearest_ = 0, keep_percent_ = 100;
  std::vector<std::string> always_;
  Range times_{1, 1};
  bool ascending_ = false;
  Coordinates coordinates_;
};

}  // namespace

Filler make() { return row_filler<Pairs>("pairs", "ordered pairs of rows of one table"); }

}  // namespace assay::fillers::pairs
