#include <algorithm>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::queue_at_counters {
namespace {

int64_t total_wait(const std::vector<int64_t>& arrivals, const std::vector<int64_t>& services, int64_t counters) {
  std::vector<int64_t> free_at(static_cast<size_t>(counters), 0);
  int64_t wait = 0;
  for (size_t i = 0; i < arrivals.size(); ++i) {
    const auto first = std::min_element(free_at.begin(), free_at.end());
    const int64_t start = std::max(*first, arrivals[i]);
    wait += start - arrivals[i];
    *first = start + services[i];
  }
  return wait;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t customers = 15 * difficulty + rng.between(5, 15), counters = rng.between(2, 3), modulus = rng.between(200, 400);
  const int64_t a = 1 + 4 * rng.between(10, 60), c = 2 * rng.between(10, 90) + 1, seed = rng.between(1, 199);
  std::vector<int64_t> arrivals, services;
  int64_t x = seed, clock = 0;
  for (int64_t i = 0; i < customers; ++i) {
    x = (a * x + c) % modulus;
    arrivals.push_back(clock += x % 7);
    x = (a * x + c) % modulus;
    services.push_back(3 + x % 13);
  }
  const std::vector<std::pair<std::string, std::string>> values{{"customers", std::to_string(customers)}, {"counters", std::to_string(counters)}, {"modulus", std::to_string(modulus)},
                                                                {"a", std::to_string(a)}, {"c", std::to_string(c)}, {"seed", std::to_string(seed)}};
  return {filled("A random generator has the state x, which starts at {seed}; drawing replaces x by ({a} * x + {c}) mod {modulus} and returns the new x. {customers} customers come to an "
                 "office with {counters} counters. For each customer in turn draw twice: with the first number d, the customer arrives d mod 7 minutes after the one before (the first one "
                 "after opening at minute 0); with the second number e, serving takes 3 + (e mod 13) minutes. Customers are served in the order in which they come, each by "
                 "the counter that is free first. How many minutes do all customers together wait before they are served? Give an integer.", values),
          {}, expect_integer(total_wait(arrivals, services, counters)),
          filled(R"(import heapq
x = {seed}
def draw():
    global x
    x = ({a} * x + {c}) % {modulus}
    return x
free, clock, wait = [0] * {counters}, 0, 0
for _ in range({customers}):
    clock += draw() % 7
    service = 3 + draw() % 13
    start = max(heapq.heappop(free), clock)
    wait += start - clock
    heapq.heappush(free, start + service)
print(wait))", values)};
}

}  // namespace

Problem make() { return {"queue_at_counters", "simulation", "native: next free time of each counter; Python: heap of events", 1, draw}; }

}  // namespace assay::problems::queue_at_counters
