// Some rows for every row of the table that a column refers to: {"kind":"per","column":"city","count":[8,20]}.
#include "synth/filler.h"

namespace assay::fillers::per {
namespace {

class Per final : public RowFill {
 public:
  std::vector<int> columns() const override { return {column_}; }

  Result<int32_t> run(const FillRun& run) const override {
    const Table& parents = run.tables.at(run.table().spec.columns[column_].references);
    auto& cells = run.table().columns[column_];
    for (int32_t parent = 0; parent < parents.size(); ++parent) {
      Rng rng = run.rng(parent);
      cells.insert(cells.end(), static_cast<size_t>(count_.draw(rng)), parent);
      if (static_cast<int64_t>(cells.size()) > kRowLimit)
        return input_error("more than " + std::to_string(kRowLimit) + " rows", run.table().spec.name, "a smaller count");
    }
    return static_cast<int32_t>(cells.size());
  }

  void compile(const FillSite& site, JsonReader& r) {
    column_ = read_reference_column(site, r, "column", r.text("column"));
    count_ = read_range(r, "count", 0, 10'000);
  }

 private:
  int column_ = -1;
  Range count_;
};

}  // namespace

Filler make() { return row_filler<Per>("per", "some rows for every row referred to"); }

}  // namespace assay::fillers::per
