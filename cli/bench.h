// Benchmarks: one file an area in cli/bench/, which defines `BenchArea make()`. Figures, never timed tests.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "envs/base/status.h"

namespace assay {

struct Figure {
  std::string area, name;
  double value = 0;
  std::string unit;
  double goal = 0;
  bool at_least = true;      // the goal is a floor; false: a ceiling
  std::string note;          // shape, size, what was counted
  bool holds() const { return at_least ? value >= goal : value <= goal; }
};

struct BenchArea {
  std::string name;
  std::string summary;
  std::function<Result<std::vector<Figure>>()> run;
};

namespace bench {
std::span<const BenchArea> all();  // generated from the folder
}

}  // namespace assay
