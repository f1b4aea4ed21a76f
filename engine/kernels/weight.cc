#include "engine/kernels/weight.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "engine/numeric.h"

namespace assay {
namespace {

constexpr std::align_val_t kAlignment{64};
constexpr int64_t kTileColumns = 64;   // a tile of 64 by 64 values stays in the first cache while it is transposed

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
size_t value_bytes(WeightType type) { return type == WeightType::kF32 ? 4 : type == WeightType::kBf16 ? 2 : 1; }
size_t scale_count(int64_t rows, int64_t columns) {
  return static_cast<size_t>(ceil_div(rows, kScaleBlock) * ceil_div(columns, kScaleBlock));
}
size_t panel_bytes(WeightType type, int64_t rows, int64_t columns) {
  return static_cast<size_t>(ceil_div(rows, kPanelRows) * kPanelRows * columns) * value_bytes(type);
}

std::shared_ptr<std::byte> zeroed(size_t bytes) {
  std::byte* data = static_cast<std::byte*>(::operator new(std::max<size_t>(bytes, 1), kAlignment));
  std::memset(data, 0, bytes);
  return {data, [](std::byte* memory) { ::operator delete(memory, kAlignment); }};
}

struct Source {
  const void* data;
  int64_t rows, columns, row_stride, column_stride;
};

template <typename Value>
void pack_panel(const Source& source, int64_t panel, Value* out) {
  const Value* data = static_cast<const Value*>(source.data);
  const int64_t first = panel * kPanelRows, lanes = std::min(kPanelRows, source.rows - first);
  for (int64_t tile = 0; tile < source.columns; tile += kTileColumns) {
    const int64_t last = std::min(source.columns, tile + kTileColumns);
    for (int64_t lane = 0; lane < lanes; ++lane) {
      const Value* row = data + (first + lane) * source.row_stride;
      for (int64_t c = tile; c < last; ++c) out[c * kPanelRows + lane] = row[c * source.column_stride];
    }
  }
}

template <typename Value>
void pack(const Source& source, std::byte* panels) {
  Value* out = reinterpret_cast<Value*>(panels);
  for (int64_t panel = 0; panel < ceil_div(source.rows, kPanelRows); ++panel) {
    pack_panel(source, panel, out + panel * kPanelRows * source.columns);
  }
}

}  // namespace

double Weight::at(int64_t row, int64_t column) const {
  const int64_t index = (row / kPanelRows * columns + column) * kPanelRows + row % kPanelRows;
  switch (type) {
    case WeightType::kF32: return reinterpret_cast<const float*>(panels.get())[index];
    case WeightType::kBf16: return bf16_to_float(reinterpret_cast<const uint16_t*>(panels.get())[index]);
    case WeightType::kE4m3: break;
  }
  const float scale = scales.get()[row / kScaleBlock * ceil_div(columns, kScaleBlock) + column / kScaleBlock];
  return static_cast<double>(e4m3_to_float(reinterpret_cast<const uint8_t*>(panels.get())[index])) * scale;
}

size_t Weight::bytes() const { return panel_bytes(type, rows, columns) + scale_bytes(); }

size_t Weight::scale_bytes() const { return type == WeightType::kE4m3 ? scale_count(rows, columns) * sizeof(float) : 0; }

Weight pack_weight(WeightType type, const void* data, int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride,
                   const float* scales) {
  Weight weight{type, rows, columns, zeroed(panel_bytes(type, rows, columns)), nullptr};
  const Source source{data, rows, columns, row_stride, column_stride};
  switch (type) {
    case WeightType::kF32: pack<float>(source, weight.panels.get()); break;
    case WeightType::kBf16: pack<uint16_t>(source, weight.panels.get()); break;
    case WeightType::kE4m3: pack<uint8_t>(source, weight.panels.get()); break;
  }
  if (type == WeightType::kE4m3) {
    const size_t count = scale_count(rows, columns);
    weight.scales = std::shared_ptr<float>(new float[count], std::default_delete<float[]>());
    std::copy(scales, scales + count, weight.scales.get());
  }
  return weight;
}

}  // namespace assay
