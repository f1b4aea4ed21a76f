// A quick look at what cli/bench/export.cc measures.
#include "cli/bench/export.h"

namespace assay::bench::export_small {

BenchArea make() { return {"export_small", "2,000 rollouts written as datasets", [] { return measure_export("export_small", 2'000); }}; }

}  // namespace assay::bench::export_small
