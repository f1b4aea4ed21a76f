#include "envs/base/interval.h"

#include <algorithm>
#include <cmath>

namespace assay {

std::pair<double, double> wilson_interval(double hits, double tries, double sigmas) {
  if (tries == 0) return {0, 1};
  const double n = tries, p = hits / n, z = sigmas;
  const double centre = p + z * z / (2 * n), spread = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  const double scale = 1 + z * z / n;
  return {std::max(0.0, (centre - spread) / scale), std::min(1.0, (centre + spread) / scale)};
}

}  // namespace assay
