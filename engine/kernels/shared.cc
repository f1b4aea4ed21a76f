// Kernels with one implementation, under the name of each instruction set: vectors would bring them nothing.
#include "engine/kernels/kernels.h"

namespace assay {

namespace reference {
LatentAppendKernel latent_append;
IndexAppendKernel index_append;
GateKernel gate;
SamplingKernel sample;
}  // namespace reference

#define ASSAY_SHARE                                                                                                         \
  void latent_append(const LatentAppendParams& params, Workers& workers) { reference::latent_append(params, workers); }     \
  void index_append(const IndexAppendParams& params, Workers& workers) { reference::index_append(params, workers); }        \
  void gate(const GateParams& params, Workers& workers) { reference::gate(params, workers); }                               \
  Sampled sample(const float* logits, int64_t vocabulary, const SamplingParams& params, double uniform) {                   \
    return reference::sample(logits, vocabulary, params, uniform);                                                          \
  }

namespace avx2 { ASSAY_SHARE }
namespace avx512 { ASSAY_SHARE }

}  // namespace assay
