// Kernels with one implementation, under the name of each instruction set: vectors would bring them nothing.
#include "engine/kernels/kernels.h"

namespace assay {

namespace reference {
LatentAppendKernel latent_append;
IndexAppendKernel index_append;
GateKernel gate;
GroupByExpertKernel group_by_expert;
NoteSelectionKernel note_selection;
RopeAnglesKernel rope_angles;
GatherKernel gather;
ScaleKernel scale;
SamplingKernel sample;
}  // namespace reference

#define ASSAY_SHARE                                                                                                         \
  void latent_append(const LatentAppendParams& params, Workers& workers) { reference::latent_append(params, workers); }     \
  void index_append(const IndexAppendParams& params, Workers& workers) { reference::index_append(params, workers); }        \
  void gate(const GateParams& params, Workers& workers) { reference::gate(params, workers); }                               \
  void group_by_expert(const GroupByExpertParams& params, Workers& workers) { reference::group_by_expert(params, workers); } \
  void note_selection(const NoteSelectionParams& params, Workers& workers) { reference::note_selection(params, workers); }  \
  void rope_angles(const RopeAnglesParams& params, Workers& workers) { reference::rope_angles(params, workers); }           \
  void gather(const GatherParams& params, Workers& workers) { reference::gather(params, workers); }                         \
  void scale(const ScaleParams& params, Workers& workers) { reference::scale(params, workers); }                            \
  Sampled sample(const float* logits, int64_t vocabulary, const SamplingParams& params, double uniform) {                   \
    return reference::sample(logits, vocabulary, params, uniform);                                                          \
  }

namespace avx2 { ASSAY_SHARE }
namespace avx512 { ASSAY_SHARE }

}  // namespace assay
