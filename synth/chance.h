// The consistent random chooser: picks entities at random, but never one outside its scope and never one twice while others
// are left. What it passes by luck is a task's chance rate. The policy `random` draws the same way through the tools.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "envs/answer.h"
#include "envs/base/rng.h"
#include "synth/archetype.h"
#include "verifiers/constraint.h"

namespace assay {

class ConsistentChooser {
 public:
  // Both outlive it.
  ConsistentChooser(const AnswerShape& shape, const Tables& tables);
  // `repeats`: entities may be chosen again.
  void draw(Rng& rng, bool repeats, Assignment& out) const;

 private:
  struct Slot {
    int table = -1;
    int32_t given = -1;          // the row, where it is given
    int scope_slot = -1;         // -1: any entity of the table
    std::vector<int> same_table; // earlier slots of the same table
    const std::vector<std::vector<int32_t>>* by_scope = nullptr;
    int32_t table_size = 0;
  };
  std::vector<Slot> slots_;
  std::vector<std::vector<std::vector<int32_t>>> rows_by_scope_;   // [table][scope row]
};

struct ChanceRate {
  int64_t hits = 0, tries = 0;
  double rate() const { return tries ? static_cast<double>(hits) / static_cast<double>(tries) : 0; }
};

// Answers the chooser drew: draw i is a pure function of (stream, i, shape, tables). Drawn once, judged by many sets of constraints.
struct DrawnAnswers {
  int64_t tries = 0;                 // numbered 0 … tries - 1
  size_t slots = 0;
  std::vector<int32_t> numbers;      // ascending: of the draws in which no slot was left without anything to choose
  std::vector<int32_t> rows;         // [numbers.size()][slots]
  const int32_t* answer(size_t i) const { return rows.data() + i * slots; }
};
DrawnAnswers draw_answers(const ConsistentChooser& chooser, size_t slots, std::string_view stream, int64_t tries, bool repeats);

// How many keep all constraints, looking only as far as is needed to tell, by Wilson's interval at 4.5 sigma, that the rate lies outside [low, high); then
// `tries` is how many were looked at. `candidates`: places in `drawn`, ascending; what is not among them is known to fail.
ChanceRate chance_rate_near(const DrawnAnswers& drawn, const std::vector<int32_t>& candidates, const Constraints& constraints, double low, double high);

// The streams: a search aims with one sample and a certificate measures with another. They are the same for all tasks of a shape.
inline constexpr const char* kSearchStream = "search";
inline constexpr const char* kChanceStream = "chance";
inline constexpr const char* kFeasibleStream = "feasible";

// What was drawn last for tasks of one environment, for a few shapes, and which of it keeps what it was judged by last. Used by one thread.
class DrawnCache {
 public:
  using Drawn = std::shared_ptr<const DrawnAnswers>;
  using Places = std::shared_ptr<const std::vector<int32_t>>;   // in DrawnAnswers, ascending

  // The one kept with the request (MakeRequest::kept, which then serves for nothing else), or a fresh one.
  static std::shared_ptr<DrawnCache> of(const MakeRequest& request);
  Drawn draw(const AnswerShape& shape, const Environment& environment, const char* stream, int64_t tries, bool repeats = false);
  // Those of `drawn`, which came from here, that keep all constraints. `json`: what these were compiled from, over the shape and the
  // environment that were drawn for.
  Places keeping(const Drawn& drawn, const Json& json, const Constraints& constraints);
  ChanceRate chance_rate(const Drawn& drawn, const Json& json, const Constraints& constraints) {
    return {static_cast<int64_t>(keeping(drawn, json, constraints)->size()), drawn->tries};
  }

 private:
  struct Entry {
    std::string key;
    Drawn drawn;
    std::list<std::pair<std::string, Places>> judged;   // newest first, by the constraints' text
  };
  std::list<Entry> recent_;   // newest first
};

}  // namespace assay
