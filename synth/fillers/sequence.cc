// Counting: {"kind":"sequence","start":1,"step":1}, in a text column with a prefix: {"kind":"sequence","prefix":"R-","start":100}.
#include "synth/filler.h"

namespace assay::fillers::sequence {
namespace {

class Sequence final : public ColumnFill {
 public:
  void run(const FillRun& run, std::span<const int32_t> rows) const override {
    for (int32_t row : rows) {
      const int64_t value = start_ + row * step_;
      run.cells()[row] = is_text_ ? run.tables.texts.intern(prefix_ + number_text(value, 0)) : value;
    }
  }

  void compile(const FillSite& site, JsonReader& r) {
    const ColumnSpec& spec = site.spec();
    is_text_ = spec.type == ColumnType::kText;
    if (spec.type == ColumnType::kReference) r.fail("kind", "the column '" + spec.name + "' is a reference", "\"reference\"");
    prefix_ = r.text_or("prefix", "");
    if (!is_text_ && !prefix_.empty()) r.fail("prefix", "only a text column has a prefix");
    start_ = read_scaled_or(r, "start", spec.decimals, kPowersOfTen[spec.decimals]);
    step_ = read_scaled_or(r, "step", spec.decimals, kPowersOfTen[spec.decimals]);
    if (step_ < 1 || step_ > 1'000'000) r.fail("step", "expected a number above 0, at most 1000000");
  }

 private:
  bool is_text_ = false;
  std::string prefix_;
  int64_t start_ = 1, step_ = 1;
};

}  // namespace

Filler make() { return column_filler<Sequence>("sequence", "counting"); }

}  // namespace assay::fillers::sequence
