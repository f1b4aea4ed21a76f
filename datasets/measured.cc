#include "datasets/measured.h"

namespace assay {
namespace {

Measured with_calls(int64_t low, int64_t high) {
  Measured out;
  if (high > 0) out.calls_low = low, out.calls_high = high;
  return out;
}

}  // namespace

Measured measured(const Certificate& certificate) {
  Measured out = with_calls(certificate.calls_low, certificate.calls_high);
  if (certificate.chance_tries > 0) out.chance_rate = certificate.chance_rate();
  return out;
}

Measured measured(const TaskRow& row) {
  Measured out = with_calls(row.calls_low, row.calls_high);
  if (!row.certificate.empty() && row.chance_rate >= 0) out.chance_rate = row.chance_rate;
  return out;
}

}  // namespace assay
