#include <numeric>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::necklace_count {
namespace {

int64_t necklaces(int64_t beads, int64_t colours) {
  int64_t sum = 0;
  for (int64_t turn = 0; turn < beads; ++turn) {
    int64_t fixed = 1;
    for (int64_t i = 0; i < std::gcd(turn, beads); ++i) fixed *= colours;
    sum += fixed;
  }
  return sum / beads;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t colours = rng.between(2, 4), beads = (colours == 2 ? 9 : colours == 3 ? 6 : 5) + difficulty / 2 + rng.between(0, 2), price = rng.between(7, 999);
  const std::vector<std::pair<std::string, std::string>> v{{"beads", std::to_string(beads)}, {"colours", std::to_string(colours)}, {"price", std::to_string(price)}};
  return {filled("Necklaces are made of {beads} beads on a closed string, each in one of {colours} colours. Two necklaces are the same if one can be turned into the other by rotation; mirror images are different. A "
                 "collector buys one of each at {price} coins apiece. How many coins does that take? Give an integer.", v),
          {}, expect_integer(price * necklaces(beads, colours)),
          filled(R"(from itertools import product
seen = set()
for s in product(range({colours}), repeat={beads}):
    seen.add(min(s[i:] + s[:i] for i in range({beads})))
print({price} * len(seen)))", v)};
}

}  // namespace

Problem make() { return {"necklace_count", "combinatorics", "native: Burnside's lemma; Python: least rotations of all strings", 1, draw}; }

}  // namespace assay::problems::necklace_count
