#include "engine/kernels/weight.h"

#include <catch2/catch.hpp>

#include "tests/engine/kernels/compare.h"

namespace assay {
namespace {

using namespace testing;

struct Shape {
  int64_t rows = 0, columns = 0;
};
const std::vector<Shape> kShapes = {{1, 1}, {63, 5}, {64, 64}, {65, 127}, {128, 128}, {129, 129}, {200, 300}, {0, 9}, {7, 0}, {0, 0}};

size_t value_bytes(WeightType type) { return type == WeightType::kF32 ? 4 : type == WeightType::kBf16 ? 2 : 1; }

// Random bits, read as any of the types.
std::vector<std::byte> random_bits(uint64_t seed, size_t bytes) {
  Rng rng(seed, "test/weight");
  std::vector<std::byte> bits(bytes);
  for (std::byte& byte : bits) byte = static_cast<std::byte>(rng.below(256));
  return bits;
}

float value_at(WeightType type, const std::byte* data, int64_t index) {
  float value;
  uint16_t half;
  switch (type) {
    case WeightType::kF32: std::memcpy(&value, data + 4 * index, 4); return value;
    case WeightType::kBf16: std::memcpy(&half, data + 2 * index, 2); return bf16_to_float(half);
    case WeightType::kE4m3: break;
  }
  return e4m3_to_float(static_cast<uint8_t>(data[index]));
}

std::vector<float> scales_of(const Shape& shape) {
  Rng rng(7, "test/weight/scales");
  return random_floats(rng, (shape.rows + 127) / 128 * ((shape.columns + 127) / 128));
}

template <typename Body>
void for_every_type(const Body& body) {
  for (WeightType type : {WeightType::kF32, WeightType::kBf16, WeightType::kE4m3})
    for (const Shape& shape : kShapes) {
      INFO("type " << static_cast<int>(type) << ", " << shape.rows << " x " << shape.columns);
      body(type, shape);
    }
}

bool same_number(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

TEST_CASE("a packed weight has every value where it was, with the scale of its block of 128 by 128") {
  for_every_type([](WeightType type, const Shape& shape) {
    const int64_t stride = shape.columns + 3, blocks = (shape.columns + 127) / 128;
    const auto data = random_bits(1, static_cast<size_t>(shape.rows * stride) * value_bytes(type));
    const std::vector<float> scales = scales_of(shape);
    const Weight weight = pack_weight(type, data.data(), shape.rows, shape.columns, stride, 1, type == WeightType::kE4m3 ? scales.data() : nullptr);
    CHECK(weight.type == type);
    CHECK(weight.rows == shape.rows);
    CHECK(weight.columns == shape.columns);
    for (int64_t row = 0; row < shape.rows; ++row)
      for (int64_t column = 0; column < shape.columns; ++column) {
        const double scale = type == WeightType::kE4m3 ? scales[static_cast<size_t>(row / 128 * blocks + column / 128)] : 1.0f;
        REQUIRE(same_number(weight.at(row, column), value_at(type, data.data(), row * stride + column) * scale));
      }
  });
}

TEST_CASE("a weight is transposed by its strides") {
  for_every_type([](WeightType type, const Shape& shape) {
    const auto data = random_bits(2, static_cast<size_t>(shape.rows * shape.columns) * value_bytes(type));
    const std::vector<float> ones(scales_of(shape).size(), 1.0f);
    const Weight weight = pack_weight(type, data.data(), shape.rows, shape.columns, 1, shape.rows, ones.data());
    for (int64_t row = 0; row < shape.rows; ++row)
      for (int64_t column = 0; column < shape.columns; ++column)
        REQUIRE(same_number(weight.at(row, column), value_at(type, data.data(), column * shape.rows + row)));
  });
}

TEST_CASE("panels are 64 rows, column after column, zero beyond the last, aligned") {
  for_every_type([](WeightType type, const Shape& shape) {
    const auto data = random_bits(3, static_cast<size_t>(shape.rows * shape.columns) * value_bytes(type));
    const std::vector<float> scales = scales_of(shape);
    const Weight weight = pack_weight(type, data.data(), shape.rows, shape.columns, shape.columns, 1, scales.data());
    const int64_t panels = (shape.rows + 63) / 64;
    CHECK(reinterpret_cast<uintptr_t>(weight.panels.get()) % 64 == 0);
    CHECK(weight.bytes() == static_cast<size_t>(panels * 64 * shape.columns) * value_bytes(type) + (type == WeightType::kE4m3 ? scales.size() * 4 : 0));
    for (int64_t row = 0; row < panels * 64; ++row)
      for (int64_t column = 0; column < shape.columns; ++column) {
        const float packed = value_at(type, weight.panels.get(), (row / 64 * shape.columns + column) * 64 + row % 64);
        REQUIRE(same_number(packed, row < shape.rows ? value_at(type, data.data(), row * shape.columns + column) : 0.0f));
      }
  });
}

TEST_CASE("a weight outlives what it was packed from, and its copies share its memory") {
  std::vector<float> data = {1, 2, 3, 4};
  Weight weight = pack_weight(WeightType::kF32, data.data(), 2, 2, 2, 1);
  data.assign(4, 0.0f);
  const Weight copy = weight;
  weight = {};
  CHECK(copy.at(1, 0) == 3);
}

}  // namespace
}  // namespace assay
