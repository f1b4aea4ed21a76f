// Every combination of columns: {"kind":"product","columns":{"city":"*","date":["2025-10-01",…]},"keep_percent":90}.
// "*" stands for all rows that a reference column can refer to. Combinations run in the table's order of columns.
#include "synth/filler.h"

namespace assay::fillers::product {
namespace {

struct Factor {
  int column = -1;
  std::vector<std::string> texts;  // empty: all rows referred to
};

class Product final : public RowFill {
 public:
  std::vector<int> columns() const override {
    std::vector<int> out;
    for (const Factor& factor : factors_) out.push_back(factor.column);
    return out;
  }

  Result<int32_t> run(const FillRun& run) const override {
    std::vector<std::vector<int64_t>> values;
    int64_t total = 1;
    for (const Factor& factor : factors_) {
      values.push_back(values_of(run, factor));
      total *= static_cast<int64_t>(values.back().size());
      if (total > kRowLimit)
        return input_error("more than " + std::to_string(kRowLimit) + " rows", run.table().spec.name, "fewer values");
    }
    int32_t count = 0;
    for (int64_t item = 0; item < total; ++item) {
      Rng rng = run.rng(static_cast<int32_t>(item));
      if (static_cast<int64_t>(rng.below(100)) >= keep_percent_) continue;
      ++count;
      int64_t rest = item;
      for (size_t f = factors_.size(); f-- > 0; rest /= static_cast<int64_t>(values[f].size()))
        run.table().columns[factors_[f].column].push_back(values[f][rest % static_cast<int64_t>(values[f].size())]);
    }
    return count;
  }

  void compile(const FillSite& site, JsonReader& r) {
    const Json& columns = r.object("columns");
    for (const auto& [name, value] : columns.items())
      if (site.table().column_index(name) < 0)
        return r.fail("columns." + name, "no such column in the table '" + site.table().name + "'");
    for (const ColumnSpec& spec : site.table().columns)
      if (columns.contains(spec.name)) add(site, r, spec, columns[spec.name]);
    if (factors_.empty()) r.fail("columns", "expected at least one column");
    keep_percent_ = r.integer("keep_percent", {.minimum = 1, .maximum = 100, .fallback = 100});
  }

 private:
  void add(const FillSite& site, JsonReader& r, const ColumnSpec& spec, const Json& value) {
    Factor factor{site.table().column_index(spec.name), {}};
    if (spec.type == ColumnType::kText && value.is_array() && !value.empty()) {
      for (const Json& text : value)
        if (text.is_string()) factor.texts.push_back(text.get<std::string>());
    }
    const bool all = spec.type == ColumnType::kReference && value == "*";
    if (!all && (factor.texts.empty() || factor.texts.size() != value.size()))
      r.fail("columns." + spec.name, "expected \"*\" for a reference column, or an array of strings for a text column");
    factors_.push_back(std::move(factor));
  }

  std::vector<int64_t> values_of(const FillRun& run, const Factor& factor) const {
    std::vector<int64_t> out;
    for (const std::string& text : factor.texts) out.push_back(run.tables.texts.intern(text));
    if (!factor.texts.empty()) return out;
    const Table& target = run.tables.at(run.table().spec.columns[factor.column].references);
    for (int32_t row = 0; row < target.size(); ++row) out.push_back(row);
    return out;
  }

  std::vector<Factor> factors_;
  int64_t keep_percent_ = 100;
};

}  // namespace

Filler make() { return row_filler<Product>("product", "every combination of some columns"); }

}  // namespace assay::fillers::product
