// How a domain's tables are filled, compiled: for each table what makes its rows, then what fills each other column, in order.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "synth/filler.h"

namespace assay {

inline constexpr int64_t kCellLimit = 8'000'000;   // of all tables together
inline constexpr size_t kTextBytes = 4096;         // of one text
inline constexpr int kTableDraws = 8;              // of a relation whose key repeats

// Immutable once all tables are added; then used by any number of threads.
class FillPlan {
 public:
  // Adds the last of `tables`. `rows` is its "rows" member and `fills` one "fill" member per column, null where absent.
  // Fails if a column is filled by nothing or twice.
  Status add(const std::vector<TableSpec>& tables, const Json& vocabularies, const Json& rows, const std::vector<Json>& fills,
             const std::string& file, const std::string& path);
  // Fails if a table becomes larger than kRowLimit, all of them larger than kCellLimit, a text longer than kTextBytes, or if a
  // key of a relation repeats in each of kTableDraws draws. The index is left for the caller to build.
  Result<Tables> fill(const std::vector<TableSpec>& specs, uint64_t seed) const;

 private:
  struct Step {
    std::unique_ptr<RowFill> rows;
    std::vector<std::pair<int, std::unique_ptr<ColumnFill>>> columns;
  };
  static Status fill_last(Tables& tables, const Step& step, uint64_t seed);

  std::vector<Step> steps_;
};

}  // namespace assay
