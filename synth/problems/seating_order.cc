#include <algorithm>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::seating_order {
namespace {

struct Clue {
  int kind = 0;      // 0: a somewhere before b; 1: a directly before b; 2: a at place; 3: a and b at this distance
  size_t a = 0, b = 0;
  int64_t n = 0;
  bool holds(const std::vector<int64_t>& place) const {
    const int64_t d = place[b] - place[a];
    return kind == 0 ? d > 0 : kind == 1 ? d == 1 : kind == 2 ? place[a] == n : std::abs(d) == n;
  }
  std::string sentence(const std::vector<std::string>& names) const {
    switch (kind) {
      case 0: return names[a] + " stands somewhere before " + names[b] + ".";
      case 1: return names[a] + " stands directly before " + names[b] + ".";
      case 2: return names[a] + " has place " + std::to_string(n) + ".";
      default: return "The places of " + names[a] + " and " + names[b] + " differ by " + std::to_string(n) + ".";
    }
  }
  std::string python() const {
    const std::string pa = "p[" + std::to_string(a) + "]", pb = "p[" + std::to_string(b) + "]", k = std::to_string(n);
    return kind == 0 ? pa + " < " + pb : kind == 1 ? pb + " - " + pa + " == 1" : kind == 2 ? pa + " == " + k : "abs(" + pa + " - " + pb + ") == " + k;
  }
};

// Fills places from the front; stops at two.
void count(const std::vector<Clue>& clues, std::vector<int64_t>& place, int64_t next, int& found) {
  if (found > 1) return;
  if (next > static_cast<int64_t>(place.size())) {
    ++found;
    return;
  }
  for (size_t person = 0; person < place.size(); ++person) {
    if (place[person]) continue;
    place[person] = next;
    const bool good = std::all_of(clues.begin(), clues.end(), [&](const Clue& c) { return !place[c.a] || !place[c.b] || c.holds(place); });
    if (good) count(clues, place, next + 1, found);
    place[person] = 0;
  }
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t people = 4 + (difficulty + 1) / 2 + (difficulty > 2);
  const std::vector<std::string> names = draw_names(rng, people);
  std::vector<int64_t> order(static_cast<size_t>(people));
  for (int64_t i = 0; i < people; ++i) order[static_cast<size_t>(i)] = i + 1;
  rng.shuffle(order);
  std::vector<Clue> clues;
  for (int found = 2; found > 1;) {
    const size_t a = rng.below(names.size()), b = rng.below(names.size());
    if (a == b) continue;
    const Clue clue{static_cast<int>(rng.below(10)) % 4, a, b, 0};
    Clue with = clue;
    with.n = clue.kind == 2 ? order[a] : std::abs(order[a] - order[b]);
    if (with.kind == 2) with.b = a;
    if (!with.holds(order) || (with.kind == 2 && rng.below(3))) continue;
    clues.push_back(with);
    std::vector<int64_t> place(order.size(), 0);
    found = 0;
    count(clues, place, 1, found);
  }
  std::string sentences, conditions;
  for (const Clue& clue : clues) {
    sentences += " " + clue.sentence(names);
    conditions += (conditions.empty() ? "" : " and ") + clue.python();
  }
  std::vector<std::string> in_order(names.size());
  for (size_t i = 0; i < names.size(); ++i) in_order[static_cast<size_t>(order[i]) - 1] = names[i];
  Json items = Json::array();
  for (const std::string& name : in_order) items.push_back(expect_text(name));
  const std::vector<std::pair<std::string, std::string>> v{{"people", std::to_string(people)}, {"names", list_text(names)}, {"clues", sentences}, {"conditions", conditions}};
  return {filled("{people} people, {names}, stand in a row at places 1 to {people}, place 1 being the front.{clues} In which order do they stand? Give a list of names from front to back.", v),
          {}, Json{{"type", "list"}, {"ordered", true}, {"items", items}},
          filled(R"(import json
from itertools import permutations
names = {names}
for p in permutations(range(1, {people} + 1)):
    if {conditions}:
        print(json.dumps([names[p.index(place)] for place in range(1, {people} + 1)]))
        break)", v)};
}

}  // namespace

Problem make() { return {"seating_order", "logic", "native: pruned search for the only order; Python: all permutations", 1, draw}; }

}  // namespace assay::problems::seating_order
