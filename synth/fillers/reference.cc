// Any row of the table referred to, with equal chances: {"kind":"reference"}.
#include "synth/filler.h"

namespace assay::fillers::reference {
namespace {

class Reference final : public ColumnFill {
 public:
  void run(const FillRun& run, std::span<const int32_t> rows) const override {
    const int32_t size = run.tables.at(run.table().spec.columns[run.column].references).size();
    if (size == 0) return;
    for (int32_t row : rows) run.cells()[row] = static_cast<int64_t>(run.rng(row).below(static_cast<uint64_t>(size)));
  }

  void compile(const FillSite& site, JsonReader& r) {
    if (site.spec().type != ColumnType::kReference) r.fail("kind", "the column '" + site.spec().name + "' is no reference");
  }
};

}  // namespace

Filler make() { return column_filler<Reference>("reference", "any row of the table referred to"); }

}  // namespace assay::fillers::reference
