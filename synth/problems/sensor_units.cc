#include <map>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::sensor_units {
namespace {

std::string tenths(int64_t value) { return std::string(value < 0 ? "-" : "") + std::to_string(std::abs(value) / 10) + "." + std::to_string(std::abs(value) % 10); }

ProblemInstance draw(Rng& rng, int difficulty) {
  std::string csv = "station,hour,reading,unit\n";
  std::map<std::string, std::vector<int64_t>> best;   // station -> the largest reading that counts, in tenths of a degree Celsius
  for (int64_t i = 0; i < 30 + 40 * difficulty; ++i) {
    const std::string station = "S" + std::to_string(rng.between(1, 2 + difficulty));
    const int64_t celsius = 5 * rng.between(-60, 80);   // multiples of half a degree, which are whole tenths of Fahrenheit
    const bool fahrenheit = rng.below(3) == 0;
    std::string reading = tenths(fahrenheit ? celsius * 9 / 5 + 320 : celsius);
    bool counts = true;
    if (const uint64_t defect = rng.below(10); defect == 0) reading = rng.below(2) ? "n/a" : "", counts = false;
    else if (defect == 1) reading = "999.9", counts = false;
    csv += station + "," + std::to_string(i % 24) + "," + reading + "," + (fahrenheit ? "F" : "C") + "\n";
    if (counts) best[station].push_back(celsius);
  }
  Json fields = Json::object();
  for (const auto& [station, all] : best) {
    int64_t sum = 0;
    for (int64_t each : all) sum += each;
    fields[station] = expect_rounded(static_cast<double>(sum) / 10 / static_cast<double>(all.size()), 3);
  }
  return {"The file readings.csv holds temperatures of several stations, some in degrees Celsius (unit C), some in degrees Fahrenheit (unit F). A reading that is empty, n/a or 999.9 is no measurement "
          "and does not count. What is the mean temperature of each station in degrees Celsius? Give an object with the stations that have any measurement as keys and numbers " + rounding_text(3) + " as values.",
          {{"readings.csv", csv}}, Json{{"type", "object"}, {"fields", fields}},
          R"(import json
import pandas as pd
table = pd.read_csv("readings.csv", dtype=str)
table["reading"] = pd.to_numeric(table.reading, errors="coerce")
table = table[table.reading.notna() & (table.reading != 999.9)]
fahrenheit = table.unit == "F"
table.loc[fahrenheit, "reading"] = (table.reading[fahrenheit] - 32) * 5 / 9
print(json.dumps({k: round(v, 3) for k, v in table.groupby("station").reading.mean().items()})))"};
}

}  // namespace

Problem make() { return {"sensor_units", "tables", "native: integer tenths of a degree; Python: pandas with masks", 1, draw}; }

}  // namespace assay::problems::sensor_units
