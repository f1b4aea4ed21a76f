// Rows written out in the file, of which each environment takes some:
//   {"kind":"list","columns":["name",…],"values":[["Hangzhou",…],…],"count":[30,40],"always":["Hangzhou"]}
// Those named in "always" (by the first column) come first, the others in the order written. Default: all of them.
#include <algorithm>

#include "synth/filler.h"

namespace assay::fillers::list {
namespace {

struct Entry {
  std::vector<int64_t> numbers;     // [column]; for text columns an index into `texts`
  std::vector<std::string> texts;
};

class List final : public RowFill {
 public:
  std::vector<int> columns() const override { return columns_; }

  Result<int32_t> run(const FillRun& run) const override {
    Rng rng = run.rng(0);
    const size_t count = std::max<size_t>(static_cast<size_t>(count_.draw(rng)), always_.size());
    std::vector<size_t> others;
    for (size_t i = 0; i < entries_.size(); ++i)
      if (std::find(always_.begin(), always_.end(), i) == always_.end()) others.push_back(i);
    rng.shuffle(others);
    others.resize(count - always_.size());
    std::sort(others.begin(), others.end());
    for (size_t i : always_) put(run, entries_[i]);
    for (size_t i : others) put(run, entries_[i]);
    return static_cast<int32_t>(count);
  }

  void compile(const FillSite& site, JsonReader& r) {
    for (const std::string& name : r.texts("columns")) {
      const int column = site.table().column_index(name);
      if (column < 0) r.fail("columns", "no column '" + name + "' in the table '" + site.table().name + "'");
      else if (site.table().columns[column].type == ColumnType::kReference) r.fail("columns", "'" + name + "' is a reference");
      else if (std::find(columns_.begin(), columns_.end(), column) != columns_.end()) r.fail("columns", "'" + name + "' is named twice");
      else columns_.push_back(column);
    }
    for (int column : columns_) is_text_.push_back(site.table().columns[column].type == ColumnType::kText);
    const Json& values = r.array("values");
    if (columns_.empty() || values.empty() || values.size() > kRowLimit)
      r.fail("values", "expected columns and 1 to " + std::to_string(kRowLimit) + " rows");
    for (size_t i = 0; i < values.size() && !r.failed(); ++i)
      read_entry(site, r, values[i], "values[" + std::to_string(i) + "]");
    const int64_t size = static_cast<int64_t>(entries_.size());
    if (r.has("count") && !r.failed()) count_ = read_range(r, "count", 1, size);
    else count_ = {size, size};
    r.member_or_null("count");
    read_always(r);
  }

 private:
  void read_entry(const FillSite& site, JsonReader& r, const Json& cells, const std::string& where) {
    if (!cells.is_array() || cells.size() != columns_.size())
      return r.fail(where, "expected an array of " + std::to_string(columns_.size()) + " values");
    Entry entry;
    for (size_t c = 0; c < cells.size(); ++c) {
      const ColumnSpec& spec = site.table().columns[columns_[c]];
      const std::string at = where + "[" + std::to_string(c) + "]";
      if (spec.type == ColumnType::kText) {
        if (!cells[c].is_string()) return r.fail(at, "expected a string");
        entry.numbers.push_back(static_cast<int64_t>(entry.texts.size()));
        entry.texts.push_back(cells[c].get<std::string>());
      } else {
        auto number = number_from_json(cells[c], spec.decimals);
        if (!number.ok()) return r.fail(at, number.error().what);
        if (*number < spec.low || *number > spec.high) return r.fail(at, "outside the range declared for '" + spec.name + "'");
        entry.numbers.push_back(*number);
      }
    }
    entries_.push_back(std::move(entry));
  }

  void read_always(JsonReader& r) {
    for (const std::string& name : r.texts_or("always", {})) {
      size_t i = 0;
      while (i < entries_.size() && !(is_text_[0] && entries_[i].texts[0] == name)) ++i;
      if (i == entries_.size()) return r.fail("always", "no row begins with '" + name + "'");
      if (std::find(always_.begin(), always_.end(), i) != always_.end()) return r.fail("always", "'" + name + "' is named twice");
      always_.push_back(i);
    }
  }

  void put(const FillRun& run, const Entry& entry) const {
    for (size_t c = 0; c < columns_.size(); ++c)
      run.table().columns[columns_[c]].push_back(
          is_text_[c] ? run.tables.texts.intern(entry.texts[entry.numbers[c]]) : entry.numbers[c]);
  }

  std::vector<int> columns_;
  std::vector<bool> is_text_;  // [position in columns_]
  std::vector<Entry> entries_;
  std::vector<size_t> always_;
  Range count_;
};

}  // namespace

Filler make() { return row_filler<List>("list", "rows written out in the file, all or some of them"); }

}  // namespace assay::fillers::list
