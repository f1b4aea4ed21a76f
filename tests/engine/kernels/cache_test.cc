#include "engine/kernels/cache.h"

#include <catch2/catch.hpp>

#include "engine/kernels/kernels.h"
#include "engine/numeric.h"
#include "envs/base/rng.h"
#include "tests/engine/kernels/compare.h"
#include "tests/engine/kernels/e4m3.h"
#include "tests/engine/kernels/tables.h"

namespace assay {
namespace {

using namespace testing;

constexpr std::byte kUntouched{0xa5};

struct Shape {
  int64_t rank = 0, rope = 0, rows = 0;
};
const std::vector<Shape> kShapes = {{512, 64, 70}, {1, 0, 1}, {128, 32, 0}, {129, 2, 20}, {200, 3, 33}, {12, 7, 5}};

// What group quantisation makes of finite values, from the words of fp8_quantize.h.
std::vector<float> rounded(std::vector<float> values, int64_t row, int64_t width) {
  std::vector<float> result(values.begin() + row * width, values.begin() + (row + 1) * width);
  for (size_t start = 0; start < result.size(); start += 128) {
    const size_t end = std::min(result.size(), start + 128);
    double amax = 0;
    for (size_t i = start; i < end; ++i) amax = std::max(amax, std::abs(static_cast<double>(result[i])));
    const double scale = scale_of(amax);
    for (size_t i = start; i < end; ++i) result[i] = static_cast<float>(e4m3_to_float(nearest_e4m3(result[i] / scale)) * scale);
  }
  return result;
}

std::vector<int64_t> random_slots(Rng& rng, int64_t rows, int64_t pages) {
  std::vector<int64_t> slots(static_cast<size_t>(pages * kPageTokens));
  for (size_t i = 0; i < slots.size(); ++i) slots[i] = static_cast<int64_t>(i);
  rng.shuffle(slots);
  slots.resize(static_cast<size_t>(rows));
  return slots;
}

TEST_CASE("cache layouts have the sizes of the formats they follow") {
  CHECK(LatentLayout{CacheFormat::kE4m3, 512, 64}.token_bytes() == 656);
  CHECK(LatentLayout{CacheFormat::kF32, 512, 64}.token_bytes() == 2304);
  CHECK(LatentLayout{CacheFormat::kE4m3, 130, 3}.token_bytes() == 130 + 8 + 6);
  CHECK(IndexLayout{CacheFormat::kE4m3, 128}.page_bytes() == 64 * 132);
  CHECK(IndexLayout{CacheFormat::kE4m3, 129}.page_bytes() == 64 * (129 + 8));
  CHECK(IndexLayout{CacheFormat::kF32, 96}.page_bytes() == 64 * 96 * 4);
}

TEST_CASE("an E4M3 cache has its parts where the formats say") {
  Workers workers(1);
  const LatentAppendKernel* append = cpu_kernels().front().latent_append;
  const LatentLayout layout{CacheFormat::kE4m3, 256, 2};
  std::vector<float> latent(256, 448), rope = {1, -2};
  std::fill(latent.begin() + 128, latent.end(), 896.0f);
  std::vector<std::byte> pages(layout.page_bytes(), kUntouched);
  const int64_t slot = 2;
  append({layout, 1, latent.data(), 256, rope.data(), 2, pages.data(), &slot}, workers);
  const std::byte* token = pages.data() + 2 * (256 + 8 + 4);
  float scales[2];
  std::memcpy(scales, token + 256, sizeof scales);
  CHECK(token[0] == std::byte{0x7e});
  CHECK(scales[0] == 1);
  CHECK(scales[1] == 2);
  uint16_t codes[2];
  std::memcpy(codes, token + 264, sizeof codes);
  CHECK(codes[0] == 0x3f80);
  CHECK(codes[1] == 0xc000);

  const IndexLayout index{CacheFormat::kE4m3, 128};
  std::vector<std::byte> page(index.page_bytes(), kUntouched);
  const std::vector<float> key(128, 224);
  cpu_kernels().front().index_append({index, 1, key.data(), page.data(), &slot}, workers);
  CHECK(page[2 * 128] == std::byte{0x7e});   // 448 at scale 1/2
  float scale;
  std::memcpy(&scale, page.data() + 64 * 128 + 2 * 4, sizeof scale);
  CHECK(scale == 0.5f);
}

TEST_CASE("latents are read back as they were rounded, and nothing else changes") {
  for (const Kernels& kernels : tested_kernels())
    for (const Shape& shape : kShapes)
      for (CacheFormat format : {CacheFormat::kF32, CacheFormat::kE4m3})
        for (int threads : {1, 2, 3}) {
          INFO(kernels.name << " rank " << shape.rank << " format " << static_cast<int>(format) << " threads " << threads);
          Rng rng(static_cast<uint64_t>(shape.rank), "test/cache/latent");
          const LatentLayout layout{format, shape.rank, shape.rope};
          const auto latents = random_floats(rng, shape.rows * shape.rank, Outliers::kYes), ropes = random_floats(rng, shape.rows * (shape.rope + 1));
          const auto slots = random_slots(rng, shape.rows, 3);
          std::vector<std::byte> pages(3 * layout.page_bytes(), kUntouched), expected_untouched = pages;
          Workers workers(threads);
          kernels.latent_append({layout, shape.rows, latents.data(), shape.rank, ropes.data(), shape.rope + 1, pages.data(), slots.data()}, workers);
          for (int64_t r = 0; r < shape.rows; ++r) {
            const int64_t slot = slots[static_cast<size_t>(r)];
            auto latent = poisoned(shape.rank), rope = poisoned(shape.rope);
            read_latent(layout, pages.data() + slot / kPageTokens * static_cast<int64_t>(layout.page_bytes()), slot % kPageTokens, latent.data(), rope.data());
            std::vector<float> want(latents.begin() + r * shape.rank, latents.begin() + (r + 1) * shape.rank);
            if (format == CacheFormat::kE4m3) want = rounded(latents, r, shape.rank);
            CHECK(latent == want);
            for (size_t i = 0; i < rope.size(); ++i) {
              const float x = ropes[static_cast<size_t>(r * (shape.rope + 1)) + i];
              CHECK(rope[i] == (format == CacheFormat::kF32 ? x : bf16_to_float(float_to_bf16(x))));
            }
            std::memset(pages.data() + slot * static_cast<int64_t>(layout.token_bytes()), 0xa5, layout.token_bytes());
          }
          CHECK(pages == expected_untouched);
        }
}

TEST_CASE("indexer keys are read back as they were rounded") {
  for (const Kernels& kernels : tested_kernels())
    for (const Shape& shape : kShapes)
      for (CacheFormat format : {CacheFormat::kF32, CacheFormat::kE4m3}) {
        INFO(kernels.name << " width " << shape.rank << " format " << static_cast<int>(format));
        Rng rng(static_cast<uint64_t>(shape.rank), "test/cache/index");
        const IndexLayout layout{format, shape.rank};
        const auto keys = random_floats(rng, shape.rows * shape.rank, Outliers::kYes);
        const auto slots = random_slots(rng, shape.rows, 3);
        std::vector<std::vector<std::byte>> of_threads;
        for (int threads : {1, 2, 3}) {
          of_threads.emplace_back(3 * layout.page_bytes(), kUntouched);
          Workers workers(threads);
          kernels.index_append({layout, shape.rows, keys.data(), of_threads.back().data(), slots.data()}, workers);
          CHECK(of_threads.back() == of_threads.front());
        }
        for (int64_t r = 0; r < shape.rows; ++r) {
          const int64_t slot = slots[static_cast<size_t>(r)];
          auto key = poisoned(shape.rank);
          read_index_key(layout, of_threads[0].data() + slot / kPageTokens * static_cast<int64_t>(layout.page_bytes()), slot % kPageTokens, key.data());
          std::vector<float> want(keys.begin() + r * shape.rank, keys.begin() + (r + 1) * shape.rank);
          if (format == CacheFormat::kE4m3) want = rounded(keys, r, shape.rank);
          CHECK(key == want);
        }
      }
}

TEST_CASE("a row without a slot is stored nowhere") {
  Workers workers(1);
  const std::vector<float> values(192, 1.0f);
  const std::vector<int64_t> slots = {-1, 3, -1};
  for (const Kernels& kernels : tested_kernels())
    for (const CacheFormat format : {CacheFormat::kF32, CacheFormat::kE4m3}) {
      const LatentLayout latents{format, 48, 16};
      const IndexLayout keys{format, 64};
      const auto stored = [&](int64_t rows) {
        std::vector<std::byte> pages(latents.page_bytes() + keys.page_bytes(), kUntouched);
        const int64_t first = rows == 1 ? 1 : 0;
        kernels.latent_append({latents, rows, values.data(), 48, values.data(), 16, pages.data(), slots.data() + first}, workers);
        kernels.index_append({keys, rows, values.data(), pages.data() + latents.page_bytes(), slots.data() + first}, workers);
        return pages;
      };
      CHECK(stored(3) == stored(1));
    }
}

TEST_CASE("NaN stays where it was, infinity makes its group NaN") {
  Workers workers(1);
  const IndexLayout layout{CacheFormat::kE4m3, 256};
  std::vector<float> keys(256, 1.0f), read(256);
  keys[3] = kNan, keys[130] = -kInfinity;
  std::vector<std::byte> page(layout.page_bytes());
  const int64_t slot = 5;
  cpu_kernels().front().index_append({layout, 1, keys.data(), page.data(), &slot}, workers);
  read_index_key(layout, page.data(), 5, read.data());
  for (size_t i = 0; i < 256; ++i) {
    INFO(i);
    if (i == 3 || i >= 128) CHECK(std::isnan(read[i]));
    else CHECK(read[i] == 1);
  }
}

}  // namespace
}  // namespace assay
