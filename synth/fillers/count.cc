// A number of rows: {"kind":"count","count":[100,120]}.
#include "synth/filler.h"

namespace assay::fillers::count {
namespace {

class Count final : public RowFill {
 public:
  Result<int32_t> run(const FillRun& run) const override {
    Rng rng = run.rng(0);
    return static_cast<int32_t>(count_.draw(rng));
  }

  void compile(const FillSite&, JsonReader& r) { count_ = read_range(r, "count", 0, kRowLimit); }

 private:
  Range count_;
};

}  // namespace

Filler make() { return row_filler<Count>("count", "a number of rows"); }

}  // namespace assay::fillers::count
