// Numbers heaped around a middle, such as ratings: {"kind":"bell","middle":3.8,"spread":1.5,"low":2,"high":5}: the middle plus
// the mean of three draws from [-spread, spread], clipped. With "lift":{"of":"price","from":100,"to":1500,"by":0.6} the middle rises
// by up to 0.6 as the other column goes from 100 to 1500.
#include <algorithm>

#include "synth/filler.h"

namespace assay::fillers::bell {
namespace {

constexpr int64_t kDraws = 3;

struct Lift {
  ColumnPath of;
  int64_t from = 0, to = 1, by = 0;
};

class Bell final : public ColumnFill {
 public:
  void run(const FillRun& run, std::span<const int32_t> rows) const override {
    for (int32_t row : rows) {
      Rng rng = run.rng(row);
      int64_t sum = 0;
      for (int64_t i = 0; i < kDraws; ++i) sum += rng.between(-spread_, spread_);
      const int64_t value = middle_ + rounded_quotient(sum, kDraws) + lifted(run, row);
      run.cells()[row] = std::clamp(value, bounds_.low, bounds_.high);
    }
  }

  void compile(const FillSite& site, JsonReader& r) {
    bounds_ = read_bounds(site, r);
    middle_ = read_scaled(r, "middle", site.spec().decimals);
    spread_ = read_scaled(r, "spread", site.spec().decimals);
    if (spread_ < 0) r.fail("spread", "expected 0 or more");
    r.member_or_null("lift");
    if (!r.has("lift") || r.failed()) return;
    JsonReader l(r.object("lift"), r.file(), r.path_of("lift"));
    lift_.of = read_number_path(site, l, "of");
    lift_.from = read_scaled(l, "from", lift_.of.decimals);
    lift_.to = read_scaled(l, "to", lift_.of.decimals);
    lift_.by = read_scaled(l, "by", site.spec().decimals);
    if (lift_.from >= lift_.to) l.fail("to", "expected more than \"from\"");
    pass_on(r, l.finish());
  }

 private:
  int64_t lifted(const FillRun& run, int32_t row) const {
    if (lift_.by == 0) return 0;
    const int64_t at = std::clamp(lift_.of.read(run, row), lift_.from, lift_.to) - lift_.from;
    return rounded_quotient(static_cast<__int128>(lift_.by) * at, lift_.to - lift_.from);
  }

  Range bounds_;
  int64_t middle_ = 0, spread_ = 0;
  Lift lift_;
};

}  // namespace

Filler make() { return column_filler<Bell>("bell", "numbers heaped around a middle"); }

}  // namespace assay::fillers::bell
