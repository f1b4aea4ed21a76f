// What a domain may say about questions over it: the part "query" of its archetypes, all of it optional.
//
//   {"levels": {"1": {"hops": [0, 0], "operators": [2, 2], "calls": [2, 60]}, …}, "avoid": ["city.description"],
//    "phrases": {"hotel.city": "in {}"}}
#pragma once

#include <map>
#include <set>
#include <string>

#include "synth/domain.h"

namespace assay::query {

// Both ends included. `calls`: at least so many are needed, by proof; at most so many does the gold make.
struct Level {
  int64_t hops_low = 0, hops_high = 0;
  int64_t operators_low = 0, operators_high = 0;
  int64_t calls_low = 0, calls_high = 0;
  bool operator==(const Level&) const = default;
};

struct QueryOptions {
  std::map<int, Level> levels;                            // 1 to 5
  std::set<std::pair<int, int>> avoid;                    // (table, column): no question is about these
  std::map<std::pair<int, int>, std::string> phrases;     // how "whose city is X" is said better: "in {}"
};

// Errors name `file` and the path of what is wrong, which begins with `path`. Fails, too, if no tool lists any table completely.
Result<QueryOptions> read_options(const Domain& domain, const Json& part, const std::string& file, const std::string& path);

}  // namespace assay::query
