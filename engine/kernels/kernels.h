// The table of kernels that the model is written over. x.h is the contract, x_ref.cc plain loops in double, x_cpu.cc the fast path.
#pragma once

#include <string>
#include <vector>

#include "engine/kernels/elementwise.h"
#include "engine/kernels/fp8_quantize.h"
#include "engine/kernels/gate.h"
#include "engine/kernels/gemm.h"
#include "engine/kernels/indexer_logits.h"
#include "engine/kernels/norm.h"
#include "engine/kernels/note_selection.h"
#include "engine/kernels/rope.h"
#include "engine/kernels/sampling.h"
#include "engine/kernels/sparse_attention.h"
#include "engine/kernels/top_k.h"

namespace assay {

struct Kernels {
  std::string name;   // "reference", "avx2", "avx512"
  NormKernel* rms_norm = nullptr;
  NormKernel* layer_norm = nullptr;
  RopeAnglesKernel* rope_angles = nullptr;
  RopeKernel* rope = nullptr;
  Fp8QuantizeKernel* fp8_quantize = nullptr;
  GemmKernel* gemm = nullptr;
  GatherKernel* gather = nullptr;
  ScaleKernel* scale = nullptr;
  AddKernel* add = nullptr;
  SiluMulKernel* silu_mul = nullptr;
  HadamardKernel* hadamard = nullptr;
  CombineKernel* combine = nullptr;
  LatentAppendKernel* latent_append = nullptr;
  IndexAppendKernel* index_append = nullptr;
  IndexerLogitsKernel* indexer_logits = nullptr;
  TopKKernel* top_k = nullptr;
  NoteSelectionKernel* note_selection = nullptr;
  SparseAttentionKernel* sparse_attention = nullptr;
  GateKernel* gate = nullptr;
  GroupByExpertKernel* group_by_expert = nullptr;
  SamplingKernel* sample = nullptr;
};

// Those this processor can run: the reference first, the fastest last. Bits are promised for each name.
const std::vector<Kernels>& cpu_kernels();

}  // namespace assay
