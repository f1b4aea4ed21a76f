// What a model computes on: memory, and the kernels over it. The model is written once over this interface; the processor and a CUDA
// device implement it.
//
// Pointers are to memory of the device, unless a comment says host. Calls are queued and follow one another; what they compute is
// there after wait(). A fault of the device spoils all that was queued with it: wait() says so, as does every later wait().
//
// One thread uses a device at a time, but for allocate and place, which any may call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/kernels/weight.h"
#include "engine/runtime/workers.h"
#include "envs/base/status.h"

namespace assay {

class Device {
 public:
  virtual ~Device() = default;

  virtual const std::string& name() const = 0;   // that open_device takes
  virtual Workers& workers() = 0;                // of the host, for what is prepared there
  virtual int64_t available_bytes() const = 0;   // of memory, now
  virtual bool shares_host_memory() const = 0;   // its memory is the host's

  // Aligned to 256, not set to anything, given back by the last holder, which the device outlives. Error (kLimit): there is not so much.
  virtual Result<std::shared_ptr<std::byte>> allocate(size_t bytes) = 0;
  // `bytes` of host memory as memory of the device: on the processor itself, otherwise a copy.
  virtual Result<std::shared_ptr<std::byte>> place(std::shared_ptr<std::byte> host, size_t bytes) = 0;
  // `from` is host memory and free again on return.
  virtual void upload(void* to, const void* from, size_t bytes) = 0;
  // `to` is host memory, filled when wait() returns.
  virtual void download(void* to, const void* from, size_t bytes) = 0;
  virtual void clear(void* memory, size_t bytes) = 0;   // zeros
  // Errors (kPolicy): a launch or a kernel failed; what to do is said with it.
  virtual Status wait() = 0;

  // Makes the calls of `body`. A device that records leaves them in an empty `recording`, and makes those of one that is not instead.
  virtual bool records() const = 0;
  virtual void repeat(std::shared_ptr<void>& recording, const std::function<void()>& body) = 0;

  // The kernels, by the headers they are named after.
  virtual void rms_norm(const NormParams& params) = 0;
  virtual void layer_norm(const NormParams& params) = 0;
  virtual void rope_angles(const RopeAnglesParams& params) = 0;
  virtual void rope(const RopeParams& params) = 0;
  virtual void gemm(std::span<const GemmProblem> problems) = 0;
  virtual void gather(const GatherParams& params) = 0;
  virtual void scale(const ScaleParams& params) = 0;
  virtual void add(const AddParams& params) = 0;
  virtual void silu_mul(const SiluMulParams& params) = 0;
  virtual void hadamard(const HadamardParams& params) = 0;
  virtual void combine(const CombineParams& params) = 0;
  virtual void latent_append(const LatentAppendParams& params) = 0;
  virtual void index_append(const IndexAppendParams& params) = 0;
  virtual void indexer_logits(const IndexerLogitsParams& params) = 0;
  virtual void top_k(const TopKParams& params) = 0;
  virtual void note_selection(const NoteSelectionParams& params) = 0;
  virtual void sparse_attention(const SparseAttentionParams& params) = 0;
  virtual void gate(const GateParams& params) = 0;
  virtual void group_by_expert(const GroupByExpertParams& params) = 0;
  // A token from each row of logits [draws, vocabulary]; the draws are host memory. Waits. A row that holds a number that is not finite is
  // refused as sampling.h says. Errors: as of wait().
  virtual Result<std::vector<Sampled>> sample(const float* logits, int64_t vocabulary, std::span<const Draw> draws) = 0;
};

// The weight with its panels and scales placed on the device.
Result<Weight> place_weight(Device& device, Weight weight);

// Devices this machine has: tables of cpu_kernels(), slowest first, then "cuda".
std::vector<std::string> device_names();

// By name; "cpu": the fastest table, "": CUDA where there is a device for it, otherwise "cpu". The workers outlive the device.
// Errors (kInput): no such name; why CUDA cannot be used here, and what to do.
Result<std::unique_ptr<Device>> open_device(const std::string& name, Workers& workers);

std::unique_ptr<Device> cpu_device(const Kernels& kernels, Workers& workers);

namespace cuda {
// The first CUDA device (engine/kernels/cuda_device.h has the errors).
Result<std::unique_ptr<assay::Device>> open_device(Workers& workers);
}  // namespace cuda

}  // namespace assay
