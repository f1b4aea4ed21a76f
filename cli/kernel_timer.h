// How long a kernel takes, and what share that is of what the machine can do at most, measured in the same run.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/bench.h"
#include "engine/kernels/ceiling.h"
#include "engine/kernels/kernels.h"

namespace assay {

// What one call has to do at least: float32 multiply-adds, and bytes of weights, caches, inputs and outputs, each once.
struct KernelWork {
  double multiply_adds = 0, bytes = 0;
};

class KernelTimer {
 public:
  // `kernels` and `workers` outlive the timer.
  KernelTimer(std::string area, const Kernels& kernels, Workers& workers);

  const Kernels& kernels() const { return kernels_; }
  Workers& workers() const { return workers_; }

  // Microseconds of the fastest of many calls: on a shared machine the others say more about its neighbours. The note gives the
  // rates and their shares of the ceilings: the peak of multiply-adds, and reading as many bytes as the call does again and again.
  Figure time(const std::string& name, const KernelWork& work, const std::function<void()>& call);

  // The ceilings themselves, as figures. The peak is the best seen between all measurements so far.
  std::vector<Figure> ceilings();

 private:
  double read_rate(double bytes);   // bytes a second
  void measure_peak();

  std::string area_;
  const Kernels& kernels_;
  Workers& workers_;
  Ceiling ceiling_;
  double peak_ = 0;                    // multiply-adds a second
  std::map<int, double> read_rates_;   // by the logarithm of the buffer's bytes
};

}  // namespace assay
