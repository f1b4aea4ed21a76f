#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::knights_and_knaves {
namespace {

struct Claim {
  size_t about = 0, other = 0;
  int kind = 0;   // 0: about is a knave; 1: about and other are of one kind; 2: exactly `number` of us are knights
  int64_t number = 0;
  bool says_true(size_t pattern) const {
    const bool a = pattern >> about & 1, b = pattern >> other & 1;
    return kind == 0 ? !a : kind == 1 ? a == b : __builtin_popcountll(pattern) == number;
  }
};
int64_t solutions(const std::vector<Claim>& claims) {
  int64_t out = 0;
  for (size_t pattern = 0; pattern < size_t{1} << claims.size(); ++pattern) {
    bool good = true;
    for (size_t i = 0; i < claims.size(); ++i) good &= (pattern >> i & 1) == claims[i].says_true(pattern);
    out += good;
  }
  return out;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const size_t people = 5 + static_cast<size_t>(difficulty);
  const std::vector<std::string> names = draw_names(rng, static_cast<int64_t>(people));
  size_t truth = 0;
  std::vector<Claim> claims;
  // Claims are drawn to fit a truth that is drawn first, until it is the only one.
  do {
    truth = rng.below(size_t{1} << people);
    claims.clear();
    for (size_t i = 0; i < people; ++i) {
      Claim claim;
      do {
        claim = {rng.below(people), rng.below(people), static_cast<int>(rng.below(7)) % 3, static_cast<int64_t>(rng.below(people + 1))};
      } while (claim.about == i || claim.other == i || claim.about == claim.other || claim.says_true(truth) != (truth >> i & 1));
      claims.push_back(claim);
    }
  } while (solutions(claims) != 1 || __builtin_popcountll(truth) < 2);
  std::string sentences, python;
  std::vector<std::string> knights;
  for (size_t i = 0; i < people; ++i) {
    const Claim& c = claims[i];
    sentences += " " + names[i] + ": " + (c.kind == 0 ? "\"" + names[c.about] + " is a knave.\"" : c.kind == 1 ? "\"" + names[c.about] + " and " + names[c.other] + " are of the same kind.\""
                                                                        : "\"Exactly " + std::to_string(c.number) + " of us are knights.\"");
    python += "    lambda k: " + (c.kind == 0 ? "not k[" + std::to_string(c.about) + "]" : c.kind == 1 ? "k[" + std::to_string(c.about) + "] == k[" + std::to_string(c.other) + "]" : "sum(k) == " + std::to_string(c.number)) + ",\n";
    if (truth >> i & 1) knights.push_back(names[i]);
  }
  Json items = Json::array();
  for (const std::string& name : knights) items.push_back(expect_text(name));
  const std::vector<std::pair<std::string, std::string>> v{{"people", std::to_string(people)}, {"names", list_text(names)}, {"sentences", sentences}, {"python", python}};
  return {filled("On an island, knights always tell the truth and knaves always lie. {people} islanders each say one thing.{sentences} Who are the knights? Give a list of their names, in any order.", v),
          {}, Json{{"type", "list"}, {"ordered", false}, {"items", items}},
          filled(R"(import json
from itertools import product
names = {names}
claims = [
{python}]
for kinds in product([False, True], repeat={people}):
    if all(claim(kinds) == kind for claim, kind in zip(claims, kinds)):
        print(json.dumps([name for name, kind in zip(names, kinds) if kind])))", v)};
}

}  // namespace

Problem make() { return {"knights_and_knaves", "logic", "native: bit patterns; Python: brute force over statements as functions", 1, draw}; }

}  // namespace assay::problems::knights_and_knaves
