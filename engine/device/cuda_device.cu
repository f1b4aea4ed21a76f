// A CUDA device: one stream, memory cut from large blocks, and copies through pinned memory of the host, so that no call waits but wait().
#include <cuda_runtime.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "engine/device/device.h"
#include "engine/kernels/cuda_device.h"
#include "engine/kernels/cuda_memory.h"
#include "engine/kernels/cuda_sampling.h"

namespace assay::cuda {
namespace {

constexpr size_t kScratchBytes = size_t{256} << 20;
constexpr size_t kStagingBytes = size_t{8} << 20;   // for copies in either direction between two waits
constexpr size_t kBlockBytes = size_t{64} << 20;    // from which small pieces are cut
constexpr size_t kAlignment = 256;

size_t aligned(size_t bytes) { return (std::max<size_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment; }

// Pinned memory of the host, handed out front to back.
class Staging {
 public:
  ~Staging() { cudaFreeHost(data_); }
  Status open() {
    if (cudaMallocHost(&data_, kStagingBytes) == cudaSuccess) return {};
    return make_error(Boundary::kLimit, "the host has no memory to pin", "CUDA", "end what else uses the host's memory");
  }
  // Null if there is no room left.
  std::byte* take(size_t bytes) {
    if (aligned(bytes) > kStagingBytes - used_) return nullptr;
    std::byte* piece = static_cast<std::byte*>(data_) + used_;
    used_ += aligned(bytes);
    return piece;
  }
  void reset() { used_ = 0; }

 private:
  void* data_ = nullptr;
  size_t used_ = 0;
};

class CudaDevice : public assay::Device {
 public:
  explicit CudaDevice(Workers& workers) : workers_(workers) {}
  ~CudaDevice() override {
    if (launch_.stream) cudaStreamDestroy(launch_.stream);
  }
  Status open() {
    if (const cudaError_t failed = cudaStreamCreateWithFlags(&launch_.stream, cudaStreamNonBlocking); failed != cudaSuccess)
      return make_error(Boundary::kInput, std::string("the device cannot be opened: ") + cudaGetErrorString(failed), "CUDA", "see nvidia-smi, or use the CPU");
    ASSAY_ASSIGN(scratch_, Memory::allocate(kScratchBytes));
    launch_.scratch = scratch_.data();
    launch_.scratch_bytes = scratch_.bytes();
    ASSAY_TRY(up_.open());
    return down_.open();
  }

  const std::string& name() const override { return name_; }
  Workers& workers() override { return workers_; }
  int64_t available_bytes() const override {
    size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    return static_cast<int64_t>(free);
  }
  bool shares_host_memory() const override { return false; }

  Result<std::shared_ptr<std::byte>> allocate(size_t bytes) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (aligned(bytes) > kBlockBytes / 4) return whole(bytes);
    if (!block_ || aligned(bytes) > kBlockBytes - used_) {
      ASSAY_ASSIGN(block_, whole(kBlockBytes));
      used_ = 0;
    }
    const std::shared_ptr<std::byte> piece(block_, block_.get() + used_);   // keeps its block
    used_ += aligned(bytes);
    return piece;
  }
  Result<std::shared_ptr<std::byte>> place(std::shared_ptr<std::byte> host, size_t bytes) override {
    ASSAY_ASSIGN(std::shared_ptr<std::byte> placed, allocate(bytes));
    cudaError_t failed = cudaMemcpyAsync(placed.get(), host.get(), bytes, cudaMemcpyHostToDevice, launch_.stream);
    if (failed == cudaSuccess) failed = cudaStreamSynchronize(launch_.stream);
    if (failed != cudaSuccess) return fault(failed);
    return placed;
  }

  void upload(void* to, const void* from, size_t bytes) override {
    if (bytes == 0) return;
    std::byte* piece = up_.take(bytes);
    if (!piece) {
      note(cudaStreamSynchronize(launch_.stream));
      up_.reset();
      piece = up_.take(bytes);
    }
    // More than there is pinned memory: the runtime copies it itself before it returns.
    if (piece) std::memcpy(piece, from, bytes);
    note(cudaMemcpyAsync(to, piece ? piece : from, bytes, cudaMemcpyHostToDevice, launch_.stream));
    if (!piece) note(cudaStreamSynchronize(launch_.stream));
  }
  void download(void* to, const void* from, size_t bytes) override {
    if (bytes == 0) return;
    std::byte* piece = down_.take(bytes);
    note(cudaMemcpyAsync(piece ? piece : to, from, bytes, cudaMemcpyDeviceToHost, launch_.stream));
    if (piece) arriving_.push_back({to, piece, bytes});
  }
  void clear(void* memory, size_t bytes) override { note(cudaMemsetAsync(memory, 0, bytes, launch_.stream)); }
  Status wait() override {
    note(cudaGetLastError());
    note(cudaStreamSynchronize(launch_.stream));
    for (const Arriving& piece : arriving_) std::memcpy(piece.to, piece.from, piece.bytes);
    arriving_.clear();
    up_.reset();
    down_.reset();
    if (failed_ != cudaSuccess) return fault(failed_);
    return {};
  }

  bool records() const override { return true; }
  void repeat(std::shared_ptr<void>& recording, const std::function<void()>& body) override {
    if (!recording) recording = record(body);
    if (recording) note(cudaGraphLaunch(static_cast<cudaGraphExec_t>(recording.get()), launch_.stream));
  }

  void rms_norm(const NormParams& params) override { cuda::rms_norm(params, launch_); }
  void layer_norm(const NormParams& params) override { cuda::layer_norm(params, launch_); }
  void rope_angles(const RopeAnglesParams& params) override { cuda::rope_angles(params, launch_); }
  void rope(const RopeParams& params) override { cuda::rope(params, launch_); }
  void gemm(std::span<const GemmProblem> problems) override { cuda::gemm(problems, launch_); }
  void gather(const GatherParams& params) override { cuda::gather(params, launch_); }
  void scale(const ScaleParams& params) override { cuda::scale(params, launch_); }
  void add(const AddParams& params) override { cuda::add(params, launch_); }
  void silu_mul(const SiluMulParams& params) override { cuda::silu_mul(params, launch_); }
  void hadamard(const HadamardParams& params) override { cuda::hadamard(params, launch_); }
  void combine(const CombineParams& params) override { cuda::combine(params, launch_); }
  void latent_append(const LatentAppendParams& params) override { cuda::latent_append(params, launch_); }
  void index_append(const IndexAppendParams& params) override { cuda::index_append(params, launch_); }
  void top_k(const TopKParams& params) override { cuda::top_k(params, launch_); }
  void note_selection(const NoteSelectionParams& params) override { cuda::note_selection(params, launch_); }
  void gate(const GateParams& params) override { cuda::gate(params, launch_); }
  void group_by_expert(const GroupByExpertParams& params) override { cuda::group_by_expert(params, launch_); }

  // As many rows at once as scratch holds, in both.
  void sparse_attention(const SparseAttentionParams& params) override {
    const size_t bytes = scratch_bytes(params), rows = static_cast<size_t>(std::max<int64_t>(params.rows, 1));
    const int64_t at_once = bytes <= launch_.scratch_bytes ? params.rows : std::max<int64_t>(1, static_cast<int64_t>(launch_.scratch_bytes / (bytes / rows)));
    for (int64_t first = 0; first < params.rows; first += at_once) {
      SparseAttentionParams part = params;
      part.rows = std::min(at_once, params.rows - first);
      part.context.tables += first;
      part.context.lengths += first;
      part.q_latent += first * params.heads * params.layout.rank;
      part.q_rope += first * params.q_rope_row_stride;
      if (params.indices) part.indices += first * params.index_stride, part.counts += first;
      part.out += first * params.heads * params.layout.rank;
      cuda::sparse_attention(part, launch_);
    }
  }
  void indexer_logits(const IndexerLogitsParams& params) override {
    IndexerLogitsParams one = params;
    one.rows = 1;
    const size_t row_bytes = scratch_bytes(one);
    const int64_t at_once = row_bytes == 0 ? params.rows : std::max<int64_t>(1, static_cast<int64_t>(launch_.scratch_bytes / row_bytes));
    for (int64_t first = 0; first < params.rows; first += at_once) {
      IndexerLogitsParams part = params;
      part.rows = std::min(at_once, params.rows - first);
      part.context.tables += first;
      part.context.lengths += first;
      part.q += first * params.heads * params.layout.width;
      part.w += first * params.w_stride;
      part.logits += first * params.logits_stride;
      cuda::indexer_logits(part, launch_);
    }
  }

  Result<std::vector<Sampled>> sample(const float* logits, int64_t vocabulary, std::span<const Draw> draws) override {
    std::vector<Sampled> sampled;
    const int64_t at_once = static_cast<int64_t>(launch_.scratch_bytes / (static_cast<size_t>(vocabulary) * sizeof(double)));
    while (!draws.empty()) {
      const std::span<const Draw> some = draws.first(std::min(draws.size(), static_cast<size_t>(at_once)));
      ASSAY_TRY(sample_some(logits, vocabulary, some, sampled));
      logits += static_cast<int64_t>(some.size()) * vocabulary;
      draws = draws.subspan(some.size());
    }
    ASSAY_TRY(wait());   // also without draws
    return sampled;
  }

 private:
  struct Arriving {
    void* to;
    const std::byte* from;
    size_t bytes;
  };

  static Error fault(cudaError_t failed) {
    return make_error(Boundary::kPolicy, std::string("the device failed: ") + cudaGetErrorString(failed), "CUDA", "start again; what is stored stays. If it happens again, use --backend cpu");
  }
  void note(cudaError_t status) {
    if (failed_ == cudaSuccess) failed_ = status;
  }

  static Result<std::shared_ptr<std::byte>> whole(size_t bytes) {
    ASSAY_ASSIGN(Memory memory, Memory::allocate(bytes));
    const auto owner = std::make_shared<Memory>(std::move(memory));
    return std::shared_ptr<std::byte>(owner, owner->data());
  }

  std::shared_ptr<void> record(const std::function<void()>& body) {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t playable = nullptr;
    note(cudaStreamBeginCapture(launch_.stream, cudaStreamCaptureModeThreadLocal));
    body();
    note(cudaStreamEndCapture(launch_.stream, &graph));
    if (graph) note(cudaGraphInstantiate(&playable, graph, 0));
    if (graph) cudaGraphDestroy(graph);
    if (!playable) return nullptr;
    return {playable, [](void* recorded) { cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(recorded)); }};
  }

  // The draws, their masks and the results lie behind one another in one piece of memory that grows.
  Status sample_some(const float* logits, int64_t vocabulary, std::span<const Draw> draws, std::vector<Sampled>& sampled) {
    const size_t rows = draws.size(), words = static_cast<size_t>(mask_words(vocabulary)), mask_bytes = words * sizeof(uint32_t);
    const size_t draws_bytes = aligned(rows * sizeof(RowDraw)), drawn_bytes = aligned(rows * sizeof(RowDrawn)), masks_bytes = aligned(rows * mask_bytes);
    const size_t needed = draws_bytes + drawn_bytes + 2 * masks_bytes;
    if (needed > sampling_.bytes()) {
      ASSAY_ASSIGN(sampling_, Memory::allocate(needed));
    }
    std::byte* drawn_at = sampling_.data() + draws_bytes;
    uint32_t* allowed = reinterpret_cast<uint32_t*>(drawn_at + drawn_bytes);
    uint32_t* kept = reinterpret_cast<uint32_t*>(drawn_at + drawn_bytes + masks_bytes);
    std::vector<RowDraw> row_draws;
    bool cuts = false;
    for (size_t r = 0; r < rows; ++r) {
      const Draw& draw = draws[r];
      if (draw.params.allowed) upload(allowed + r * words, draw.params.allowed, mask_bytes);
      row_draws.push_back(row_draw(draw, draw.params.allowed ? allowed + r * words : nullptr));
      cuts = cuts || draw.params.allowed || !(draw.params.temperature > 0) || draw.params.top_k > 0 || draw.params.top_p < 1 || draw.params.min_p > 0;
    }
    upload(sampling_.data(), row_draws.data(), rows * sizeof(RowDraw));
    cuda::sample({static_cast<int64_t>(rows), vocabulary, logits, reinterpret_cast<const RowDraw*>(sampling_.data()), reinterpret_cast<RowDrawn*>(drawn_at), kept}, launch_);
    std::vector<RowDrawn> drawn(rows);
    std::vector<uint32_t> kept_bits(cuts ? rows * words : 0);
    download(drawn.data(), drawn_at, rows * sizeof(RowDrawn));
    download(kept_bits.data(), kept, kept_bits.size() * sizeof(uint32_t));
    ASSAY_TRY(wait());
    for (size_t r = 0; r < rows; ++r) sampled.push_back(drawn[r].finite ? sampled_of(drawn[r], kept_bits.data() + r * words, vocabulary) : Sampled{});
    return {};
  }

  Workers& workers_;
  std::string name_ = "cuda";
  Launch launch_;
  Memory scratch_, sampling_;
  Staging up_, down_;
  std::vector<Arriving> arriving_;
  cudaError_t failed_ = cudaSuccess;   // the first; nothing is right after it
  std::mutex mutex_;                   // of the two below
  std::shared_ptr<std::byte> block_;
  size_t used_ = 0;
};

}  // namespace

Result<std::unique_ptr<assay::Device>> open_device(Workers& workers) {
  ASSAY_TRY(find_device());
  auto device = std::make_unique<CudaDevice>(workers);
  ASSAY_TRY(device->open());
  return std::unique_ptr<assay::Device>(std::move(device));
}

}  // namespace assay::cuda
