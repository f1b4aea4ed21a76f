#include "engine/kernels/note_selection.h"

#include <catch2/catch.hpp>

#include <algorithm>

#include "engine/kernels/kernels.h"
#include "tests/engine/kernels/tables.h"

namespace assay {
namespace {

struct Rows {
  std::vector<int32_t> indices = {3, 5, 900, 70'000, 1, 2, -1, -1, 0, 1, 2, 3};
  std::vector<int64_t> counts = {4, 2, 4}, lengths = {80'000, 5, 4};
};

std::vector<uint64_t> noted(const Kernels& kernels, const Rows& rows, std::vector<uint64_t> selections) {
  Workers workers(2);
  kernels.note_selection({3, 4, rows.indices.data(), rows.counts.data(), rows.lengths.data(), selections.data()}, workers);
  return selections;
}

TEST_CASE("what a row selected is noted alike everywhere, in any order, and rows that select all keep their number") {
  const Rows rows;
  uint64_t first = 0;
  for (const uint64_t token : {3, 5, 900, 70'000}) first += mix64(token + 0x9e3779b97f4a7c15ULL);
  const uint64_t second = mix64(mix64(1 + 0x9e3779b97f4a7c15ULL) + mix64(2 + 0x9e3779b97f4a7c15ULL) + 11);
  for (const Kernels& kernels : testing::tested_kernels()) {
    INFO(kernels.name);
    CHECK(noted(kernels, rows, {7, 11, 13}) == std::vector<uint64_t>{mix64(first + 7), second, 13});
    Rows turned = rows;
    std::reverse(turned.indices.begin(), turned.indices.begin() + 4);
    CHECK(noted(kernels, turned, {7, 11, 13}) == noted(kernels, rows, {7, 11, 13}));
    Rows other = rows;
    other.indices[2] = 901;
    CHECK(noted(kernels, other, {7, 11, 13})[0] != noted(kernels, rows, {7, 11, 13})[0]);
    CHECK(noted(kernels, rows, {8, 11, 13})[0] != noted(kernels, rows, {7, 11, 13})[0]);
  }
}

}  // namespace
}  // namespace assay
