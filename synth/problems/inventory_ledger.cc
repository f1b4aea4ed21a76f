#include <map>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::inventory_ledger {
namespace {

ProblemInstance draw(Rng& rng, int difficulty) {
  std::string csv = "line;article;movement;pieces\n";
  std::map<std::string, int64_t> balance, lowest;
  int64_t written = 0;
  for (int64_t i = 0; i < 30 * (1 + difficulty); ++i) {
    const std::string article = "A" + std::to_string(rng.between(10, 11 + 2 * difficulty)), spelled = rng.below(5) == 0 ? "a" + article.substr(1) : article;
    const int64_t pieces = rng.between(1, 60);
    const uint64_t kind = rng.below(8);
    const std::string movement = kind < 4 ? "in" : kind < 7 ? "out" : "void";
    csv += std::to_string(++written) + ";" + spelled + ";" + (rng.below(4) == 0 ? " " + movement + " " : movement) + ";" + (rng.below(6) == 0 ? std::to_string(pieces) + " pcs" : std::to_string(pieces)) + "\n";
    if (movement == "void") continue;
    int64_t& now = balance[article];
    now += movement == "in" ? pieces : -pieces;
    auto [it, fresh] = lowest.try_emplace(article, now);
    if (!fresh && now < it->second) it->second = now;
  }
  Json fields = Json::object();
  for (const auto& [article, low] : lowest) fields[article] = expect_integer(low);
  return {"ledger.csv (separated by semicolons) lists the movements of a store in the order in which they happened. Article numbers may be written with a small letter, movements with spaces around them, and numbers of pieces with "
          "the word pcs after them; all that means nothing. Movements of the kind void never happened. Every article starts with a balance of 0, \"in\" adds to it and \"out\" takes from it, and it may become negative. "
          "What is the lowest balance that each article has after any of its movements? Give an object with the articles (written with a capital A) that moved as keys and integers as values.",
          {{"ledger.csv", csv}}, Json{{"type", "object"}, {"fields", fields}},
          R"(import json
import pandas as pd
table = pd.read_csv("ledger.csv", sep=";", dtype=str)
table["article"] = table.article.str.upper()
table["movement"] = table.movement.str.strip()
table = table[table.movement != "void"]
pieces = table.pieces.str.replace(" pcs", "", regex=False).astype(int)
table["signed"] = pieces.where(table.movement == "in", -pieces)
table["balance"] = table.groupby("article").signed.cumsum()
print(json.dumps({k: int(v) for k, v in table.groupby("article").balance.min().items()})))"};
}

}  // namespace

Problem make() { return {"inventory_ledger", "tables", "native: balances by article; Python: pandas cumulative sums", 1, draw}; }

}  // namespace assay::problems::inventory_ledger
