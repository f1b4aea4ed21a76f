// Kilometres between the positions of two rows referred to: {"kind":"distance","from":"from_city","to":"to_city"}. The columns
// of degrees are "latitude" and "longitude" unless members of these names say otherwise.
#include "synth/filler.h"

namespace assay::fillers::distance {
namespace {

class Distance final : public ColumnFill {
 public:
  void run(const FillRun& run, std::span<const int32_t> rows) const override {
    for (int32_t row : rows) {
      const Table& table = run.table();
      run.cells()[row] = coordinates_.kilometres(run.tables, table.columns[from_][row], table.columns[to_][row]);
    }
  }

  void compile(const FillSite& site, JsonReader& r) {
    from_ = read_reference_column(site, r, "from", r.text("from"));
    to_ = read_reference_column(site, r, "to", r.text("to"));
    if (site.spec().type != ColumnType::kInteger) r.fail("kind", "the column '" + site.spec().name + "' is no integer");
    if (r.failed()) return;
    for (int column : {from_, to_})
      if (!site.filled.count(column)) r.fail(column == from_ ? "from" : "to", "the column is filled later");
    const std::string& table = site.table().columns[from_].references;
    if (site.table().columns[to_].references != table) r.fail("to", "the two columns refer to different tables");
    coordinates_ = Coordinates::read(site, r, table);
  }

 private:
  int from_ = -1, to_ = -1;
  Coordinates coordinates_;
};

}  // namespace

Filler make() { return column_filler<Distance>("distance", "kilometres between two places"); }

}  // namespace assay::fillers::distance
