#include <algorithm>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::arithmetic_letters {
namespace {

struct Puzzle {
  std::string a, b, sum;   // letters for digits
};
int64_t value(const std::string& word, const std::vector<int>& digit) {
  int64_t out = 0;
  for (char letter : word) out = out * 10 + digit[static_cast<size_t>(letter - 'A')];
  return out;
}
// All solutions, up to two; no word begins with 0.
void solve(const Puzzle& puzzle, const std::string& letters, size_t next, std::vector<int>& digit, unsigned used, std::vector<std::vector<int>>& found) {
  if (found.size() > 1) return;
  if (next == letters.size()) {
    if (value(puzzle.a, digit) + value(puzzle.b, digit) == value(puzzle.sum, digit)) found.push_back(digit);
    return;
  }
  const char letter = letters[next];
  const bool leads = letter == puzzle.a[0] || letter == puzzle.b[0] || letter == puzzle.sum[0];
  for (int d = leads ? 1 : 0; d < 10; ++d) {
    if (used >> d & 1) continue;
    digit[static_cast<size_t>(letter - 'A')] = d;
    solve(puzzle, letters, next + 1, digit, used | 1U << d, found);
  }
}

ProblemInstance draw(Rng& rng, int difficulty) {
  Puzzle puzzle;
  std::string letters;
  std::vector<std::vector<int>> found;
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
    std::vector<int> digit(26, 0);
    if (letters.size() > 4 && letters.size() < 8) solve(puzzle, letters, 0, digit, 0, found);
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
