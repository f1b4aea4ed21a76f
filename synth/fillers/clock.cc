// Times of day as text: {"kind":"clock","from":"06:00","to":"22:30","step_minutes":5}.
#include <cstdio>

#include "synth/filler.h"

namespace assay::fillers::clock {
namespace {

class ClockTime final : public ColumnFill {
 public:
  void run(const FillRun& run, std::span<const int32_t> rows) const override {
    for (int32_t row : rows) {
      Rng rng = run.rng(row);
      const int minutes = static_cast<int>(range_.low + rng.between(0, (range_.high - range_.low) / step_) * step_);
      char text[16];
      std::snprintf(text, sizeof text, "%02d:%02d", minutes / 60, minutes % 60);
      run.cells()[row] = run.tables.texts.intern(text);
    }
  }

  void compile(const FillSite& site, JsonReader& r) {
    if (site.spec().type != ColumnType::kText) r.fail("kind", "the column '" + site.spec().name + "' is no text");
    range_ = {read_clock(r, "from"), read_clock(r, "to")};
    if (range_.low > range_.high) r.fail("to", "earlier than \"from\"");
    step_ = r.integer("step_minutes", {.minimum = 1, .maximum = 1440, .fallback = 1});
  }

 private:
  Range range_;
  int64_t step_ = 1;
};

}  // namespace

Filler make() { return column_filler<ClockTime>("clock", "times of day"); }

}  // namespace assay::fillers::clock
