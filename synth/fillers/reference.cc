// Any row of the table referred to, with equal chances: {"kind":"reference"}; or the one that the row referred to by another column refers to
// itself: {"kind":"reference","of":"patient.district"}.
#include <optional>

#include "synth/filler.h"

namespace assay::fillers::reference {
namespace {

class Reference final : public ColumnFill {
 public:
  void run(const FillRun& run, std::span<const int32_t> rows) const override {
    const int32_t size = run.tables.at(run.table().spec.columns[run.column].references).size();
    if (size == 0) return;
    if (of_) {
      for (int32_t row : rows) run.cells()[row] = of_->read(run, row);
      return;
    }
    for (int32_t row : rows) run.cells()[row] = static_cast<int64_t>(run.rng(row).below(static_cast<uint64_t>(size)));
  }

  void compile(const FillSite& site, JsonReader& r) {
    if (site.spec().type != ColumnType::kReference) r.fail("kind", "the column '" + site.spec().name + "' is no reference");
    if (!r.has("of")) return;
    const std::string of = r.text("of");
    of_ = ColumnPath::find(site, r, "of", of);
    if (r.failed()) return;
    const ColumnSpec& told = (of_->target < 0 ? site.table() : site.tables[static_cast<size_t>(of_->target)]).columns[static_cast<size_t>(of_->target < 0 ? of_->column : of_->target_column)];
    if (told.references != site.spec().references) r.fail("of", "'" + of + "' does not refer to the table '" + site.spec().references + "'");
  }

 private:
  std::optional<ColumnPath> of_;
};

}  // namespace

Filler make() { return column_filler<Reference>("reference", "any row of the table referred to"); }

}  // namespace assay::fillers::reference
