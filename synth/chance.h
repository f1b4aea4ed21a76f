// The consistent random chooser: picks entities at random, but never one outside its scope and never one twice while others
// are left. What it passes by luck is a task's chance rate. The policy `random` draws the same way through the tools.
#pragma once

#include <cstdint>
#include <vector>

#include "envs/answer.h"
#include "envs/base/rng.h"
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

// `tries` draws of stream `stream`, judged by all constraints.
ChanceRate chance_rate(const ConsistentChooser& chooser, const Constraints& constraints, int slots, std::string_view stream, int64_t tries,
                       bool repeats = false);

// The stream a certificate draws from: known before the task has an identity, so a search can aim at what will be certified.
std::string chance_stream(const Json& constraints);

// Wilson's 95% interval for hits of tries.
std::pair<double, double> wilson_interval(int64_t hits, int64_t tries);

}  // namespace assay
