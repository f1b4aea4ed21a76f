// What a certificate has measured of a task. Of one that tests judge neither a chance rate nor bounds on calls are: what was not measured
// is nothing here, null in JSON and a dash in tables, never a number. A store's row has -1 for such a chance rate, and no calls.
#pragma once

#include <optional>

#include "datasets/store.h"

namespace assay {

struct Measured {
  std::optional<double> chance_rate;              // 0..1
  std::optional<int64_t> calls_low, calls_high;   // bounds on tool calls
};

// Whatever was played has a call: handing in is one.
Measured measured(const Certificate& certificate);
Measured measured(const TaskRow& row);   // nothing without a certificate

template <typename Number>
OrderedJson or_null(const std::optional<Number>& number) {
  return number ? OrderedJson(*number) : OrderedJson();
}

}  // namespace assay
