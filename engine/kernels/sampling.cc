// Double precision throughout, one implementation for every table (shared.cc).
#include "engine/kernels/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace assay::reference {
namespace {

constexpr double kLowest = -std::numeric_limits<double>::infinity();

double ranked(float logit) { return std::isnan(logit) ? kLowest : logit; }

// Tokens that may be drawn, ascending.
std::vector<int32_t> candidates_of(int64_t vocabulary, const uint64_t* allowed) {
  std::vector<int32_t> candidates;
  candidates.reserve(allowed ? 0 : static_cast<size_t>(vocabulary));
  for (int64_t i = 0; i < vocabulary; ++i)
    if (!allowed || (allowed[i / 64] >> (i % 64) & 1)) candidates.push_back(static_cast<int32_t>(i));
  return candidates;
}

int32_t largest_of(const float* logits, const std::vector<int32_t>& candidates) {
  int32_t best = -1;
  double largest = kLowest;
  for (const int32_t i : candidates)
    if (ranked(logits[i]) > largest) largest = ranked(logits[i]), best = i;
  return best;
}

// exp((logit - largest) / temperature): a logit as large weighs 1.
double weight_of(float value, double largest, double temperature) {
  const double logit = ranked(value);
  return logit == kLowest ? 0 : std::exp((logit - largest) / temperature);
}

// By token; 0 for those that may not be drawn.
std::vector<double> weights_of(const float* logits, int64_t vocabulary, const std::vector<int32_t>& candidates, double largest, double temperature) {
  std::vector<double> weights(static_cast<size_t>(vocabulary));
  for (const int32_t i : candidates) weights[static_cast<size_t>(i)] = weight_of(logits[i], largest, temperature);
  return weights;
}

// log of the sum of exp(logit / temperature) over all tokens, less largest / temperature.
double log_total_of(const float* logits, int64_t vocabulary, double largest, double temperature) {
  double highest = kLowest, total = 0;
  for (int64_t i = 0; i < vocabulary; ++i) highest = std::max(highest, ranked(logits[i]));
  for (int64_t i = 0; i < vocabulary; ++i) total += weight_of(logits[i], highest, temperature);
  return std::log(total) + (highest - largest) / temperature;
}

// Tokens by falling weight, ties to the lowest index, in sorted stretches of doubling length: few callers need them all.
class Ranking {
 public:
  Ranking(const std::vector<double>& weights, const std::vector<int32_t>& candidates) : weights_(weights), order_(candidates) {}

  int32_t at(size_t place) {
    while (place >= sorted_) sort_more();
    return order_[place];
  }

  // The first `count` tokens, ascending by index.
  std::vector<int32_t> first(size_t count) {
    if (count > 0) at(count - 1);
    std::vector<int32_t> tokens(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(count));
    std::sort(tokens.begin(), tokens.end());
    return tokens;
  }

 private:
  void sort_more() {
    const auto before = [&](int32_t a, int32_t b) {
      const double x = weights_[static_cast<size_t>(a)], y = weights_[static_cast<size_t>(b)];
      return x != y ? x > y : a < b;
    };
    const size_t end = std::min(order_.size(), std::max<size_t>(64, 4 * sorted_));
    const auto from = order_.begin() + static_cast<std::ptrdiff_t>(sorted_), to = order_.begin() + static_cast<std::ptrdiff_t>(end);
    if (to != order_.end()) std::nth_element(from, to, order_.end(), before);
    std::sort(from, to, before);
    sorted_ = end;
  }

  const std::vector<double>& weights_;
  std::vector<int32_t> order_;
  size_t sorted_ = 0;
};

// How many of the `count` ranked tokens stay.
size_t kept_count(const std::vector<double>& weights, size_t count, double total, const SamplingParams& params, Ranking& ranking) {
  if (params.top_k > 0) count = std::min(count, static_cast<size_t>(params.top_k));
  if (params.top_p < 1) {
    double sum = 0;
    size_t reached = 0;
    while (reached < count && (reached == 0 || sum < params.top_p * total)) sum += weights[static_cast<size_t>(ranking.at(reached++))];
    count = reached;
  }
  // The largest weight is 1, and what reaches min_p comes first in the ranking.
  if (params.min_p > 0) {
    const auto reaching = std::count_if(weights.begin(), weights.end(), [&](double weight) { return weight >= params.min_p; });
    count = std::min(count, std::max<size_t>(1, static_cast<size_t>(reaching)));
  }
  return count;
}

// The first token at which the running sum exceeds uniform * total; by rounding it might never, then the last that weighs anything.
template <typename TokenAt>
int32_t draw(const std::vector<double>& weights, size_t count, const TokenAt& token_at, double total, double uniform) {
  double sum = 0;
  int32_t last = -1;
  for (size_t i = 0; i < count; ++i) {
    const int32_t token = token_at(i);
    const double weight = weights[static_cast<size_t>(token)];
    sum += weight;
    if (weight > 0) last = token;
    if (sum > uniform * total) return token;
  }
  return last;
}

Sampled certain(int32_t token, int64_t vocabulary) {
  Sampled sampled;
  sampled.token = token;
  sampled.kept_count = 1;
  if (vocabulary > 1) sampled.kept = {token};
  return sampled;
}

}  // namespace

Sampled sample(const float* logits, int64_t vocabulary, const SamplingParams& params, double uniform) {
  const std::vector<int32_t> candidates = candidates_of(vocabulary, params.allowed);
  const int32_t best = largest_of(logits, candidates);
  if (best < 0 || std::find(logits, logits + vocabulary, std::numeric_limits<float>::infinity()) != logits + vocabulary) return {};
  if (!(params.temperature > 0)) return certain(best, vocabulary);
  const std::vector<double> weights = weights_of(logits, vocabulary, candidates, logits[best], params.temperature);
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  Ranking ranking(weights, candidates);
  const size_t count = kept_count(weights, candidates.size(), total, params, ranking);
  Sampled sampled;
  sampled.kept_count = static_cast<int64_t>(count);
  double kept_total = total;
  if (count == candidates.size()) {
    sampled.token = draw(weights, count, [&](size_t i) { return candidates[i]; }, total, uniform);
    if (params.allowed && count < weights.size()) sampled.kept = candidates;
  } else {
    sampled.kept = ranking.first(count);
    kept_total = 0;
    for (int32_t token : sampled.kept) kept_total += weights[static_cast<size_t>(token)];
    sampled.token = draw(weights, count, [&](size_t i) { return sampled.kept[i]; }, kept_total, uniform);
  }
  const double log_weight = (ranked(logits[sampled.token]) - logits[best]) / params.temperature;
  sampled.log_probability = log_weight - std::log(kept_total);
  sampled.log_probability_full = log_weight - (params.allowed ? log_total_of(logits, vocabulary, logits[best], params.temperature) : std::log(total));
  return sampled;
}

}  // namespace assay::reference
