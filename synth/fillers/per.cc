// Some rows for every row of the table that a column refers to: {"kind":"per","column":"city","count":[8,20]}. With
// "distinct":"person" each of them also refers, by that column, to a different row (as many as there are).
#include <algorithm>
#include <numeric>

#include "synth/filler.h"

namespace assay::fillers::per {
namespace {

class Per final : public RowFill {
 public:
  std::vector<int> columns() const override { return distinct_ < 0 ? std::vector<int>{column_} : std::vector<int>{column_, distinct_}; }

  Result<int32_t> run(const FillRun& run) const override {
    const Table& parents = run.tables.at(run.table().spec.columns[column_].references);
    auto& cells = run.table().columns[column_];
    for (int32_t parent = 0; parent < parents.size(); ++parent) {
      Rng rng = run.rng(parent);
      int64_t count = count_.draw(rng);
      if (distinct_ >= 0) count = refer_to_others(run, rng, count);
      cells.insert(cells.end(), static_cast<size_t>(count), parent);
      if (static_cast<int64_t>(cells.size()) > kRowLimit)
        return input_error("more than " + std::to_string(kRowLimit) + " rows", run.table().spec.name, "a smaller count");
    }
    return static_cast<int32_t>(cells.size());
  }

  void compile(const FillSite& site, JsonReader& r) {
    column_ = read_reference_column(site, r, "column", r.text("column"));
    count_ = read_range(r, "count", 0, 10'000);
    const std::string distinct = r.text_or("distinct", "");
    if (!distinct.empty()) distinct_ = read_reference_column(site, r, "distinct", distinct);
    if (distinct_ >= 0 && distinct_ == column_) r.fail("distinct", "the same column as \"column\"");
  }

 private:
  // Returns how many there were.
  int64_t refer_to_others(const FillRun& run, Rng& rng, int64_t count) const {
    std::vector<int32_t> others(static_cast<size_t>(run.tables.at(run.table().spec.columns[distinct_].references).size()));
    std::iota(others.begin(), others.end(), 0);
    rng.shuffle(others);
    others.resize(std::min(others.size(), static_cast<size_t>(count)));
    std::sort(others.begin(), others.end());
    auto& cells = run.table().columns[distinct_];
    cells.insert(cells.end(), others.begin(), others.end());
    return static_cast<int64_t>(others.size());
  }

  int column_ = -1, distinct_ = -1;
  Range count_;
};

}  // namespace

Filler make() { return row_filler<Per>("per", "some rows for every row referred to"); }

}  // namespace assay::fillers::per
