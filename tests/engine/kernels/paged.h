// Caches for kernel tests: sequences of random tokens in pages that lie in no order; memory without a token is all ones,
// which is NaN in every format.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "engine/kernels/cache.h"
#include "engine/kernels/kernels.h"
#include "envs/base/rng.h"
#include "tests/engine/kernels/compare.h"

namespace assay::testing {

struct Paged {
  std::vector<std::byte> pages;
  std::vector<std::vector<int32_t>> tables;   // of each sequence

  // Rows by sequence and by tokens seen; what `lengths` and the tables point to must outlive the result.
  PagedRows rows(std::span<const int32_t> sequences, std::span<const int64_t> lengths) {
    row_tables.clear();
    for (int32_t sequence : sequences) row_tables.push_back(tables[static_cast<size_t>(sequence)].data());
    return {pages.data(), row_tables.data(), lengths.data()};
  }
  std::vector<const int32_t*> row_tables;
};

inline Paged empty_pages(Rng& rng, std::span<const int64_t> lengths, size_t page_bytes) {
  Paged paged;
  std::vector<int32_t> free;
  for (int64_t length : lengths) {
    const int64_t pages = (length + kPageTokens - 1) / kPageTokens;
    paged.tables.emplace_back(static_cast<size_t>(pages));
    free.resize(free.size() + static_cast<size_t>(pages));
  }
  std::iota(free.begin(), free.end(), 0);
  rng.shuffle(free);
  paged.pages.assign(free.size() * page_bytes, std::byte{0xff});
  for (auto& table : paged.tables)
    for (int32_t& page : table) page = free.back(), free.pop_back();
  return paged;
}

inline std::vector<int64_t> slots_of(const std::vector<int32_t>& table, int64_t length) {
  std::vector<int64_t> slots;
  for (int64_t s = 0; s < length; ++s) slots.push_back(table[static_cast<size_t>(s / kPageTokens)] * kPageTokens + s % kPageTokens);
  return slots;
}

inline Paged latent_cache(Rng& rng, const LatentLayout& layout, std::span<const int64_t> lengths, Outliers outliers) {
  Paged paged = empty_pages(rng, lengths, layout.page_bytes());
  Workers workers(1);
  for (size_t sequence = 0; sequence < lengths.size(); ++sequence) {
    const auto latents = random_floats(rng, lengths[sequence] * layout.rank, outliers);
    const auto ropes = random_floats(rng, lengths[sequence] * layout.rope, outliers);
    const auto slots = slots_of(paged.tables[sequence], lengths[sequence]);
    cpu_kernels().front().latent_append(
        {layout, lengths[sequence], latents.data(), layout.rank, ropes.data(), layout.rope, paged.pages.data(), slots.data()}, workers);
  }
  return paged;
}

inline Paged index_cache(Rng& rng, const IndexLayout& layout, std::span<const int64_t> lengths, Outliers outliers) {
  Paged paged = empty_pages(rng, lengths, layout.page_bytes());
  Workers workers(1);
  for (size_t sequence = 0; sequence < lengths.size(); ++sequence) {
    const auto keys = random_floats(rng, lengths[sequence] * layout.width, outliers);
    const auto slots = slots_of(paged.tables[sequence], lengths[sequence]);
    cpu_kernels().front().index_append({layout, lengths[sequence], keys.data(), paged.pages.data(), slots.data()}, workers);
  }
  return paged;
}

inline const std::byte* page_of(const Paged& paged, int32_t sequence, int64_t token, size_t page_bytes) {
  const auto& table = paged.tables[static_cast<size_t>(sequence)];
  return paged.pages.data() + static_cast<size_t>(table[static_cast<size_t>(token / kPageTokens)]) * page_bytes;
}

}  // namespace assay::testing
