#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "engine/kernels/top_k.h"

namespace assay::reference {
namespace {

double ranked(float value) { return std::isnan(value) ? -std::numeric_limits<double>::infinity() : value; }

}  // namespace

void top_k(const TopKParams& params, Workers&) {
  for (int64_t r = 0; r < params.rows; ++r) {
    const float* values = params.values + r * params.stride;
    std::vector<int32_t> order(static_cast<size_t>(params.lengths[r]));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return ranked(values[a]) > ranked(values[b]); });
    const int64_t count = std::min(params.k, params.lengths[r]);
    order.resize(static_cast<size_t>(count));
    std::sort(order.begin(), order.end());
    order.resize(static_cast<size_t>(params.k), -1);
    std::copy(order.begin(), order.end(), params.indices + r * params.k);
    params.counts[r] = count;
  }
}

}  // namespace assay::reference
