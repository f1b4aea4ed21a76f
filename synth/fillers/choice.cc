// One of some values: {"kind":"choice","values":["train","flight"],"weights":[3,1]}. A text column may name a vocabulary instead:
// {"kind":"choice","vocabulary":"cuisine"}.
#include "synth/filler.h"

namespace assay::fillers::choice {
namespace {

class Choice final : public ColumnFill {
 public:
  void run(const FillRun& run, std::span<const int32_t> rows) const override {
    std::vector<int64_t> cells = numbers_;
    for (const std::string& text : texts_) cells.push_back(run.tables.texts.intern(text));
    for (int32_t row : rows) {
      Rng rng = run.rng(row);
      run.cells()[row] = cells[weights_.draw(rng)];
    }
  }

  void compile(const FillSite& site, JsonReader& r) {
    const bool named = r.has("vocabulary");
    const std::string name = r.text_or("vocabulary", "");
    if (named && !site.vocabularies.contains(name)) return r.fail("vocabulary", "no vocabulary '" + name + "'");
    const Json& values = named ? site.vocabularies[name] : r.array("values");
    const ColumnSpec& spec = site.spec();
    if (spec.type == ColumnType::kReference) r.fail("kind", "the column '" + spec.name + "' is a reference", "\"reference\"");
    for (size_t i = 0; i < values.size() && !r.failed(); ++i) add(spec, r, values[i], "values[" + std::to_string(i) + "]");
    weights_ = Weights::read(r, values.size());
  }

 private:
  void add(const ColumnSpec& spec, JsonReader& r, const Json& value, const std::string& where) {
    if (spec.type == ColumnType::kText) {
      if (!value.is_string()) return r.fail(where, "expected a string");
      texts_.push_back(value.get<std::string>());
      return;
    }
    auto number = number_from_json(value, spec.decimals);
    if (!number.ok()) return r.fail(where, number.error().what);
    if (*number < spec.low || *number > spec.high) return r.fail(where, "outside the range declared for '" + spec.name + "'");
    numbers_.push_back(*number);
  }

  std::vector<int64_t> numbers_;
  std::vector<std::string> texts_;
  Weights weights_;
};

}  // namespace

Filler make() { return column_filler<Choice>("choice", "one of some values"); }

}  // namespace assay::fillers::choice
