#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::balanced_strings {
namespace {

int64_t count(int64_t length, int64_t deepest, int64_t turns) {
  // ways[depth][peaks][last was opening]
  std::vector<std::vector<std::vector<int64_t>>> ways(static_cast<size_t>(deepest) + 2,
      std::vector<std::vector<int64_t>>(static_cast<size_t>(turns) + 2, std::vector<int64_t>(2, 0)));
  ways[0][0][0] = 1;
  for (int64_t i = 0; i < length; ++i) {
    auto next = ways;
    for (auto& a : next)
      for (auto& b : a) b.assign(2, 0);
    for (size_t d = 0; d <= static_cast<size_t>(deepest); ++d)
      for (size_t p = 0; p <= static_cast<size_t>(turns); ++p)
        for (size_t open = 0; open < 2; ++open) {
          const int64_t w = ways[d][p][open];
          if (d < static_cast<size_t>(deepest)) next[d + 1][p][1] += w;
          if (d > 0) next[d - 1][p + open][0] += w;
        }
    ways = std::move(next);
  }
  return ways[0][static_cast<size_t>(turns)][0];
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t pairs = 6 + difficulty, deepest = rng.between(3, 5), turns = rng.between(3, pairs - 2), price = rng.between(11, 499);
  const std::vector<std::pair<std::string, std::string>> v{{"pairs", std::to_string(pairs)}, {"length", std::to_string(2 * pairs)}, {"deepest", std::to_string(deepest)}, {"turns", std::to_string(turns)}, {"price", std::to_string(price)}};
  return {filled("A mountain range is drawn with {pairs} strokes up and {pairs} strokes down, each of one unit; it starts and ends at height 0, never goes below it, and nowhere rises above height {deepest}. It has exactly "
                 "{turns} peaks (a stroke up followed at once by a stroke down). Let n be the number of such ranges. What is {price} * n? Give an integer.", v),
          {}, expect_integer(price * count(2 * pairs, deepest, turns)),
          filled(R"(def ranges(drawn, height, ups):
    if len(drawn) == {length}:
        yield drawn
        return
    if ups < {pairs} and height < {deepest}:
        yield from ranges(drawn + "U", height + 1, ups + 1)
    if height > 0:
        yield from ranges(drawn + "D", height - 1, ups)

print({price} * sum(r.count("UD") == {turns} for r in ranges("", 0, 0))))", v)};
}

}  // namespace

Problem make() { return {"balanced_strings", "combinatorics", "native: table by depth; Python: generating every string", 1, draw}; }

}  // namespace assay::problems::balanced_strings
