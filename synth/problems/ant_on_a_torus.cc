#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::ant_on_a_torus {
namespace {

int64_t black_cells(int64_t size, int64_t steps, const std::string& turns) {
  std::vector<int> grid(static_cast<size_t>(size * size), 0);
  int64_t row = size / 2, column = size / 2;
  int heading = 0;   // up, right, down, left
  for (int64_t i = 0; i < steps; ++i) {
    int& colour = grid[static_cast<size_t>(row * size + column)];
    heading = (heading + (turns[static_cast<size_t>(colour)] == 'R' ? 1 : 3)) % 4;
    colour = (colour + 1) % static_cast<int>(turns.size());
    row = (row + (heading == 2) - (heading == 0) + size) % size;
    column = (column + (heading == 1) - (heading == 3) + size) % size;
  }
  int64_t sum = 0;
  for (int colour : grid) sum += colour;
  return sum;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  std::string turns = "RL";
  for (int i = 0; i < difficulty; ++i) turns += rng.below(2) ? 'R' : 'L';
  const int64_t size = 2 * rng.between(8, 14) + 1, steps = rng.between(900, 1900) * (1 + difficulty);
  const std::vector<std::pair<std::string, std::string>> values{{"turns", turns}, {"size", std::to_string(size)}, {"steps", std::to_string(steps)},
                                                                {"middle", std::to_string(size / 2)}, {"colours", std::to_string(turns.size())}, {"top", std::to_string(turns.size() - 1)}};
  return {filled("An ant walks on a board of {size} by {size} cells whose opposite edges are joined. Every cell has a colour from 0 to {top}, at first 0. The ant starts in row {middle}, "
                 "column {middle} (rows counted downwards and columns to the right, from 0) and looks up. In every step it looks at the colour k of its cell and turns by a quarter: to the "
                 "right if letter k of {turns} (the first is letter 0) is R, to the left if it is L; then the cell's colour goes up by 1, from {top} back to 0, and the ant walks one cell "
                 "ahead. What is the sum of the colours of all cells after {steps} steps? Give an integer.", values),
          {}, expect_integer(black_cells(size, steps, turns)),
          filled(R"(from collections import defaultdict
colour, place, heading = defaultdict(int), {middle} + {middle} * 1j, -1j
for _ in range({steps}):
    k = colour[place]
    heading *= 1j if "{turns}"[k] == "R" else -1j
    colour[place] = (k + 1) % {colours}
    place += heading
    place = place.real % {size} + place.imag % {size} * 1j
print(sum(colour.values())))", values)};
}

}  // namespace

Problem make() { return {"ant_on_a_torus", "simulation", "native: grid of bytes; Python: set of black cells and complex numbers", 1, draw}; }

}  // namespace assay::problems::ant_on_a_torus
