#include "engine/kernels/kernels.h"

// The type of each kernel, its name in every namespace, and so its member of the table.
#define ASSAY_KERNELS(KERNEL)                  \
  KERNEL(NormKernel, rms_norm)                 \
  KERNEL(NormKernel, layer_norm)               \
  KERNEL(RopeAnglesKernel, rope_angles)        \
  KERNEL(RopeKernel, rope)                     \
  KERNEL(Fp8QuantizeKernel, fp8_quantize)      \
  KERNEL(GemmKernel, gemm)                     \
  KERNEL(GatherKernel, gather)                 \
  KERNEL(ScaleKernel, scale)                   \
  KERNEL(AddKernel, add)                       \
  KERNEL(SiluMulKernel, silu_mul)              \
  KERNEL(HadamardKernel, hadamard)             \
  KERNEL(CombineKernel, combine)               \
  KERNEL(LatentAppendKernel, latent_append)    \
  KERNEL(IndexAppendKernel, index_append)      \
  KERNEL(IndexerLogitsKernel, indexer_logits)  \
  KERNEL(TopKKernel, top_k)                    \
  KERNEL(NoteSelectionKernel, note_selection)  \
  KERNEL(SparseAttentionKernel, sparse_attention) \
  KERNEL(GateKernel, gate)                     \
  KERNEL(GroupByExpertKernel, group_by_expert) \
  KERNEL(SamplingKernel, sample)

namespace assay {

#define ASSAY_DECLARE(Type, name) Type name;
namespace reference { ASSAY_KERNELS(ASSAY_DECLARE) }
namespace avx2 { ASSAY_KERNELS(ASSAY_DECLARE) }
namespace avx512 { ASSAY_KERNELS(ASSAY_DECLARE) }
#undef ASSAY_DECLARE

namespace {

#define ASSAY_REFERENCE(Type, name) .name = reference::name,
#define ASSAY_AVX2(Type, name) .name = avx2::name,
#define ASSAY_AVX512(Type, name) .name = avx512::name,

std::vector<Kernels> runnable() {
  std::vector<Kernels> tables = {{.name = "reference", ASSAY_KERNELS(ASSAY_REFERENCE)}};
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c")) return tables;
  tables.push_back({.name = "avx2", ASSAY_KERNELS(ASSAY_AVX2)});
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl") ||
      !__builtin_cpu_supports("avx512dq")) {
    return tables;
  }
  tables.push_back({.name = "avx512", ASSAY_KERNELS(ASSAY_AVX512)});
  return tables;
}

}  // namespace

const std::vector<Kernels>& cpu_kernels() {
  static const std::vector<Kernels> tables = runnable();
  return tables;
}

}  // namespace assay
