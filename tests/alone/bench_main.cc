// `assay bench AREA` without the rest of the program.
#include <cstdio>

#include "cli/bench.h"

namespace assay::bench::BENCH_AREA {
BenchArea make();
}

int main() {
  const assay::Result<std::vector<assay::Figure>> figures = assay::bench::BENCH_AREA::make().run();
  if (!figures.ok()) return std::printf("%s\n", figures.error().text().c_str()), 1;
  for (const assay::Figure& figure : *figures) {
    std::printf("%-58s %10.2f %-8s ", figure.name.c_str(), figure.value, figure.unit.c_str());
    if (figure.goal == 0) std::printf("%-23s", "");
    else std::printf("%-8s %7g %-6s", figure.at_least ? "at least" : "at most", figure.goal, figure.holds() ? "HOLDS" : "MISSES");
    std::printf(" %s\n", figure.note.c_str());
  }
}
