// A number that follows another: {"kind":"affine","of":"distance","slope":0.32,"base":25,"noise":15,"step":5,"low":…,"high":…}:
// slope * other + base, plus an even draw from [-noise, noise], to the nearest step, clipped. The slope has up to 4 decimals.
#include <algorithm>

#include "synth/filler.h"

namespace assay::fillers::affine {
namespace {

constexpr int kSlopeDecimals = 4;

class Affine final : public ColumnFill {
 public:
  void run(const FillRun& run, std::span<const int32_t> rows) const override {
    for (int32_t row : rows) {
      Rng rng = run.rng(row);
      const int64_t other = of_.read(run, row);
      if (other == kNull) continue;
      const int64_t value = rounded_quotient(static_cast<__int128>(other) * slope_ * kPowersOfTen[decimals_], divisor_) + base_ + rng.between(-noise_, noise_);
      run.cells()[row] = std::clamp(to_step(value, 0, step_), bounds_.low, bounds_.high);
    }
  }

  void compile(const FillSite& site, JsonReader& r) {
    decimals_ = site.spec().decimals;
    bounds_ = read_bounds(site, r);
    of_ = read_number_path(site, r, "of");
    slope_ = read_scaled(r, "slope", kSlopeDecimals);
    divisor_ = kPowersOfTen[kSlopeDecimals] * kPowersOfTen[of_.decimals];
    base_ = read_scaled_or(r, "base", decimals_, 0);
    noise_ = read_scaled_or(r, "noise", decimals_, 0);
    step_ = read_scaled_or(r, "step", decimals_, 1);
    if (noise_ < 0 || step_ < 1) r.fail(noise_ < 0 ? "noise" : "step", "expected a number above 0");
    if (slope_ > 10'000'000 || slope_ < -10'000'000) r.fail("slope", "expected a number from -1000 to 1000");
  }

 private:
  int decimals_ = 0;
  Range bounds_;
  ColumnPath of_;
  int64_t slope_ = 0, divisor_ = 1, base_ = 0, noise_ = 0, step_ = 1;
};

}  // namespace

Filler make() { return column_filler<Affine>("affine", "a number that follows another"); }

}  // namespace assay::fillers::affine
