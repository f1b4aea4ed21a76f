#include "engine/kernels/split.h"

#include <algorithm>

namespace assay {
namespace {

// About what one processor does while another wakes up.
constexpr int64_t kWorthWaking = 16384;
// So that a worker that starts late does less.
constexpr int64_t kPartsPerWorker = 4;

}  // namespace

void for_rows(Workers& workers, int64_t rows, int64_t row_cost, const std::function<void(int64_t, int64_t)>& body) {
  if (rows <= 0) return;
  if (workers.count() == 1 || rows * row_cost < kWorthWaking) return body(0, rows);
  const int64_t parts = std::min(rows, kPartsPerWorker * workers.count());
  workers.run(parts, [&](int64_t part, int) { body(rows * part / parts, rows * (part + 1) / parts); });
}

}  // namespace assay
