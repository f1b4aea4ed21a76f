// `assay bench AREA` without the rest of the program.
#include <cstdio>

#include "cli/bench.h"

namespace assay::bench::BENCH_AREA {
BenchArea make();
}

int main() {
  const assay::Result<std::vector<assay::Figure>> figures = assay::bench::BENCH_AREA::make().run();
  if (!figures.ok()) return std::printf("%s\n", figures.error().text().c_str()), 1;
  for (const assay::Figure& figure : *figures)
    std::printf("%-58s %10.1f %-8s %-22s %s\n", figure.name.c_str(), figure.value, figure.unit.c_str(),
                figure.goal == 0 ? "" : ((figure.at_least ? "at least " : "at most ") + std::to_string(static_cast<int>(figure.goal)) + (figure.holds() ? " HOLDS" : " MISSES")).c_str(),
                figure.note.c_str());
}
