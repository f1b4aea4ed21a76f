// Fillers: the ways in which a domain says how its tables are filled. One file each in synth/fillers/, which defines
// `Filler make()`. A filler compiles the JSON of one fill, strictly, into an immutable object that any thread may run.
//
// Every draw is a function of (seed, "table/column", row), so a value does not depend on how many other rows there are, except
// where a name must differ from others. All arithmetic that reaches a cell is on integers.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/json.h"
#include "envs/base/rng.h"
#include "envs/table.h"

namespace assay {

// Where a fill is declared: what it may refer to.
struct FillSite {
  const std::vector<TableSpec>& tables;  // earlier tables, then the one being filled
  const Json& vocabularies;              // checked: {name: [text …]}
  std::set<int> filled;                  // columns of this table that have their values before this fill runs
  int column = -1;                       // the one to fill; -1 for rows

  const TableSpec& table() const { return tables.back(); }
  const ColumnSpec& spec() const { return table().columns[column]; }
  const TableSpec* find(std::string_view name) const;
};

// A filling under way. The table being filled is the last one; its columns all have as many cells as there are rows.
struct FillRun {
  Tables& tables;
  uint64_t seed = 0;
  uint64_t stream = 0;  // of "table/column"
  int column = -1;

  Table& table() const { return tables.tables.back(); }
  std::vector<int64_t>& cells() const { return table().columns[column]; }
  Rng rng(int32_t row) const { return Rng(seed, stream, static_cast<uint64_t>(row)); }
};

class ColumnFill {
 public:
  virtual ~ColumnFill() = default;
  // Writes the cells of `rows` (ascending) of the run's column. Numbers are clipped to the declared range afterwards.
  virtual void run(const FillRun& run, std::span<const int32_t> rows) const = 0;
};

class RowFill {
 public:
  virtual ~RowFill() = default;
  virtual std::vector<int> columns() const { return {}; }  // the columns it fills while it makes the rows
  // Makes the rows: fills columns() and returns how many there are.
  virtual Result<int32_t> run(const FillRun& run) const = 0;
};

// Problems are recorded in the reader; what is returned is dropped then. Exactly one of the two is set.
struct Filler {
  std::string name;
  std::string summary;
  std::function<std::unique_ptr<ColumnFill>(const FillSite&, JsonReader&)> column;
  std::function<std::unique_ptr<RowFill>(const FillSite&, JsonReader&)> rows;
};

namespace fillers {
std::span<const Filler> all();  // generated from the folder
}

// The fill {"kind": …} of a column or of a table's rows. `json` is not null.
Result<std::unique_ptr<ColumnFill>> compile_column_fill(const FillSite& site, const Json& json, const std::string& file,
                                                        const std::string& path);
Result<std::unique_ptr<RowFill>> compile_row_fill(const FillSite& site, const Json& json, const std::string& file,
                                                  const std::string& path);

// What fillers share ---------------------------------------------------------------------------------------------------------

inline constexpr int64_t kRowLimit = 100'000;  // of one table

struct Range {
  int64_t low = 0, high = 0;
  int64_t draw(Rng& rng) const { return rng.between(low, high); }
};
// Makes the error of a nested reader this reader's own.
void pass_on(JsonReader& r, const Status& nested);

// Member `name`: an integer, or [low, high], within the limits given.
Range read_range(JsonReader& r, const char* name, int64_t minimum, int64_t maximum);

// Member `name`, a time of day "08:30", as minutes after midnight.
int64_t read_clock(JsonReader& r, const char* name);

// Member `name` as a number with `decimals` digits, scaled like a cell.
int64_t read_scaled(JsonReader& r, const char* name, int decimals);
int64_t read_scaled_or(JsonReader& r, const char* name, int decimals, int64_t fallback);
// "low" and "high" of the site's column: by default the declared range, and never beyond it.
Range read_bounds(const FillSite& site, JsonReader& r);

// A choice among `size` things; equal chances when "weights" is absent.
class Weights {
 public:
  static Weights read(JsonReader& r, size_t size);
  size_t draw(Rng& rng) const;

 private:
  std::vector<uint64_t> ends_;
};

// A value to read while filling: a column of the same row ("distance"), or of the row it refers to ("city.latitude").
struct ColumnPath {
  int column = -1;
  int target = -1;  // table referred to, and its column; -1 for a column of the same row
  int target_column = -1;
  ColumnType type = ColumnType::kText;
  int decimals = 0;

  int64_t read(const FillRun& run, int32_t row) const;
  static ColumnPath find(const FillSite& site, JsonReader& r, const char* member, const std::string& text);
};
// The path in member `name`, which must lead to a number.
ColumnPath read_number_path(const FillSite& site, JsonReader& r, const char* name);

// The site's column named in member `name`; it must be a reference.
int read_reference_column(const FillSite& site, JsonReader& r, const std::string& member, const std::string& column);

// Positions of entities: two decimal columns of a table, in degrees.
struct Coordinates {
  int table = -1, latitude = -1, longitude = -1;
  // Great-circle distance, a sphere of 6,371 km.
  int64_t kilometres(const Tables& tables, int64_t from_row, int64_t to_row) const;
  // Members "latitude" and "longitude", by default named so.
  static Coordinates read(const FillSite& site, JsonReader& r, const std::string& table);
};

// numerator / denominator to the nearest integer, halves away from zero; denominator > 0.
int64_t rounded_quotient(__int128 numerator, int64_t denominator);
// `value` moved to the nearest low + k * step.
int64_t to_step(int64_t value, int64_t low, int64_t step);

// A registry entry for a class with `void compile(const FillSite&, JsonReader&)`.
template <typename Fill>
Filler column_filler(std::string name, std::string summary) {
  return {std::move(name), std::move(summary),
          [](const FillSite& site, JsonReader& r) -> std::unique_ptr<ColumnFill> {
            auto fill = std::make_unique<Fill>();
            fill->compile(site, r);
            return fill;
          },
          nullptr};
}
template <typename Fill>
Filler row_filler(std::string name, std::string summary) {
  return {std::move(name), std::move(summary), nullptr,
          [](const FillSite& site, JsonReader& r) -> std::unique_ptr<RowFill> {
            auto fill = std::make_unique<Fill>();
            fill->compile(site, r);
            return fill;
          }};
}

}  // namespace assay
