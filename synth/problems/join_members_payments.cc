#include <map>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::join_members_payments {
namespace {

ProblemInstance draw(Rng& rng, int difficulty) {
  const std::vector<std::string> names = draw_names(rng, 6 + 3 * difficulty);
  const std::vector<std::string> towns{"Aldham", "Brook", "Carrow", "Dunmere"};
  std::string members = "id,name,town\n", payments = "member_id;paid_on;amount\n";
  std::map<int64_t, std::string> town_of;
  for (size_t i = 0; i < names.size(); ++i) {
    const int64_t id = 100 + static_cast<int64_t>(i) * 7;
    town_of[id] = rng.pick(towns);
    members += std::to_string(id) + "," + names[i] + "," + town_of[id] + "\n";
  }
  std::map<std::string, int64_t> sums;
  const int64_t month = rng.between(1, 12);
  for (int64_t i = 0; i < 20 + 25 * difficulty; ++i) {
    const int64_t id = 100 + 7 * rng.between(0, static_cast<int64_t>(names.size()) + 1), day = rng.between(1, 28), m = rng.below(3) ? month : rng.between(1, 12), amount = rng.between(5, 240);
    const auto two = [](int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    const bool iso = rng.below(2) == 0;
    payments += std::string(rng.below(6) == 0 ? "0" : "") + std::to_string(id) + ";" + (iso ? "2024-" + two(m) + "-" + two(day) : two(day) + "." + two(m) + ".2024") + ";" + std::to_string(amount) + "\n";
    if (m == month && town_of.count(id)) sums[town_of[id]] += amount;
  }
  Json fields = Json::object();
  for (const std::string& town : towns)
    if (sums[town] > 0) fields[town] = expect_integer(sums[town]);
  return {filled("members.csv lists the members of a club with their towns, payments.csv (separated by semicolons) what was paid. Dates are written either as year-month-day or as day.month.year; member "
                 "numbers in payments.csv may have a leading zero that means nothing. Payments of numbers that are no member's do not count. How much was paid in month {month} of 2024 by the members of each town? Give "
                 "an object with the towns that paid anything in that month as keys and integers as values.", {{"month", std::to_string(month)}}),
          {{"members.csv", members}, {"payments.csv", payments}}, Json{{"type", "object"}, {"fields", fields}},
          filled(R"(import json
import pandas as pd
members = pd.read_csv("members.csv")
payments = pd.read_csv("payments.csv", sep=";", dtype=str)
payments["id"] = payments.member_id.astype(int)
dotted = payments.paid_on.str.contains(".", regex=False)
payments["month"] = payments.paid_on.str.split("-").str[1].where(~dotted, payments.paid_on.str.split(".").str[1]).astype(int)
joined = payments[payments.month == {month}].merge(members, on="id")
print(json.dumps({k: int(v) for k, v in joined.groupby("town").amount.apply(lambda a: a.astype(int).sum()).items()})))", {{"month", std::to_string(month)}})};
}

}  // namespace

Problem make() { return {"join_members_payments", "tables", "native: maps keyed by number; Python: pandas merge", 1, draw}; }

}  // namespace assay::problems::join_members_payments
