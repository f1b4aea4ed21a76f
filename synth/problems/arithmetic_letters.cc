#include <algorithm>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::arithmetic_letters {
namespace {

struct Puzzle {
  std::string a, b, sum;   // letters for digits
};

// Backtracks column by column from the right; of each its two addends, and then the sum's digit, which follows from them.
struct Search {
  const Puzzle& puzzle;
  std::vector<int> digit = std::vector<int>(26, -1);   // [letter]
  unsigned used = 0;                                   // bit d: some letter stands for d
  std::vector<std::vector<int>> found = {};            // all solutions, up to two

  bool may_be(char letter, int d) const {
    const int known = digit[static_cast<size_t>(letter - 'A')];
    if (known >= 0) return known == d;
    const bool leads = letter == puzzle.a[0] || letter == puzzle.b[0] || letter == puzzle.sum[0];
    return !(used >> d & 1) && !(leads && d == 0);
  }

  // `total`: what the column comes to so far, with what is carried into it.
  void solve(size_t column, int row, int total) {
    if (found.size() > 1) return;
    if (column == puzzle.sum.size()) {
      if (total == 0) found.push_back(digit);
      return;
    }
    const std::string& word = row == 0 ? puzzle.a : row == 1 ? puzzle.b : puzzle.sum;
    const auto go_on = [&](int d) { row < 2 ? solve(column, row + 1, total + d) : solve(column + 1, 0, total / 10); };
    if (column >= word.size()) return go_on(0);
    const char letter = word[word.size() - 1 - column];
    for (int d = 0; d < 10; ++d) {
      if ((row == 2 && d != total % 10) || !may_be(letter, d)) continue;
      int& place = digit[static_cast<size_t>(letter - 'A')];
      const int before = place;
      place = d;
      used |= 1U << d;
      go_on(d);
      place = before;
      if (before < 0) used &= ~(1U << d);
    }
  }
};

ProblemInstance draw(Rng& rng, int difficulty) {
  Puzzle puzzle;
  std::string letters;
  std::vector<std::vector<int>> found;   // [solution][letter]
  const int64_t low = difficulty < 3 ? 100 : 1'000;
  // Letters for the digits of a sum that is drawn first, until no other assignment fits.
  do {
    const int64_t a = rng.between(low, 10 * low - 1), b = rng.between(low, 10 * low - 1);
    std::vector<char> names{'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J'};
    rng.shuffle(names);
    const auto spelled = [&](int64_t n) {
      std::string out = std::to_string(n);
      for (char& c : out) c = names[static_cast<size_t>(c - '0')];
      return out;
    };
    puzzle = {spelled(a), spelled(b), spelled(a + b)};
    letters = puzzle.a + puzzle.b + puzzle.sum;
    std::sort(letters.begin(), letters.end());
    letters.erase(std::unique(letters.begin(), letters.end()), letters.end());
    found.clear();
    if (letters.size() > 4 && letters.size() < 8) {
      Search search{puzzle};
      search.solve(0, 0, 0);
      found = std::move(search.found);
    }
  } while (found.size() != 1);
  Json fields = Json::object();
  for (char letter : letters) fields[std::string(1, letter)] = expect_integer(found[0][static_cast<size_t>(letter - 'A')]);
  const std::vector<std::pair<std::string, std::string>> v{{"a", puzzle.a}, {"b", puzzle.b}, {"sum", puzzle.sum}, {"letters", letters}};
  return {filled("In the addition {a} + {b} = {sum} every letter stands for a digit, different letters for different digits, and no number begins with 0. There is only one solution. Give an object with the letters as keys and "
                 "their digits as integers.", v),
          {}, Json{{"type", "object"}, {"fields", fields}},
          filled(R"(import json
from itertools import permutations
words, letters = ["{a}", "{b}", "{sum}"], "{letters}"
for digits in permutations("0123456789", len(letters)):
    table = dict(zip(letters, digits))
    if any(table[word[0]] == "0" for word in words):
        continue
    a, b, total = (int("".join(table[c] for c in word)) for word in words)
    if a + b == total:
        print(json.dumps({c: int(d) for c, d in table.items()}))
        break)", v)};
}

}  // namespace

Problem make() { return {"arithmetic_letters", "logic", "native: backtracking column by column; Python: all assignments of digits", 1, draw}; }

}  // namespace assay::problems::arithmetic_letters
