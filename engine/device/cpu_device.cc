// The processor: calls are done when they return, and memory of the device is the host's.
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/device/device.h"
#include "engine/device/host_memory.h"

namespace assay {
namespace {

class CpuDevice : public Device {
 public:
  CpuDevice(const Kernels& kernels, Workers& workers) : kernels_(kernels), workers_(workers) {}

  const std::string& name() const override { return kernels_.name; }
  Workers& workers() override { return workers_; }
  int64_t available_bytes() const override { return available_memory_bytes(); }
  bool shares_host_memory() const override { return true; }

  // Pages of the system are taken as they are first written, so a large cache costs what is used of it.
  Result<std::shared_ptr<std::byte>> allocate(size_t bytes) override {
    const size_t size = std::max<size_t>(bytes, 1);
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return make_error(Boundary::kLimit, "no memory for " + std::to_string(bytes >> 20) + " MiB", name(), "ask for less");
    return std::shared_ptr<std::byte>(static_cast<std::byte*>(memory), [size](std::byte* data) { munmap(data, size); });
  }
  Result<std::shared_ptr<std::byte>> place(std::shared_ptr<std::byte> host, size_t) override { return host; }
  void upload(void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }
  void download(void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }
  void clear(void* memory, size_t bytes) override { std::memset(memory, 0, bytes); }
  Status wait() override { return {}; }
  bool records() const override { return false; }
  void repeat(std::shared_ptr<void>&, const std::function<void()>& body) override { body(); }

  void rms_norm(const NormParams& params) override { kernels_.rms_norm(params, workers_); }
  void layer_norm(const NormParams& params) override { kernels_.layer_norm(params, workers_); }
  void rope_angles(const RopeAnglesParams& params) override { kernels_.rope_angles(params, workers_); }
  void rope(const RopeParams& params) override { kernels_.rope(params, workers_); }
  void gemm(std::span<const GemmProblem> problems) override { kernels_.gemm(problems, workers_); }
  void gather(const GatherParams& params) override { kernels_.gather(params, workers_); }
  void scale(const ScaleParams& params) override { kernels_.scale(params, workers_); }
  void add(const AddParams& params) override { kernels_.add(params, workers_); }
  void silu_mul(const SiluMulParams& params) override { kernels_.silu_mul(params, workers_); }
  void hadamard(const HadamardParams& params) override { kernels_.hadamard(params, workers_); }
  void combine(const CombineParams& params) override { kernels_.combine(params, workers_); }
  void latent_append(const LatentAppendParams& params) override { kernels_.latent_append(params, workers_); }
  void index_append(const IndexAppendParams& params) override { kernels_.index_append(params, workers_); }
  void indexer_logits(const IndexerLogitsParams& params) override { kernels_.indexer_logits(params, workers_); }
  void top_k(const TopKParams& params) override { kernels_.top_k(params, workers_); }
  void note_selection(const NoteSelectionParams& params) override { kernels_.note_selection(params, workers_); }
  void sparse_attention(const SparseAttentionParams& params) override { kernels_.sparse_attention(params, workers_); }
  void gate(const GateParams& params) override { kernels_.gate(params, workers_); }
  void group_by_expert(const GroupByExpertParams& params) override { kernels_.group_by_expert(params, workers_); }

  Result<std::vector<Sampled>> sample(const float* logits, int64_t vocabulary, std::span<const Draw> draws) override {
    std::vector<Sampled> sampled(draws.size());
    workers_.run(static_cast<int64_t>(draws.size()), [&](int64_t row, int) {
      const float* values = logits + row * vocabulary;
      if (std::all_of(values, values + vocabulary, [](float value) { return std::isfinite(value); }))
        sampled[static_cast<size_t>(row)] = kernels_.sample(values, vocabulary, draws[static_cast<size_t>(row)].params, draws[static_cast<size_t>(row)].uniform);
    });
    return sampled;
  }

 private:
  const Kernels& kernels_;
  Workers& workers_;
};

}  // namespace

std::unique_ptr<Device> cpu_device(const Kernels& kernels, Workers& workers) { return std::make_unique<CpuDevice>(kernels, workers); }

}  // namespace assay
