#include <algorithm>
#include <map>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::forbidden_words {
namespace {

int64_t answer(int64_t length, const std::vector<std::string>& forbidden) {
  std::map<std::string, int64_t> ending{{"", 1}};   // words by their last two letters
  for (int64_t i = 0; i < length; ++i) {
    std::map<std::string, int64_t> next;
    for (const auto& [last, ways] : ending)
      for (char letter : {'a', 'b', 'c'}) {
        const std::string word = last + letter;
        bool good = true;
        for (const std::string& bad : forbidden) good &= !word.ends_with(bad);
        if (good) next[word.size() > 2 ? word.substr(word.size() - 2) : word] += ways;
      }
    ending = std::move(next);
  }
  int64_t total = 0;
  for (const auto& [last, ways] : ending) total += ways;
  return total;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  std::vector<std::string> forbidden;
  while (forbidden.size() < 3) {
    std::string word;
    for (int i = 0; i < 3; ++i) word += static_cast<char>('a' + rng.below(3));
    if (std::find(forbidden.begin(), forbidden.end(), word) == forbidden.end()) forbidden.push_back(word);
  }
  const int64_t length = rng.between(6, 9) + 3 * difficulty;
  const std::vector<std::pair<std::string, std::string>> values{{"length", std::to_string(length)}, {"forbidden", list_text(forbidden)}};
  return {filled("How many words of {length} letters over the alphabet a, b, c contain none of {forbidden} as consecutive letters? Give an integer.", values),
          {}, expect_integer(answer(length, forbidden)),
          filled(R"(from itertools import product
from sympy import Matrix
bad = {forbidden}
states = ["".join(p) for p in product("abc", repeat=2)]
step = Matrix(9, 9, lambda i, j: int(states[i][1] == states[j][0] and states[i] + states[j][1] not in bad))
print(int(sum(step ** ({length} - 2)))))", values)};
}

}  // namespace

Problem make() { return {"forbidden_words", "combinatorics", "native: table over the last letters; Python: automaton as a matrix power", 1, draw}; }

}  // namespace assay::problems::forbidden_words
