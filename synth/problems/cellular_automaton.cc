#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::cellular_automaton {
namespace {

std::vector<int64_t> step(const std::vector<int64_t>& cells, int64_t rule) {
  const size_t n = cells.size();
  std::vector<int64_t> out(n);
  for (size_t i = 0; i < n; ++i) out[i] = rule >> (4 * cells[(i + n - 1) % n] + 2 * cells[i] + cells[(i + 1) % n]) & 1;
  return out;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t rule = rng.pick(std::vector<int64_t>{30, 45, 73, 86, 89, 101, 110, 124, 137, 193}), size = rng.between(60, 90) + 20 * difficulty, steps = rng.between(50, 90) * difficulty;
  std::vector<int64_t> cells = draw_numbers(rng, size, 0, 1);
  std::string start;
  for (int64_t cell : cells) start += static_cast<char>('0' + cell);
  int64_t weighted = 0;
  for (int64_t i = 0; i < steps; ++i) cells = step(cells, rule);
  for (size_t i = 0; i < cells.size(); ++i) weighted += cells[i] * static_cast<int64_t>(i + 1);
  const std::vector<std::pair<std::string, std::string>> values{{"rule", std::to_string(rule)}, {"steps", std::to_string(steps)}, {"start", start}};
  return {filled("Cells on a ring are 0 or 1. In every step all cells change at once: a cell's left neighbour, itself and its right neighbour, read as a binary number k from 0 to "
                 "7 (left neighbour first), decide, and the new value is bit k of the number {rule} (bit 0 is the lowest). The ring starts as {start}. After {steps} steps, add "
                 "up the positions of all cells that are 1, where the first cell has position 1. Give an integer.", values),
          {}, expect_integer(weighted),
          filled(R"(cells = "{start}"
table = {format(k, "03b"): str({rule} >> k & 1) for k in range(8)}
for _ in range({steps}):
    ring = cells[-1] + cells + cells[0]
    cells = "".join(table[ring[i:i + 3]] for i in range(len(cells)))
print(sum(i for i, c in enumerate(cells, 1) if c == "1")))", values)};
}

}  // namespace

Problem make() { return {"cellular_automaton", "simulation", "native: bits in a word array; Python: dictionary of neighbourhoods", 1, draw}; }

}  // namespace assay::problems::cellular_automaton
