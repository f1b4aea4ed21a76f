// The paged caches: one page is 64 tokens of one layer of one sequence; pages are found through a page table.
//
// Latents (MLA in its MQA form): per token `rank` values of the normed latent and `rope` values of the rotated key.
//   kF32:  rank + rope floats.
//   kE4m3: rank codes, then ceil(rank / 128) float32 scales, then rope bfloat16 values: 656 bytes at rank 512, rope 64.
// Tokens of a page follow one another.
// Indexer keys: per token `width` values (rotated by the Hadamard matrix before if kE4m3).
//   kF32:  width floats a token, tokens following one another.
//   kE4m3: 64 x width codes, then 64 x ceil(width / 128) float32 scales: 132 bytes a token at width 128.
// Scales are those of fp8_quantize.h. (FlashMLA's and DeepGEMM's layouts as used by DeepSeek-V3.2-Exp.)
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/runtime/workers.h"

namespace assay {

enum class CacheFormat { kF32, kE4m3 };

inline constexpr int64_t kPageTokens = 64;

struct LatentLayout {
  CacheFormat format = CacheFormat::kF32;
  int64_t rank = 0, rope = 0;
  size_t token_bytes() const;
  size_t page_bytes() const { return token_bytes() * kPageTokens; }
};

struct IndexLayout {
  CacheFormat format = CacheFormat::kF32;
  int64_t width = 0;
  size_t page_bytes() const;
};

// Reads one token back, dequantised; for tests, references and slow paths. `page` points at the page.
void read_latent(const LatentLayout& layout, const std::byte* page, int64_t offset, float* latent, float* rope);
void read_index_key(const IndexLayout& layout, const std::byte* page, int64_t offset, float* key);

// Where a query row finds its sequence: page p of the sequence is pages + table[p] * page_bytes.
struct PagedRows {
  const std::byte* pages = nullptr;
  const int32_t* const* tables = nullptr;   // [rows]: the page table of each row's sequence
  const int64_t* lengths = nullptr;         // [rows]: tokens the row may see, itself included: position + 1
};

struct LatentAppendParams {
  LatentLayout layout;
  int64_t rows = 0;
  const float* latent = nullptr;     // [rows, rank], rows latent_stride apart
  int64_t latent_stride = 0;
  const float* rope = nullptr;       // [rows, rope], rows rope_stride apart
  int64_t rope_stride = 0;
  std::byte* pages = nullptr;
  const int64_t* slots = nullptr;    // [rows]: page * 64 + offset in the page; negative: the row is stored nowhere
};

struct IndexAppendParams {
  IndexLayout layout;
  int64_t rows = 0;
  const float* keys = nullptr;       // [rows, width], contiguous
  std::byte* pages = nullptr;
  const int64_t* slots = nullptr;    // [rows]
};

using LatentAppendKernel = void(const LatentAppendParams& params, Workers& workers);
using IndexAppendKernel = void(const IndexAppendParams& params, Workers& workers);

}  // namespace assay
