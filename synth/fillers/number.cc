// Evenly spread numbers: {"kind":"number","low":80,"high":900,"step":5}, or over tiers, chosen by weight, so that every tier has
// its share: {"kind":"number","tiers":[{"weight":1,"low":80,"high":199},{"weight":3,"low":200,"high":499}],"step":1}.
#include <algorithm>

#include "synth/filler.h"

namespace assay::fillers::number {
namespace {

class Number final : public ColumnFill {
 public:
  void run(const FillRun& run, std::span<const int32_t> rows) const override {
    for (int32_t row : rows) {
      Rng rng = run.rng(row);
      uint64_t at = rng.below(ends_.back());
      const Range& tier = tiers_[std::upper_bound(ends_.begin(), ends_.end(), at) - ends_.begin()];
      run.cells()[row] = tier.low + rng.between(0, (tier.high - tier.low) / step_) * step_;
    }
  }

  void compile(const FillSite& site, JsonReader& r) {
    step_ = read_scaled_or(r, "step", site.spec().decimals, 1);
    if (step_ < 1) {
      r.fail("step", "expected a step above 0");
      step_ = 1;
    }
    if (!r.has("tiers")) {
      r.member_or_null("tiers");
      return add(read_bounds(site, r), 1);
    }
    const Json& tiers = r.array("tiers");
    if (tiers.empty()) r.fail("tiers", "expected at least one tier");
    for (size_t i = 0; i < tiers.size() && !r.failed(); ++i) {
      JsonReader t(tiers[i], r.file(), r.path_of("tiers") + "[" + std::to_string(i) + "]");
      const int64_t weight = t.integer("weight", {.minimum = 1, .maximum = 1'000'000, .fallback = 1});
      add(read_bounds(site, t), weight);
      pass_on(r, t.finish());
    }
  }

 private:
  void add(Range tier, int64_t weight) {
    tiers_.push_back(tier);
    ends_.push_back((ends_.empty() ? 0 : ends_.back()) + static_cast<uint64_t>(weight));
  }

  std::vector<Range> tiers_;
  std::vector<uint64_t> ends_;
  int64_t step_ = 1;
};

}  // namespace

Filler make() { return column_filler<Number>("number", "evenly spread numbers, by tiers or not"); }

}  // namespace assay::fillers::number
