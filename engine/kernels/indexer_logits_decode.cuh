// indexer_logits.cu's logits, bit for bit, of few rows of DeepSeek-V3.2's sizes: keys of 128 values in FP8, up to 64 heads.
#pragma once

#include "engine/kernels/cuda_kernels.h"

namespace assay::cuda {

bool is_decode(const IndexerLogitsParams& params);
void score_rows(const IndexerLogitsParams& params, const Launch& launch);

}  // namespace assay::cuda
