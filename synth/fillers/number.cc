// Evenly spread numbers: {"kind":"number","low":80,"high":900,"step":5}, or over tiers, chosen by weight, so that every tier has
// its share: {"kind":"number","tiers":[{"weight":1,"low":80,"high":199},{"weight":3,"low":200,"high":499}],"step":1}.
// With "apart":{"within":"nurse","by":90} numbers of rows that refer to the same row are drawn anew until they differ by as much: what
// begins at them and is no longer does not overlap.
#include <algorithm>
#include <map>

#include "synth/filler.h"

namespace assay::fillers::number {
namespace {

class Number final : public ColumnFill {
 public:
  void run(const FillRun& run, std::span<const int32_t> rows) const override {
    std::map<int64_t, std::vector<int64_t>> taken;   // by what the rows refer to
    for (int32_t row : rows) {
      Rng rng = run.rng(row);
      int64_t& cell = run.cells()[row];
      cell = draw(rng);
      if (within_ < 0) continue;
      std::vector<int64_t>& others = taken[run.table().columns[within_][row]];
      const auto near = [&](int64_t other) { return std::abs(other - cell) < apart_; };
      for (int tries = 0; tries < kTries && std::any_of(others.begin(), others.end(), near); ++tries) cell = draw(rng);
      others.push_back(cell);
    }
  }

  void compile(const FillSite& site, JsonReader& r) {
    step_ = read_scaled_or(r, "step", site.spec().decimals, 1);
    if (step_ < 1) {
      r.fail("step", "expected a step above 0");
      step_ = 1;
    }
    r.member_or_null("apart");
    if (r.has("apart")) {
      JsonReader a(r.object("apart"), r.file(), r.path_of("apart"));
      within_ = read_reference_column(site, a, "within", a.text("within"));
      if (within_ >= 0 && !site.filled.count(within_)) a.fail("within", "it is filled later");
      apart_ = read_scaled(a, "by", site.spec().decimals);
      pass_on(r, a.finish());
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

  int64_t draw(Rng& rng) const {
    const uint64_t at = rng.below(ends_.back());
    const Range& tier = tiers_[std::upper_bound(ends_.begin(), ends_.end(), at) - ends_.begin()];
    return tier.low + rng.between(0, (tier.high - tier.low) / step_) * step_;
  }

  static constexpr int kTries = 256;   // then there is hardly room, and they are as near as they come
  int within_ = -1;
  int64_t apart_ = 0;
  std::vector<Range> tiers_;
  std::vector<uint64_t> ends_;
  int64_t step_ = 1;
};

}  // namespace

Filler make() { return column_filler<Number>("number", "evenly spread numbers, by tiers or not"); }

}  // namespace assay::fillers::number
