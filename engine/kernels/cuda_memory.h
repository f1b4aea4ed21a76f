// Memory of the CUDA device, owned.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "engine/kernels/cuda_kernels.h"
#include "envs/base/status.h"

namespace assay::cuda {

class Memory {
 public:
  // `bytes` of device memory, aligned to 256, not set to anything. Error (kLimit): there is not so much left.
  static Result<Memory> allocate(size_t bytes);
  Memory() = default;
  Memory(Memory&& other) noexcept : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Memory& operator=(Memory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Memory();

  // A copy of the host's values.
  template <typename T>
  static Result<Memory> of(std::span<const T> values) {
    Result<Memory> memory = allocate(values.size_bytes());
    if (memory.ok()) ASSAY_TRY(memory->write(values.data(), values.size_bytes()));
    return memory;
  }

  template <typename T>
  T* as() const { return reinterpret_cast<T*>(data_); }
  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }

  // Copies the first `bytes`, after all that the device has been given to do. Errors (kPolicy): the device failed of something earlier.
  Status write(const void* from, size_t bytes);
  Status read(void* to, size_t bytes) const;

 private:
  Memory(std::byte* data, size_t bytes) : data_(data), bytes_(bytes) {}

  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace assay::cuda
