// The kernels on a CUDA device (sm_80 and up): the contracts of the headers they are named after, with every pointer of the params
// in device memory. Only the span of gemm's problems and the Weight structs they point to are read by the host; their panels and
// scales are on the device too.
//
// A call checks its params, launches on one stream and returns; nothing is allocated and nothing waited for. A failed launch and a
// failed kernel are both found by whoever synchronises next (engine/kernels/cuda_device.h).
//
// Bits: as everywhere, a row's result depends on that row alone. They are the device's own, but for those kernels whose headers
// fix them (rope, fp8_quantize, the appends, top_k).
#pragma once

#include <cstddef>

#include "engine/kernels/kernels.h"

struct CUstream_st;

namespace assay::cuda {

// Where and with what a kernel is launched. Launches of one stream follow one another, so they may share the scratch memory.
struct Launch {
  CUstream_st* stream = nullptr;
  std::byte* scratch = nullptr;    // device memory, aligned to 256
  size_t scratch_bytes = 0;
};

void rms_norm(const NormParams& params, const Launch& launch);
void layer_norm(const NormParams& params, const Launch& launch);
void rope_angles(const RopeAnglesParams& params, const Launch& launch);
void rope(const RopeParams& params, const Launch& launch);
void fp8_quantize(const Fp8QuantizeParams& params, const Launch& launch);
void gather(const GatherParams& params, const Launch& launch);
void scale(const ScaleParams& params, const Launch& launch);
void add(const AddParams& params, const Launch& launch);
void silu_mul(const SiluMulParams& params, const Launch& launch);
// width <= 8192.
void hadamard(const HadamardParams& params, const Launch& launch);
void combine(const CombineParams& params, const Launch& launch);
void latent_append(const LatentAppendParams& params, const Launch& launch);
void index_append(const IndexAppendParams& params, const Launch& launch);
// experts <= 4096.
void gate(const GateParams& params, const Launch& launch);
// rows * k below 2^31.
void group_by_expert(const GroupByExpertParams& params, const Launch& launch);
void note_selection(const NoteSelectionParams& params, const Launch& launch);
// k and the lengths below 2^31.
void top_k(const TopKParams& params, const Launch& launch);

// y[r, n] over columns in chunks of 512, chunk sums added in ascending order; inside a chunk
//   kF32:  8 chains of fused multiply-adds over 64 columns each, added in ascending order;
//   kBf16: x as the sum of two bfloat16 (16 bits of it), multiplied in tensor cores;
//   kE4m3: groups of 128 columns multiplied in tensor cores as binary16, which holds every code, each added by one fused multiply-add.
// Inputs that are not finite give what plain sums give. Scratch: what there is, for halves of many rows; with little of it they take more passes.
void gemm(std::span<const GemmProblem> problems, const Launch& launch);

// Prefill and decode are one kernel. Scratch: scratch_bytes(params). width <= 512.
void indexer_logits(const IndexerLogitsParams& params, const Launch& launch);
size_t scratch_bytes(const IndexerLogitsParams& params);

// Tokens are taken in splits of 512; the results of splits are added in ascending order, whether one block of threads computes them
// all (prefill) or each its own (decode, if there is scratch for it: scratch_bytes(params)). rank <= 512, rope <= 64.
// With kE4m3 the query is rounded first: q_latent in groups of 128 to binary16 (11 bits) times the power of two of the group's largest
// magnitude, q_rope to the sum of two bfloat16 (16 bits). The softmax weights are rounded to binary16 too: tolerance 5e-4 relative to
// the largest |latent| seen.
void sparse_attention(const SparseAttentionParams& params, const Launch& launch);
size_t scratch_bytes(const SparseAttentionParams& params);

}  // namespace assay::cuda
