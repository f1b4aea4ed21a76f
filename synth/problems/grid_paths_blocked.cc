#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::grid_paths_blocked {
namespace {

int64_t answer(int64_t rows, int64_t columns, const std::vector<std::vector<int64_t>>& blocked) {
  std::vector<std::vector<int64_t>> ways(static_cast<size_t>(rows), std::vector<int64_t>(static_cast<size_t>(columns), 0));
  for (const auto& cell : blocked) ways[static_cast<size_t>(cell[0])][static_cast<size_t>(cell[1])] = -1;
  for (size_t r = 0; r < ways.size(); ++r)
    for (size_t c = 0; c < ways[r].size(); ++c) {
      if (ways[r][c] < 0) {
        ways[r][c] = 0;
        continue;
      }
      ways[r][c] = r + c == 0 ? 1 : (r ? ways[r - 1][c] : 0) + (c ? ways[r][c - 1] : 0) + (r && c ? ways[r - 1][c - 1] : 0);
    }
  return ways.back().back();
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t rows = rng.between(4, 6) + difficulty, columns = rng.between(4, 6) + difficulty;
  std::vector<std::vector<int64_t>> blocked;
  for (int64_t i = 0; i < 2 + 2 * difficulty; ++i) {
    const int64_t r = rng.between(0, rows - 1), c = rng.between(0, columns - 1);
    if (r + c > 2 && r + c < rows + columns - 4) blocked.push_back({r, c});
  }
  const std::vector<std::pair<std::string, std::string>> values{{"rows", std::to_string(rows)}, {"columns", std::to_string(columns)}, {"blocked", list_text(blocked)}};
  return {filled("A robot stands in the top left cell of a grid of {rows} rows and {columns} columns and wants to reach the bottom right one. Each move takes it one cell "
                 "down, one cell to the right, or one cell diagonally down and right. It cannot enter the cells [row, column] of this list, counted from 0 at the top left: "
                 "{blocked}. How many different routes are there? Give an integer.", values),
          {}, expect_integer(answer(rows, columns, blocked)),
          filled(R"(from functools import lru_cache
blocked = set(map(tuple, {blocked}))

@lru_cache(maxsize=None)
def routes(r, c):
    if r >= {rows} or c >= {columns} or (r, c) in blocked:
        return 0
    if (r, c) == ({rows} - 1, {columns} - 1):
        return 1
    return routes(r + 1, c) + routes(r, c + 1) + routes(r + 1, c + 1)

print(routes(0, 0)))", values)};
}

}  // namespace

Problem make() { return {"grid_paths_blocked", "combinatorics", "native: table row by row; Python: memoised walk from the end", 1, draw}; }

}  // namespace assay::problems::grid_paths_blocked
