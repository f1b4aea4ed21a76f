// Safetensors files taken apart, and put together again right or wrong.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/synthetic.h"
#include "tests/engine/folder.h"

namespace assay::test {

// A safetensors file of any header, at its honest length, and any bytes.
inline std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + data;
}

struct StoredTensor {
  std::string name, dtype;
  std::vector<int64_t> shape;
  std::string bytes;
};

inline std::vector<StoredTensor> read_tensors(const std::string& path) {
  const SafetensorsFile file = need(SafetensorsFile::open(path));
  std::vector<StoredTensor> tensors;
  for (const TensorView& view : file.tensors())
    tensors.push_back({std::string(view.name), std::string(name_of(view.dtype)), {view.shape.begin(), view.shape.end()},
                       {reinterpret_cast<const char*>(view.data), static_cast<size_t>(view.byte_count())}});
  return tensors;
}

// One after another in the order given; the header is padded so that the first begins at a multiple of 8.
inline void write_tensors(const std::string& path, const std::vector<StoredTensor>& tensors) {
  OrderedJson header = OrderedJson::object();
  std::string data;
  for (const StoredTensor& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
    data += tensor.bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  need(write_file(path, file_of(text, data)));
}

// The error of a result that should have one.
template <typename T>
Error refused(const Result<T>& result) {
  if (result.ok()) FAIL("accepted");
  return result.error();
}

}  // namespace assay::test
