#include "engine/checkpoint/synthetic.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/tensor_table.h"
#include "engine/numeric.h"
#include "envs/base/rng.h"

namespace assay {
namespace {

// A tensor of the table as it is stored, and its scales if it is FP8. Offsets count from the first tensor byte of the shard.
struct Stored {
  TensorSpec spec;
  DType dtype = DType::kF32;
  int64_t offset = 0;
  int64_t scale_offset = 0;

  bool has_scale() const { return dtype == DType::kF8E4M3; }
  int64_t byte_count() const { return spec.element_count() * size_of(dtype); }
  int64_t scale_count() const {
    if (!has_scale()) return 0;
    const auto shape = scale_shape(spec.shape());
    return shape[0] * shape[1];
  }
};

using Shard = std::vector<Stored>;

DType dtype_of(TensorRole role, WeightDType wanted) {
  if (wanted == WeightDType::kF32 || role == TensorRole::kGateBias) return DType::kF32;
  return wanted == WeightDType::kFp8 && role == TensorRole::kLinear ? DType::kF8E4M3 : DType::kBF16;
}

std::vector<Stored> stored_tensors(const ModelConfig& config, WeightDType wanted) {
  std::vector<Stored> tensors;
  for_each_tensor(config, [&](TensorSpec spec) {
    const DType dtype = dtype_of(spec.role, wanted);
    tensors.push_back({std::move(spec), dtype});
  });
  return tensors;
}

Error system_error(const std::string& path, const char* doing) {
  return make_error(Boundary::kStore, std::string(doing) + ": " + std::strerror(errno), path, "check that the folder is writable and not full");
}

// Consecutive tensors to each shard, about equally many bytes, at least one tensor.
std::vector<Shard> split(std::vector<Stored> tensors, size_t shards) {
  int64_t total = 0;
  for (const Stored& tensor : tensors) total += tensor.byte_count();
  std::vector<Shard> split(1);
  int64_t placed = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const bool full = static_cast<double>(placed) * static_cast<double>(shards) >= static_cast<double>(total) * static_cast<double>(split.size());
    const bool needed = tensors.size() - i == shards - split.size();  // each shard to come gets its one tensor
    if (!split.back().empty() && split.size() < shards && (full || needed)) split.emplace_back();
    placed += tensors[i].byte_count();
    split.back().push_back(std::move(tensors[i]));
  }
  return split;
}

// Gives every tensor its place, wide elements first, so that all are aligned. Returns the bytes of all.
int64_t lay_out(Shard& shard) {
  int64_t offset = 0;
  for (int64_t width : {4, 2, 1})
    for (Stored& tensor : shard) {
      if (width == 4) tensor.scale_offset = offset, offset += tensor.scale_count() * 4;
      if (size_of(tensor.dtype) == width) tensor.offset = offset, offset += tensor.byte_count();
    }
  return offset;
}

OrderedJson header_entry(DType dtype, std::span<const int64_t> shape, int64_t begin, int64_t bytes) {
  return {{"dtype", name_of(dtype)}, {"shape", shape}, {"data_offsets", {begin, begin + bytes}}};
}

// Length and JSON, padded so that the tensors begin at a multiple of 8.
std::string header_of(const Shard& shard) {
  std::string json = R"({"__metadata__":{"format":"pt"})";
  const auto add = [&](const std::string& name, const OrderedJson& entry) { json += "," + Json(name).dump() + ":" + entry.dump(); };
  for (const Stored& tensor : shard) {
    add(tensor.spec.name, header_entry(tensor.dtype, tensor.spec.shape(), tensor.offset, tensor.byte_count()));
    if (tensor.has_scale())
      add(scale_name(tensor.spec.name), header_entry(DType::kF32, scale_shape(tensor.spec.shape()), tensor.scale_offset, tensor.scale_count() * 4));
  }
  json += "}";
  json.resize((json.size() + 7) / 8 * 8, ' ');
  const uint64_t length = json.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + json;
}

// Near normal: the sum of four uniform numbers, in integers and one multiplication, so that all machines get the same.
float bell(Rng& rng) {
  const uint64_t bits = rng.next();
  const int64_t sum = static_cast<int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48)) - 2 * 0xffff;
  constexpr double kUnitDeviation = 1.7320508075688772 / 0x1p16;  // four variances of 1/12
  return static_cast<float>(static_cast<double>(sum) * kUnitDeviation);
}

struct Distribution {
  float mean, deviation;
};

Distribution distribution_of(const TensorSpec& spec) {
  switch (spec.role) {
    case TensorRole::kNorm: return {1, 0.1f};
    case TensorRole::kBias:
    case TensorRole::kGateBias: return {0, 0.05f};
    default: return {0, 1 / std::sqrt(static_cast<float>(spec.sizes[1]))};
  }
}

// `count` rows from `first` on; a vector is one row.
std::vector<float> make_rows(const TensorSpec& spec, uint64_t seed, int64_t first, int64_t count) {
  const int64_t columns = spec.rank == 2 ? spec.sizes[1] : spec.sizes[0];
  const auto [mean, deviation] = distribution_of(spec);
  const uint64_t stream = stream_of(spec.name);
  std::vector<float> values;
  values.reserve(static_cast<size_t>(count * columns));
  for (int64_t row = first; row < first + count; ++row) {
    Rng rng(seed, stream, static_cast<uint64_t>(row));
    for (int64_t column = 0; column < columns; ++column) values.push_back(mean + deviation * bell(rng));
  }
  return values;
}

template <typename T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Rows of at most one scale block, `columns` wide; appends a scale for each 128 columns.
std::vector<uint8_t> quantise(const std::vector<float>& values, int64_t columns, std::vector<float>& scales) {
  std::vector<uint8_t> codes(values.size());
  const int64_t rows = static_cast<int64_t>(values.size()) / columns;
  for (int64_t left = 0; left < columns; left += kScaleBlock) {
    const int64_t right = std::min(columns, left + kScaleBlock);
    float amax = 0;
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = left; column < right; ++column)
        amax = std::max(amax, std::fabs(values[static_cast<size_t>(row * columns + column)]));
    const float scale = power_of_two_scale(amax);
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = left; column < right; ++column) {
        const size_t place = static_cast<size_t>(row * columns + column);
        codes[place] = float_to_e4m3(values[place] / scale);
      }
    scales.push_back(scale);
  }
  return codes;
}

class File {
 public:
  explicit File(std::string path) : path_(std::move(path)), number_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {}
  ~File() {
    if (number_ >= 0) ::close(number_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  Status resize(int64_t bytes) {
    if (number_ < 0) return system_error(path_, "cannot create");
    return ::ftruncate(number_, bytes) == 0 ? Status() : system_error(path_, "cannot make it as large as needed");
  }
  Status write(std::string_view bytes, int64_t offset) {
    while (!bytes.empty()) {
      const ssize_t put = ::pwrite(number_, bytes.data(), bytes.size(), offset);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return system_error(path_, "cannot write");
      bytes.remove_prefix(static_cast<size_t>(put));
      offset += put;
    }
    return {};
  }

 private:
  std::string path_;
  int number_;
};

Status write_values(File& file, const Stored& tensor, int64_t data_start, uint64_t seed) {
  const TensorSpec& spec = tensor.spec;
  const int64_t rows = spec.rank == 2 ? spec.sizes[0] : 1, columns = spec.element_count() / rows;
  std::vector<float> scales;
  for (int64_t first = 0; first < rows; first += kScaleBlock) {
    const std::vector<float> values = make_rows(spec, seed, first, std::min(kScaleBlock, rows - first));
    const int64_t offset = data_start + tensor.offset + first * columns * size_of(tensor.dtype);
    if (tensor.dtype == DType::kF32) {
      ASSAY_TRY(file.write(bytes_of(values), offset));
    } else if (tensor.dtype == DType::kBF16) {
      std::vector<uint16_t> codes(values.size());
      std::ranges::transform(values, codes.begin(), float_to_bf16);
      ASSAY_TRY(file.write(bytes_of(codes), offset));
    } else {
      ASSAY_TRY(file.write(bytes_of(quantise(values, columns, scales)), offset));
    }
  }
  return file.write(bytes_of(scales), data_start + tensor.scale_offset);
}

Status write_shard(const std::string& path, Shard& shard, const SyntheticOptions& options) {
  const int64_t bytes = lay_out(shard);
  const std::string header = header_of(shard);
  const int64_t data_start = static_cast<int64_t>(header.size());
  File file(path);
  ASSAY_TRY(file.resize(data_start + bytes));
  ASSAY_TRY(file.write(header, 0));
  if (options.only_zeros) return {};
  for (const Stored& tensor : shard) ASSAY_TRY(write_values(file, tensor, data_start, options.seed));
  return {};
}

std::string shard_name(size_t index, size_t count) {
  if (count == 1) return "model.safetensors";
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", index + 1, count);
  return name;
}

Status write_index(const std::string& directory, const std::vector<Shard>& shards) {
  Json map = Json::object();
  int64_t bytes = 0;
  for (size_t i = 0; i < shards.size(); ++i)
    for (const Stored& tensor : shards[i]) {
      map[tensor.spec.name] = shard_name(i, shards.size());
      if (tensor.has_scale()) map[scale_name(tensor.spec.name)] = shard_name(i, shards.size());
      bytes += tensor.byte_count() + tensor.scale_count() * 4;
    }
  const Json index{{"metadata", {{"total_size", bytes}}}, {"weight_map", std::move(map)}};
  return write_file(directory + "/model.safetensors.index.json", index.dump(1) + "\n");
}

// Makes the directory, or accepts an empty one, on a file system with room for `bytes`.
Status prepare(const std::string& directory, int64_t bytes) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  const bool empty = !error && std::filesystem::is_empty(directory, error);
  const std::filesystem::space_info space = error ? std::filesystem::space_info{} : std::filesystem::space(directory, error);
  if (error) return make_error(Boundary::kStore, "cannot use the directory: " + error.message(), directory, "check the path and its permissions");
  if (!empty) return input_error("the directory is not empty", directory, "another directory, or remove it first");
  if (space.available < static_cast<uintmax_t>(bytes))
    return make_error(Boundary::kLimit, "needs " + std::to_string(bytes) + " bytes, the file system has " + std::to_string(space.available) + " left", directory,
                      "a smaller model, or another directory");
  return {};
}

OrderedJson config_json(const ModelConfig& config, WeightDType dtype) {
  OrderedJson json = config.to_json();
  json["dtype"] = dtype == WeightDType::kF32 ? "float32" : "bfloat16";
  if (dtype == WeightDType::kFp8)
    json["quantization_config"] = {{"quant_method", "fp8"}, {"fmt", "e4m3"}, {"activation_scheme", "dynamic"}, {"scale_fmt", "ue8m0"},
                                   {"weight_block_size", {kScaleBlock, kScaleBlock}}};
  return json;
}

}  // namespace

std::string_view name_of(WeightDType dtype) {
  return dtype == WeightDType::kF32 ? "f32" : dtype == WeightDType::kBF16 ? "bf16" : "fp8";
}

Result<WeightDType> weight_dtype(std::string_view name) {
  for (WeightDType dtype : {WeightDType::kF32, WeightDType::kBF16, WeightDType::kFp8})
    if (name_of(dtype) == name) return dtype;
  return unknown_name("dtype", name, {"f32", "bf16", "fp8"});
}

SyntheticSize synthetic_size(const ModelConfig& config, WeightDType dtype) {
  SyntheticSize size;
  for (const Stored& tensor : stored_tensors(config, dtype)) {
    size.tensors += tensor.has_scale() ? 2 : 1;
    size.bytes += tensor.byte_count() + tensor.scale_count() * 4;
  }
  return size;
}

Status write_synthetic(const ModelConfig& config, const std::string& directory, const SyntheticOptions& options) {
  ASSAY_TRY(config.validate(directory));
  std::vector<Stored> tensors = stored_tensors(config, options.dtype);
  const int64_t count = static_cast<int64_t>(tensors.size());
  if (options.shards < 1 || options.shards > std::min<int64_t>(count, 99'999))
    return input_error("the number of shards is " + std::to_string(options.shards) + "; allowed: 1 to " + std::to_string(std::min<int64_t>(count, 99'999)));
  ASSAY_TRY(prepare(directory, options.only_zeros ? 0 : synthetic_size(config, options.dtype).bytes));
  std::vector<Shard> shards = split(std::move(tensors), static_cast<size_t>(options.shards));
  for (size_t i = 0; i < shards.size(); ++i) ASSAY_TRY(write_shard(directory + "/" + shard_name(i, shards.size()), shards[i], options));
  if (shards.size() > 1) ASSAY_TRY(write_index(directory, shards));
  if (config.vocab_size >= byte_vocabulary_size())
    ASSAY_TRY(write_file(directory + "/tokenizer.json", byte_tokenizer(config.vocab_size).dump(1) + "\n"));
  return write_file(directory + "/config.json", config_json(config, options.dtype).dump(2) + "\n");
}

}  // namespace assay
