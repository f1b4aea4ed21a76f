#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::latin_square_cell {
namespace {

using Square = std::vector<std::vector<int64_t>>;
void solve(Square& s, size_t cell, int& found, Square& out) {
  const size_t n = s.size();
  if (found > 1) return;
  if (cell == n * n) {
    out = s;
    ++found;
    return;
  }
  const size_t r = cell / n, c = cell % n;
  if (s[r][c]) return solve(s, cell + 1, found, out);
  for (int64_t value = 1; value <= static_cast<int64_t>(n); ++value) {
    bool good = true;
    for (size_t i = 0; i < n; ++i) good &= s[r][i] != value && s[i][c] != value;
    if (!good) continue;
    s[r][c] = value;
    solve(s, cell + 1, found, out);
    s[r][c] = 0;
  }
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const size_t n = 4 + static_cast<size_t>(difficulty) / 2;
  std::vector<int64_t> rows, columns, symbols;
  for (size_t i = 0; i < n; ++i) {
    rows.push_back(static_cast<int64_t>(i));
    columns.push_back(static_cast<int64_t>(i));
    symbols.push_back(static_cast<int64_t>(i) + 1);
  }
  rng.shuffle(rows);
  rng.shuffle(columns);
  rng.shuffle(symbols);
  Square whole(n, std::vector<int64_t>(n)), given = whole, found_square;
  for (size_t r = 0; r < n; ++r)
    for (size_t c = 0; c < n; ++c) whole[r][c] = symbols[static_cast<size_t>(rows[r] + columns[c]) % n];
  given = whole;
  std::vector<int64_t> cells;
  for (size_t i = 0; i < n * n; ++i) cells.push_back(static_cast<int64_t>(i));
  rng.shuffle(cells);
  for (int64_t cell : cells) {   // taken away for as long as one solution is left
    int64_t& value = given[static_cast<size_t>(cell) / n][static_cast<size_t>(cell) % n];
    const int64_t before = value;
    value = 0;
    int found = 0;
    solve(given, 0, found, found_square);
    if (found != 1) value = before;
  }
  const size_t row = rng.below(n), other = (row + 1 + rng.below(n - 1)) % n;
  std::vector<int64_t> expected = whole[row];
  expected.insert(expected.end(), whole[other].begin(), whole[other].end());
  const std::vector<std::pair<std::string, std::string>> v{{"n", std::to_string(n)}, {"given", list_text(given)}, {"row", std::to_string(row + 1)}, {"other", std::to_string(other + 1)},
                                                           {"r", std::to_string(row)}, {"o", std::to_string(other)}};
  return {filled("Every row and every column of a square of {n} by {n} cells holds each number from 1 to {n} once. Some cells are known, and 0 stands for the others: {given}. There is only one way to fill "
                 "them. Give a list of the numbers in row {row}, followed by those in row {other} (rows are counted from 1).", v),
          {}, expect_integers(expected),
          filled(R"(from itertools import permutations
given, n = {given}, {n}
choices = [[p for p in permutations(range(1, n + 1)) if all(g in (0, v) for g, v in zip(row, p))] for row in given]

def fill(rows):
    if len(rows) == n:
        return rows
    for p in choices[len(rows)]:
        if all(p[c] != row[c] for row in rows for c in range(n)):
            done = fill(rows + [p])
            if done:
                return done

square = fill([])
print(list(square[{r}] + square[{o}])))", v)};
}

}  // namespace

Problem make() { return {"latin_square_cell", "logic", "native: backtracking that counts to two; Python: exact search by rows", 1, draw}; }

}  // namespace assay::problems::latin_square_cell
