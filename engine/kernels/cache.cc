// Copying and rounding of a few hundred values a token: one plain implementation serves every table (shared.cc).
#include "engine/kernels/cache.h"

#include <algorithm>
#include <cstring>

#include "engine/kernels/quantize_group.h"

namespace assay {
namespace {

constexpr int64_t kRowsPerItem = 16;   // for a worker at a time

float float_at(const std::byte* from, int64_t index) {
  float value;
  std::memcpy(&value, from + index * static_cast<int64_t>(sizeof value), sizeof value);
  return value;
}

void dequantize(const std::byte* codes, const std::byte* scales, int64_t width, float* values) {
  for (int64_t i = 0; i < width; ++i)
    values[i] = e4m3_to_float(static_cast<uint8_t>(codes[i])) * float_at(scales, i / kScaleBlock);
}

void quantize(const float* values, int64_t width, std::byte* codes, std::byte* scales) {
  for (int64_t start = 0; start < width; start += kScaleBlock) {
    const float scale = quantize_group(values + start, std::min(kScaleBlock, width - start), reinterpret_cast<uint8_t*>(codes) + start);
    std::memcpy(scales + start / kScaleBlock * static_cast<int64_t>(sizeof scale), &scale, sizeof scale);
  }
}

// Of one token: codes, scales, rotary part.
struct LatentParts {
  int64_t scales = 0, rope = 0, end = 0;   // bytes from the token's first
};

LatentParts parts_of(const LatentLayout& layout) {
  if (layout.format == CacheFormat::kF32) {
    const int64_t rope = layout.rank * static_cast<int64_t>(sizeof(float));
    return {rope, rope, rope + layout.rope * static_cast<int64_t>(sizeof(float))};
  }
  const int64_t rope = layout.rank + scale_groups(layout.rank) * static_cast<int64_t>(sizeof(float));
  return {layout.rank, rope, rope + layout.rope * static_cast<int64_t>(sizeof(uint16_t))};
}

int64_t index_scales(const IndexLayout& layout, int64_t offset) {
  return kPageTokens * layout.width + offset * scale_groups(layout.width) * static_cast<int64_t>(sizeof(float));
}

void append_latent(const LatentLayout& layout, const float* latent, const float* rope, std::byte* token) {
  const LatentParts parts = parts_of(layout);
  if (layout.format == CacheFormat::kF32) {
    std::copy_n(reinterpret_cast<const std::byte*>(latent), parts.rope, token);
    std::copy_n(reinterpret_cast<const std::byte*>(rope), parts.end - parts.rope, token + parts.rope);
    return;
  }
  quantize(latent, layout.rank, token, token + parts.scales);
  for (int64_t i = 0; i < layout.rope; ++i) {
    const uint16_t code = float_to_bf16(rope[i]);
    std::memcpy(token + parts.rope + i * static_cast<int64_t>(sizeof code), &code, sizeof code);
  }
}

void append_key(const IndexLayout& layout, const float* key, std::byte* page, int64_t offset) {
  if (layout.format == CacheFormat::kF32) {
    const int64_t bytes = layout.width * static_cast<int64_t>(sizeof(float));
    std::copy_n(reinterpret_cast<const std::byte*>(key), bytes, page + offset * bytes);
    return;
  }
  quantize(key, layout.width, page + offset * layout.width, page + index_scales(layout, offset));
}

template <typename Body>
void for_rows(int64_t rows, Workers& workers, const Body& body) {
  workers.run((rows + kRowsPerItem - 1) / kRowsPerItem, [&](int64_t item, int) {
    for (int64_t r = item * kRowsPerItem; r < std::min(rows, (item + 1) * kRowsPerItem); ++r) body(r);
  });
}

}  // namespace

size_t LatentLayout::token_bytes() const { return static_cast<size_t>(parts_of(*this).end); }

size_t IndexLayout::page_bytes() const {
  if (format == CacheFormat::kF32) return static_cast<size_t>(kPageTokens * width) * sizeof(float);
  return static_cast<size_t>(index_scales(*this, kPageTokens));
}

void read_latent(const LatentLayout& layout, const std::byte* page, int64_t offset, float* latent, float* rope) {
  const std::byte* token = page + offset * static_cast<int64_t>(layout.token_bytes());
  const LatentParts parts = parts_of(layout);
  if (layout.format == CacheFormat::kF32) {
    for (int64_t i = 0; i < layout.rank; ++i) latent[i] = float_at(token, i);
    for (int64_t i = 0; i < layout.rope; ++i) rope[i] = float_at(token + parts.rope, i);
    return;
  }
  dequantize(token, token + parts.scales, layout.rank, latent);
  for (int64_t i = 0; i < layout.rope; ++i) {
    uint16_t code;
    std::memcpy(&code, token + parts.rope + i * static_cast<int64_t>(sizeof code), sizeof code);
    rope[i] = bf16_to_float(code);
  }
}

void read_index_key(const IndexLayout& layout, const std::byte* page, int64_t offset, float* key) {
  if (layout.format == CacheFormat::kE4m3)
    return dequantize(page + offset * layout.width, page + index_scales(layout, offset), layout.width, key);
  for (int64_t i = 0; i < layout.width; ++i) key[i] = float_at(page, offset * layout.width + i);
}

namespace reference {

void latent_append(const LatentAppendParams& params, Workers& workers) {
  const int64_t bytes = static_cast<int64_t>(params.layout.token_bytes());
  for_rows(params.rows, workers, [&](int64_t r) {
    if (params.slots[r] < 0) return;
    append_latent(params.layout, params.latent + r * params.latent_stride, params.rope + r * params.rope_stride,
                  params.pages + params.slots[r] * bytes);
  });
}

void index_append(const IndexAppendParams& params, Workers& workers) {
  const int64_t page_bytes = static_cast<int64_t>(params.layout.page_bytes());
  for_rows(params.rows, workers, [&](int64_t r) {
    if (params.slots[r] < 0) return;
    append_key(params.layout, params.keys + r * params.layout.width, params.pages + params.slots[r] / kPageTokens * page_bytes,
               params.slots[r] % kPageTokens);
  });
}

}  // namespace reference
}  // namespace assay
