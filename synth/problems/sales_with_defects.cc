#include <map>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::sales_with_defects {
namespace {

struct Row {
  std::string region;
  int64_t order = 0, cents = 0, quantity = 0;
};
std::string money(int64_t cents) { return std::to_string(cents / 100) + "." + std::to_string(cents / 10 % 10) + std::to_string(cents % 10); }

ProblemInstance draw(Rng& rng, int difficulty) {
  const std::vector<std::string> regions{"North", "South", "East", "West"};
  std::string csv = "order,region,price,quantity\n";
  std::map<std::string, int64_t> totals;
  std::vector<std::string> lines;
  for (int64_t i = 0; i < 40 * difficulty + 20; ++i) {
    const Row row{rng.pick(regions), 1000 + i, rng.between(99, 9'999), rng.between(1, 9)};
    std::string region = row.region, price = money(row.cents), quantity = std::to_string(row.quantity);
    bool counts = true;
    switch (rng.below(9)) {
      case 0: region = " " + region + " "; break;
      case 1: for (char& c : region) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c); break;
      case 2: price = "$" + price; break;
      case 3: quantity = "", counts = false; break;
      case 4: quantity = "-" + quantity, counts = false; break;
      default: break;
    }
    lines.push_back(std::to_string(row.order) + "," + region + "," + price + "," + quantity + "\n");
    csv += lines.back();
    if (counts) totals[row.region] += row.cents * row.quantity;
    if (rng.below(8) == 0) csv += lines.back();
    if (rng.below(30) == 0) csv += "order,region,price,quantity\n";
  }
  Json fields = Json::object();
  for (const auto& [region, cents] : totals) fields[region] = expect_integer(cents);
  return {"The file sales.csv lists orders, but it was merged carelessly. Clean it by these rules. The header line may appear again among the rows; drop such lines. An order number that appears more "
          "than once is the same order, to be counted once. Regions may be written with spaces around them or in capitals; they are North, South, East and West. Prices may begin with a dollar "
          "sign. Orders whose quantity is missing or negative are left out. What is the revenue (price times quantity) of each region in cents? Give an object with the regions that have any revenue, "
          "written as above, as keys and integers as values.",
          {{"sales.csv", csv}}, Json{{"type", "object"}, {"fields", fields}},
          R"(import json
import pandas as pd
table = pd.read_csv("sales.csv", dtype=str)
table = table[table.order != "order"].drop_duplicates("order")
table["region"] = table.region.str.strip().str.capitalize()
table["cents"] = (table.price.str.lstrip("$").astype(float) * 100).round().astype(int)
table["quantity"] = pd.to_numeric(table.quantity)
table = table[table.quantity > 0]
table["revenue"] = table.cents * table.quantity.astype(int)
print(json.dumps({k: int(v) for k, v in table.groupby("region").revenue.sum().items()})))"};
}

}  // namespace

Problem make() { return {"sales_with_defects", "tables", "native: row by row, as the rules say; Python: pandas", 1, draw}; }

}  // namespace assay::problems::sales_with_defects
