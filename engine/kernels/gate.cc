// A few hundred numbers a row: one plain implementation serves every table (shared.cc).
#include "engine/kernels/gate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace assay::reference {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// One row's numbers, kept from row to row by a worker.
struct Row {
  std::vector<float> scores, choices, group_scores;
  std::vector<char> taken, kept;
};

// The exponential in double and rounded once, so that float32's result does not hang on a library's expf.
float sigmoid(float x) { return 1.0f / (1.0f + static_cast<float>(std::exp(-static_cast<double>(x)))); }

// Marks the `count` largest of those allowed, the lowest index among equals.
template <typename Allowed>
void take_largest(const std::vector<float>& values, int64_t count, const Allowed& allowed, std::vector<char>& taken) {
  taken.assign(values.size(), 0);
  for (; count > 0; --count) {
    size_t best = values.size();
    for (size_t i = 0; i < values.size(); ++i)
      if (!taken[i] && allowed(i) && (best == values.size() || values[i] > values[best])) best = i;
    if (best == values.size()) return;
    taken[best] = 1;
  }
}

// Two largest, added; one, if there is only one.
float group_score(const float* choices, int64_t count) {
  float first = kLowest, second = kLowest;
  for (int64_t i = 0; i < count; ++i) {
    if (choices[i] > first) second = first, first = choices[i];
    else if (choices[i] > second) second = choices[i];
  }
  return count == 1 ? first : first + second;
}

void score(const GateParams& params, const float* logits, Row& row) {
  const size_t experts = static_cast<size_t>(params.experts);
  row.scores.resize(experts);
  row.choices.resize(experts);
  for (size_t i = 0; i < experts; ++i) {
    row.scores[i] = sigmoid(logits[i]);
    const float choice = row.scores[i] + params.bias[i];
    row.choices[i] = std::isnan(choice) ? kLowest : choice;
  }
}

void choose(const GateParams& params, Row& row) {
  const int64_t size = params.experts / params.groups;
  row.group_scores.resize(static_cast<size_t>(params.groups));
  for (int64_t group = 0; group < params.groups; ++group)
    row.group_scores[static_cast<size_t>(group)] = group_score(row.choices.data() + group * size, size);
  take_largest(row.group_scores, params.groups_kept, [](size_t) { return true; }, row.kept);
  take_largest(row.choices, params.k, [&](size_t i) { return row.kept[i / static_cast<size_t>(size)] != 0; }, row.taken);
}

void force(const GateParams& params, const int32_t* forced, Row& row) {
  row.taken.assign(static_cast<size_t>(params.experts), 0);
  for (int64_t i = 0; i < params.k; ++i) row.taken[static_cast<size_t>(forced[i])] = 1;
}

void write(const GateParams& params, const Row& row, int32_t* chosen, float* weights) {
  int64_t count = 0;
  float sum = 0;
  for (size_t i = 0; i < row.taken.size(); ++i) {
    if (!row.taken[i]) continue;
    chosen[count] = static_cast<int32_t>(i);
    weights[count++] = row.scores[i];
    sum += row.scores[i];
  }
  const float divisor = params.normalize == NormalizeWeights::kYes ? sum + 1e-20f : 1.0f;
  for (int64_t i = 0; i < count; ++i) weights[i] = weights[i] / divisor * params.scale;
}

}  // namespace

void gate(const GateParams& params, Workers& workers) {
  std::vector<Row> of_workers(static_cast<size_t>(workers.count()));
  workers.run(params.rows, [&](int64_t r, int worker) {
    Row& row = of_workers[static_cast<size_t>(worker)];
    score(params, params.logits + r * params.experts, row);
    const int32_t* forced = params.forced ? params.forced + r * params.k : nullptr;
    if (forced && params.k > 0 && forced[0] >= 0) force(params, forced, row);
    else choose(params, row);
    write(params, row, params.chosen + r * params.k, params.weights + r * params.k);
  });
}

void group_by_expert(const GroupByExpertParams& params, Workers&) {
  const int64_t pairs = params.rows * params.k;
  std::fill_n(params.starts, params.experts + 1, 0);
  for (int64_t i = 0; i < pairs; ++i) ++params.starts[params.chosen[i] + 1];
  for (int64_t e = 0; e < params.experts; ++e) params.starts[e + 1] += params.starts[e];
  std::vector<int32_t> next(params.starts, params.starts + params.experts);
  for (int64_t i = 0; i < pairs; ++i) {
    const int32_t place = next[static_cast<size_t>(params.chosen[i])]++;
    params.list[place] = static_cast<int32_t>(i / params.k);
    params.places[i] = place;
  }
}

}  // namespace assay::reference
