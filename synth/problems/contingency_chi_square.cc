#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::contingency_chi_square {
namespace {

double chi_square(const std::vector<std::vector<int64_t>>& table) {
  double total = 0, out = 0;
  std::vector<double> rows(table.size(), 0), columns(table[0].size(), 0);
  for (size_t r = 0; r < rows.size(); ++r)
    for (size_t c = 0; c < columns.size(); ++c) {
      rows[r] += static_cast<double>(table[r][c]);
      columns[c] += static_cast<double>(table[r][c]);
      total += static_cast<double>(table[r][c]);
    }
  for (size_t r = 0; r < rows.size(); ++r)
    for (size_t c = 0; c < columns.size(); ++c) {
      const double expected = rows[r] * columns[c] / total, difference = static_cast<double>(table[r][c]) - expected;
      out += difference * difference / expected;
    }
  return out;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  std::vector<std::vector<int64_t>> table;
  for (int i = 0; i < 2 + (difficulty + 1) / 2; ++i) table.push_back(draw_numbers(rng, 3 + difficulty / 2, 6, 90));
  const std::vector<std::pair<std::string, std::string>> v{{"table", list_text(table)}, {"rounding", rounding_text(3)}};
  return {filled("The rows of this table count answers by region, its columns by age group: {table}. Compute Pearson's chi-square statistic for independence of region and age group, without a "
                 "continuity correction. Give a number {rounding}.", v),
          {}, expect_rounded(chi_square(table), 3),
          filled(R"(from scipy.stats import chi2_contingency
print(round(float(chi2_contingency({table}, correction=False)[0]), 3)))", v)};
}

}  // namespace

Problem make() { return {"contingency_chi_square", "statistics", "native: sums over cells; Python: scipy's contingency test", 1, draw}; }

}  // namespace assay::problems::contingency_chi_square
