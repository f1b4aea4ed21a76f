// One safetensors file (format: 8 bytes of little-endian header length, a JSON header, the tensors' bytes), mapped read-only.
//
// The header is checked completely before any of it is used: length against the file and the format's limit, strict JSON with
// exactly the members the format knows, dtypes, shapes, and offsets that cover the data without overlap, hole or remainder.
// Every tensor starts at a multiple of its element's size. A file that another process shortens while it is mapped cannot be
// guarded against: reading beyond its new end raises SIGBUS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/status.h"

namespace assay {

// Those of the format whose elements are whole bytes.
enum class DType { kBool, kU8, kI8, kF8E4M3, kF8E5M2, kF8E8M0, kI16, kU16, kF16, kBF16, kI32, kU32, kF32, kI64, kU64, kF64, kC64 };

std::string_view name_of(DType dtype);  // "BF16", "F8_E4M3", …
int64_t size_of(DType dtype);           // bytes of an element

// "[7168, 1536]".
std::string shape_text(std::span<const int64_t> shape);

// A name from a file for an error message: in quotes, escaped as in JSON, bounded.
std::string shown_name(std::string_view text);

// Points into a mapped file, which must outlive it. Row-major; `data` is aligned to the element's size.
struct TensorView {
  std::string_view name;
  DType dtype = DType::kF32;
  std::span<const int64_t> shape;
  const std::byte* data = nullptr;

  int64_t element_count() const;
  int64_t byte_count() const { return element_count() * size_of(dtype); }
};

class SafetensorsFile {
 public:
  static constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
  static constexpr size_t kMaxRank = 8;

  // Maps `path` and checks its header. Tensor bytes are not read.
  static Result<SafetensorsFile> open(const std::string& path);

  SafetensorsFile(SafetensorsFile&&) = default;
  SafetensorsFile& operator=(SafetensorsFile&&) = default;

  const std::string& path() const { return path_; }
  // In the order of their bytes in the file. Views stay valid when the file object is moved.
  std::span<const TensorView> tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  struct Contents;  // the mapping, and what the views point at

  SafetensorsFile() = default;

  std::string path_;
  std::shared_ptr<const Contents> contents_;
  std::vector<TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace assay
