// The device's kernels behind the processor's calls: what params point to is copied to the device before a launch and back after it.
// Every array is an allocation of its own, so that compute-sanitizer sees each overrun.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>

#include "engine/kernels/cuda_device.h"
#include "engine/kernels/cuda_kernels.h"
#include "engine/kernels/cuda_sampling.h"
#include "tests/engine/kernels/tables.h"

namespace assay::testing {
namespace {

void check(cudaError_t status) {
  if (status == cudaSuccess) return;
  std::printf("CUDA: %s\n", cudaGetErrorString(status));
  std::exit(1);   // after a fault nothing on the device can be trusted
}

// One call: its arrays on the device, and what comes back.
class Call {
 public:
  Call() {
    // Memory given back is kept for the next call.
    static const bool pooled = [] {
      cudaMemPool_t pool;
      uint64_t all = UINT64_MAX;
      check(cudaDeviceGetDefaultMemPool(&pool, 0));
      check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all));
      return true;
    }();
    (void)pooled;
  }
  ~Call() {
    if (const Status status = cuda::synchronize(launch_); !status.ok()) {
      std::printf("%s\n", status.error().text().c_str());
      std::exit(1);
    }
    for (const Output& output : outputs_) check(cudaMemcpy(output.host, output.device, output.bytes, cudaMemcpyDeviceToHost));
    for (void* memory : memory_) check(cudaFreeAsync(memory, nullptr));
  }
  Call(const Call&) = delete;

  template <typename T>
  const T* in(const T* host, int64_t count) {
    return copied(const_cast<T*>(host), count);
  }
  // What is there now is copied too: kernels may leave gaps.
  template <typename T>
  T* out(T* host, int64_t count) {
    T* device = copied(host, count);
    if (device) outputs_.push_back({host, device, static_cast<size_t>(count) * sizeof(T)});
    return device;
  }
  // Rows of `width`, `stride` apart.
  const float* in(const float* host, int64_t rows, int64_t stride, int64_t width) { return in(host, extent(rows, stride, width)); }
  float* out(float* host, int64_t rows, int64_t stride, int64_t width) { return out(host, extent(rows, stride, width)); }

  const cuda::Launch& launch(size_t scratch_bytes = 0) {
    launch_.scratch_bytes = scratch_bytes;
    if (scratch_bytes > 0) {
      launch_.scratch = static_cast<std::byte*>(allocate(scratch_bytes));
      check(cudaMemset(launch_.scratch, 0xff, scratch_bytes));
    }
    return launch_;
  }

  static int64_t extent(int64_t rows, int64_t stride, int64_t width) { return rows > 0 ? (rows - 1) * stride + width : 0; }

 private:
  struct Output {
    void* host;
    void* device;
    size_t bytes;
  };

  void* allocate(size_t bytes) {
    memory_.push_back(nullptr);
    check(cudaMallocAsync(&memory_.back(), bytes, nullptr));
    return memory_.back();
  }
  template <typename T>
  T* copied(T* host, int64_t count) {
    if (!host || count == 0) return nullptr;
    const size_t bytes = static_cast<size_t>(count) * sizeof(T);
    void* device = allocate(bytes);
    check(cudaMemcpy(device, host, bytes, cudaMemcpyHostToDevice));
    return static_cast<T*>(device);
  }

  cuda::Launch launch_;
  std::vector<void*> memory_;
  std::vector<Output> outputs_;
};

NormParams staged(Call& call, NormParams params) {
  params.x = call.in(params.x, params.rows, params.x_stride, params.width);
  params.weight = call.in(params.weight, params.width);
  params.bias = call.in(params.bias, params.bias ? params.width : 0);
  return params;
}

template <auto kKernel>
void norm(const NormParams& params, Workers&) {
  Call call;
  NormParams on_device = staged(call, params);
  // In place stays in place.
  on_device.y = call.out(params.y, params.rows, params.y_stride, params.width);
  if (params.y == params.x) on_device.x = on_device.y;
  kKernel(on_device, call.launch());
}

void rope_angles(const RopeAnglesParams& params, Workers&) {
  Call call;
  RopeAnglesParams on_device = params;
  on_device.positions = call.in(params.positions, params.rows);
  on_device.frequencies = call.in(params.frequencies, params.pairs);
  on_device.cosines = call.out(params.cosines, params.rows * params.pairs);
  on_device.sines = call.out(params.sines, params.rows * params.pairs);
  cuda::rope_angles(on_device, call.launch());
}

void rope(const RopeParams& params, Workers&) {
  Call call;
  RopeParams on_device = params;
  const int64_t pairs = params.rows * params.width / 2;
  on_device.x = call.out(params.x, params.rows, params.row_stride, Call::extent(params.heads, params.head_stride, params.width));
  on_device.cosines = call.in(params.cosines, pairs);
  on_device.sines = call.in(params.sines, pairs);
  cuda::rope(on_device, call.launch());
}

void fp8_quantize(const Fp8QuantizeParams& params, Workers&) {
  Call call;
  Fp8QuantizeParams on_device = params;
  on_device.x = call.in(params.x, params.rows, params.x_stride, params.width);
  on_device.codes = call.out(params.codes, params.rows * params.width);
  on_device.scales = call.out(params.scales, params.rows * ((params.width + 127) / 128));
  cuda::fp8_quantize(on_device, call.launch());
}

int64_t rows_read(const GemmProblem& problem) {
  return problem.x_rows && problem.rows > 0 ? 1 + *std::max_element(problem.x_rows, problem.x_rows + problem.rows) : problem.rows;
}

// Outputs on the device, [problems]. Those that lie among one another, as heads' do, are one array there too.
std::vector<float*> staged_outputs(Call& call, std::span<const GemmProblem> problems) {
  const auto end_of = [](const GemmProblem& problem) { return problem.y + Call::extent(problem.rows, problem.y_stride, problem.weight->rows); };
  std::vector<size_t> order(problems.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return problems[a].y < problems[b].y; });
  std::vector<float*> outputs(problems.size());
  for (size_t first = 0, last; first < order.size(); first = last) {
    float* begin = problems[order[first]].y;
    float* end = begin;
    for (last = first; last < order.size() && (last == first || problems[order[last]].y < end); ++last) end = std::max(end, end_of(problems[order[last]]));
    float* device = call.out(begin, end - begin);
    for (size_t i = first; i < last; ++i) outputs[order[i]] = device ? device + (problems[order[i]].y - begin) : nullptr;
  }
  return outputs;
}

void gemm(std::span<const GemmProblem> problems, Workers&) {
  Call call;
  const std::vector<float*> outputs = staged_outputs(call, problems);
  std::vector<Weight> weights(problems.size());
  std::vector<GemmProblem> on_device(problems.begin(), problems.end());
  for (size_t i = 0; i < problems.size(); ++i) {
    const GemmProblem& problem = problems[i];
    const Weight& weight = *problem.weight;
    const int64_t scales = weight.scales ? (weight.rows + 127) / 128 * ((weight.columns + 127) / 128) : 0;
    const auto unowned = [](auto*) {};
    weights[i] = weight;
    weights[i].panels = {const_cast<std::byte*>(call.in(weight.panels.get(), static_cast<int64_t>(weight.bytes()) - 4 * scales)), unowned};
    weights[i].scales = {const_cast<float*>(call.in(weight.scales.get(), scales)), unowned};
    on_device[i].weight = &weights[i];
    on_device[i].x = call.in(problem.x, rows_read(problem), problem.x_stride, weight.columns);
    on_device[i].x_rows = call.in(problem.x_rows, problem.x_rows ? problem.rows : 0);
    on_device[i].y = outputs[i];
    on_device[i].range = call.in(problem.range, problem.range ? 2 : 0);
    on_device[i].bias = call.in(problem.bias, problem.bias ? weight.rows : 0);
  }
  // Room for one tile of the widest products of many rows here, so that they take several passes.
  const bool many_rows = std::any_of(problems.begin(), problems.end(), [](const GemmProblem& problem) { return problem.rows > 64; });
  cuda::gemm(on_device, call.launch(many_rows ? size_t{3} << 19 : 0));
}

void gather(const GatherParams& params, Workers&) {
  Call call;
  GatherParams on_device = params;
  const int64_t rows = params.rows > 0 ? 1 + *std::max_element(params.source, params.source + params.rows) : 0;
  on_device.x = call.in(params.x, rows * params.width);
  on_device.source = call.in(params.source, params.rows);
  on_device.y = call.out(params.y, params.rows * params.width);
  cuda::gather(on_device, call.launch());
}

void scale(const ScaleParams& params, Workers&) {
  Call call;
  ScaleParams on_device = params;
  on_device.x = call.out(params.x, params.count);
  cuda::scale(on_device, call.launch());
}

void add(const AddParams& params, Workers&) {
  Call call;
  AddParams on_device = params;
  on_device.x = call.in(params.x, params.rows, params.x_stride, params.width);
  on_device.y = call.out(params.y, params.rows, params.y_stride, params.width);
  cuda::add(on_device, call.launch());
}

void silu_mul(const SiluMulParams& params, Workers&) {
  Call call;
  SiluMulParams on_device = params;
  on_device.gate = call.in(params.gate, params.rows, params.x_stride, params.width);
  on_device.up = call.in(params.up, params.rows, params.x_stride, params.width);
  on_device.y = call.out(params.y, params.rows, params.y_stride, params.width);
  if (params.y == params.gate) on_device.gate = on_device.y;
  cuda::silu_mul(on_device, call.launch());
}

void hadamard(const HadamardParams& params, Workers&) {
  Call call;
  HadamardParams on_device = params;
  on_device.x = call.out(params.x, params.rows * params.width);
  cuda::hadamard(on_device, call.launch());
}

void combine(const CombineParams& params, Workers&) {
  Call call;
  CombineParams on_device = params;
  const int64_t places = params.rows * params.slots;
  const int64_t rows = places > 0 ? 1 + *std::max_element(params.source, params.source + places) : 0;
  on_device.x = call.in(params.x, rows * params.width);
  on_device.source = call.in(params.source, places);
  on_device.weight = call.in(params.weight, places);
  on_device.y = call.out(params.y, params.rows, params.y_stride, params.width);
  cuda::combine(on_device, call.launch());
}

int64_t pages_written(const int64_t* slots, int64_t rows) { return rows > 0 ? 1 + *std::max_element(slots, slots + rows) / kPageTokens : 0; }

void latent_append(const LatentAppendParams& params, Workers&) {
  Call call;
  LatentAppendParams on_device = params;
  on_device.latent = call.in(params.latent, params.rows, params.latent_stride, params.layout.rank);
  on_device.rope = call.in(params.rope, params.rows, params.rope_stride, params.layout.rope);
  on_device.pages = call.out(params.pages, pages_written(params.slots, params.rows) * static_cast<int64_t>(params.layout.page_bytes()));
  on_device.slots = call.in(params.slots, params.rows);
  cuda::latent_append(on_device, call.launch());
}

void index_append(const IndexAppendParams& params, Workers&) {
  Call call;
  IndexAppendParams on_device = params;
  on_device.keys = call.in(params.keys, params.rows * params.layout.width);
  on_device.pages = call.out(params.pages, pages_written(params.slots, params.rows) * static_cast<int64_t>(params.layout.page_bytes()));
  on_device.slots = call.in(params.slots, params.rows);
  cuda::index_append(on_device, call.launch());
}

// Rows of one sequence keep sharing one table.
PagedRows staged(Call& call, const PagedRows& context, int64_t rows, size_t page_bytes) {
  std::vector<const int32_t*> tables(static_cast<size_t>(rows));
  int64_t pages = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const auto shares = [&](int64_t other) { return context.tables[other] == context.tables[r]; };
    int64_t longest = 0, first = r;
    for (int64_t other = 0; other < rows; ++other)
      if (shares(other)) longest = std::max(longest, context.lengths[other]), first = std::min(first, other);
    const int64_t count = (longest + kPageTokens - 1) / kPageTokens;
    tables[static_cast<size_t>(r)] = first < r ? tables[static_cast<size_t>(first)] : call.in(context.tables[r], count);
    for (int64_t p = 0; first == r && p < count; ++p) pages = std::max<int64_t>(pages, context.tables[r][p] + 1);
  }
  return {call.in(context.pages, pages * static_cast<int64_t>(page_bytes)), call.in(tables.data(), rows), call.in(context.lengths, rows)};
}

void indexer_logits(const IndexerLogitsParams& params, Workers&) {
  Call call;
  IndexerLogitsParams on_device = params;
  on_device.context = staged(call, params.context, params.rows, params.layout.page_bytes());
  on_device.q = call.in(params.q, params.rows * params.heads * params.layout.width);
  on_device.w = call.in(params.w, params.rows, params.w_stride, params.heads);
  on_device.logits = call.out(params.logits, params.rows * params.logits_stride);
  cuda::indexer_logits(on_device, call.launch(cuda::scratch_bytes(on_device)));
}

void top_k(const TopKParams& params, Workers&) {
  Call call;
  TopKParams on_device = params;
  on_device.values = call.in(params.values, params.rows * params.stride);
  on_device.lengths = call.in(params.lengths, params.rows);
  on_device.indices = call.out(params.indices, params.rows * params.k);
  on_device.counts = call.out(params.counts, params.rows);
  cuda::top_k(on_device, call.launch());
}

void sparse_attention(const SparseAttentionParams& params, Workers&) {
  Call call;
  SparseAttentionParams on_device = params;
  on_device.context = staged(call, params.context, params.rows, params.layout.page_bytes());
  on_device.q_latent = call.in(params.q_latent, params.rows * params.heads * params.layout.rank);
  on_device.q_rope = call.in(params.q_rope, params.rows, params.q_rope_row_stride, Call::extent(params.heads, params.q_rope_head_stride, params.layout.rope));
  on_device.indices = call.in(params.indices, params.indices ? params.rows * params.index_stride : 0);
  on_device.counts = call.in(params.counts, params.indices ? params.rows : 0);
  on_device.out = call.out(params.out, params.rows * params.heads * params.layout.rank);
  cuda::sparse_attention(on_device, call.launch(cuda::scratch_bytes(on_device)));
}

void gate(const GateParams& params, Workers&) {
  Call call;
  GateParams on_device = params;
  on_device.logits = call.in(params.logits, params.rows * params.experts);
  on_device.bias = call.in(params.bias, params.experts);
  on_device.forced = call.in(params.forced, params.forced ? params.rows * params.k : 0);
  on_device.chosen = call.out(params.chosen, params.rows * params.k);
  on_device.weights = call.out(params.weights, params.rows * params.k);
  cuda::gate(on_device, call.launch());
}

void group_by_expert(const GroupByExpertParams& params, Workers&) {
  Call call;
  GroupByExpertParams on_device = params;
  on_device.chosen = call.in(params.chosen, params.rows * params.k);
  on_device.starts = call.out(params.starts, params.experts + 1);
  on_device.list = call.out(params.list, params.rows * params.k);
  on_device.places = call.out(params.places, params.rows * params.k);
  cuda::group_by_expert(on_device, call.launch());
}

void note_selection(const NoteSelectionParams& params, Workers&) {
  Call call;
  NoteSelectionParams on_device = params;
  on_device.indices = call.in(params.indices, params.rows * params.k);
  on_device.counts = call.in(params.counts, params.rows);
  on_device.lengths = call.in(params.lengths, params.rows);
  on_device.selections = call.out(params.selections, params.rows);
  cuda::note_selection(on_device, call.launch());
}

Sampled sample(const float* logits, int64_t vocabulary, const SamplingParams& params, double uniform) {
  const int64_t words = cuda::mask_words(vocabulary);
  cuda::RowDrawn drawn;
  std::vector<uint32_t> kept(static_cast<size_t>(words));
  {
    Call call;
    const cuda::RowDraw row = cuda::row_draw({params, uniform}, call.in(reinterpret_cast<const uint32_t*>(params.allowed), params.allowed ? words : 0));
    const cuda::SampleParams on_device{1, vocabulary, call.in(logits, vocabulary), call.in(&row, 1), call.out(&drawn, 1), call.out(kept.data(), words)};
    cuda::sample(on_device, call.launch(cuda::scratch_bytes(on_device)));
  }
  return cuda::sampled_of(drawn, kept.data(), vocabulary);
}

}  // namespace

Kernels staged_kernels() {
  return {.name = "cuda", .rms_norm = norm<cuda::rms_norm>, .layer_norm = norm<cuda::layer_norm>, .rope_angles = rope_angles, .rope = rope, .fp8_quantize = fp8_quantize, .gemm = gemm, .gather = gather, .scale = scale, .add = add,
          .silu_mul = silu_mul, .hadamard = hadamard, .combine = combine, .latent_append = latent_append, .index_append = index_append,
          .indexer_logits = indexer_logits, .top_k = top_k, .note_selection = note_selection, .sparse_attention = sparse_attention, .gate = gate, .group_by_expert = group_by_expert, .sample = sample};
}

}  // namespace assay::testing
