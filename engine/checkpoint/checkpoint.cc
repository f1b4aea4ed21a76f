#include "engine/checkpoint/checkpoint.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "engine/checkpoint/tensor_table.h"

namespace assay {
namespace {

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

using Files = std::vector<std::shared_ptr<const SafetensorsFile>>;

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// The first few of a list of findings, and how many more there are.
class Findings {
 public:
  explicit Findings(std::string title) : title_(std::move(title)) {}

  void add(std::string text) {
    if (++count_ <= kShown) shown_ += (count_ == 1 ? "" : ", ") + std::move(text);
  }
  bool empty() const { return count_ == 0; }
  std::string text() const {
    const std::string more = count_ > kShown ? " and " + std::to_string(count_ - kShown) + " more" : "";
    return std::to_string(count_) + " " + title_ + ": " + shown_ + more;
  }

 private:
  static constexpr int64_t kShown = 5;
  std::string title_, shown_;
  int64_t count_ = 0;
};

// Name of a tensor → name of its shard. Shards lie in the directory itself, so nothing outside it can be named.
Result<std::map<std::string, std::string>> read_index(const std::string& path) {
  ASSAY_ASSIGN(const Json json, read_json_file(path, {.bytes = 256u << 20, .depth = 16}));
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object())
    return input_error("weight_map is missing", path, "write the checkpoint again with save_pretrained");
  std::map<std::string, std::string> map;
  for (const auto& [name, shard] : json["weight_map"].items()) {
    if (!shard.is_string()) return input_error("the shard of " + shown_name(name) + " is " + shown_name(shard.dump()) + ", not a file name", path);
    const std::string& file = shard.get_ref<const std::string&>();
    if (!file.ends_with(".safetensors") || file.find_first_of(std::string("/\0", 2)) != std::string::npos || file.starts_with('.'))
      return input_error("the shard of " + shown_name(name) + " is " + shown_name(file) + "; allowed: names of .safetensors files in this directory", path);
    map.emplace(name, file);
  }
  if (map.empty()) return input_error("weight_map is empty", path);
  return map;
}

Result<std::shared_ptr<const SafetensorsFile>> open_file(const std::string& path) {
  ASSAY_ASSIGN(SafetensorsFile file, SafetensorsFile::open(path));
  return std::make_shared<const SafetensorsFile>(std::move(file));
}

// Index and shards name the same tensors, each in one shard.
Status compare_index(const std::map<std::string, std::string>& index, const std::map<std::string, std::string>& stored,
                     const std::string& where) {
  Findings lacking("tensors are not in the shard that the index names"), unlisted("tensors of shards are not in the index");
  for (const auto& [name, shard] : index) {
    const auto found = stored.find(name);
    if (found == stored.end() || found->second != shard) lacking.add(shown_name(name) + " in " + shard);
  }
  for (const auto& [name, shard] : stored)
    if (!index.contains(name)) unlisted.add(shown_name(name) + " of " + shard);
  const std::string hint = "the index and the shards are of different downloads: fetch them again";
  if (!lacking.empty()) return input_error(lacking.text(), where, hint);
  if (!unlisted.empty()) return input_error(unlisted.text(), where, hint);
  return {};
}

Result<Files> open_shards(const std::string& directory) {
  const std::string index_path = directory + "/" + kIndex;
  ASSAY_ASSIGN(const auto index, read_index(index_path));
  std::map<std::string, std::shared_ptr<const SafetensorsFile>> shards;
  for (const auto& [name, shard] : index) {
    auto& file = shards[shard];
    if (file) continue;
    const std::string path = directory + "/" + shard;
    if (!exists(path)) return input_error("the index names the shard " + shard + ", which does not exist", index_path, "fetch the missing shard");
    ASSAY_ASSIGN(file, open_file(path));
  }
  Files files;
  std::map<std::string, std::string> stored;
  for (const auto& [shard, file] : shards) {
    for (const TensorView& tensor : file->tensors()) {
      const auto [place, added] = stored.emplace(tensor.name, shard);
      if (!added) return input_error("tensor " + shown_name(tensor.name) + " is in two shards, " + place->second + " and " + shard, index_path);
    }
    files.push_back(file);
  }
  ASSAY_TRY(compare_index(index, stored, index_path));
  return files;
}

Result<Files> open_files(const std::string& directory) {
  const std::string single = directory + "/" + kSingle;
  const bool has_single = exists(single), has_index = exists(directory + "/" + kIndex);
  if (has_single && has_index)
    return input_error(std::string("both ") + kSingle + " and " + kIndex + " are here", directory, "remove the one that is out of date");
  if (has_index) return open_shards(directory);
  if (!has_single)
    return input_error(std::string("neither ") + kSingle + " nor " + kIndex + " is here", directory,
                       "check the path; other weight formats have to be converted to safetensors");
  ASSAY_ASSIGN(auto file, open_file(single));
  return Files{std::move(file)};
}

// The number after "model.layers.".
std::optional<int64_t> layer_of(std::string_view name) {
  constexpr std::string_view kPrefix = "model.layers.";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t layer = 0;
  const auto [end, error] = std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), layer);
  if (error != std::errc() || end == name.data() + name.size() || *end != '.') return std::nullopt;
  return layer;
}

struct Ignored {
  int64_t prediction = 0, rotary = 0, tied = 0, empty = 0;

  // Whether `tensor`, which the config does not imply, may stay unread.
  bool take(const ModelConfig& config, const TensorView& tensor) {
    const std::optional<int64_t> layer = layer_of(tensor.name);
    if (layer && *layer >= config.num_hidden_layers() && *layer < config.num_hidden_layers() + config.num_nextn_predict_layers)
      return ++prediction;
    if (tensor.name.ends_with("rotary_emb.inv_freq")) return ++rotary;
    if (config.tie_word_embeddings && tensor.name == "lm_head.weight") return ++tied;
    // Without shared experts transformers saves their matrices with a size of 0.
    if (config.n_shared_experts == 0 && tensor.name.find(".mlp.shared_experts.") != std::string_view::npos && tensor.element_count() == 0)
      return ++empty;
    return false;
  }

  std::vector<std::string> notes(const ModelConfig& config) const {
    std::vector<std::string> notes;
    if (prediction)
      notes.push_back("multi-token-prediction layers from " + std::to_string(config.num_hidden_layers()) + " on are not used: " +
                      std::to_string(prediction) + " tensors left out");
    if (rotary) notes.push_back("rotary frequencies are computed from the config: " + std::to_string(rotary) + " stored buffers left out");
    if (tied) notes.push_back("lm_head.weight is left out, because tie_word_embeddings is true");
    if (empty) notes.push_back("the model has no shared experts: " + std::to_string(empty) + " empty tensors left out");
    return notes;
  }
};

bool is_float(DType dtype) { return dtype == DType::kF32 || dtype == DType::kBF16 || dtype == DType::kF16; }

struct Comparison {
  std::vector<TensorView> kept;
  std::vector<std::string> notes;
  std::vector<TensorProblem> problems;
};

// Compares stored tensors, sorted by name, with what a config implies.
class Comparer {
 public:
  Comparer(const ModelConfig& config, std::span<const TensorView> stored) : config_(config), stored_(stored), expected_(stored.size()) {}

  Comparison run() {
    for_each_tensor(config_, [this](const TensorSpec& spec) { compare(spec); });
    Ignored ignored;
    for (size_t i = 0; i < stored_.size(); ++i) {
      if (expected_[i]) result_.kept.push_back(stored_[i]);
      else if (!ignored.take(config_, stored_[i])) add(TensorProblem::Kind::kUnknown, shown_name(stored_[i].name));
    }
    result_.notes = ignored.notes(config_);
    return std::move(result_);
  }

 private:
  void compare(const TensorSpec& spec) {
    const TensorView* tensor = take(spec.name);
    if (!tensor) return add(TensorProblem::Kind::kMissing, spec.name);
    compare_shape(*tensor, spec.shape());
    const bool linear = spec.role == TensorRole::kLinear;
    if (linear && tensor->dtype == DType::kF8E4M3) return compare_scale(spec);
    if (!is_float(tensor->dtype)) add(TensorProblem::Kind::kMistyped, spec.name, name_of(tensor->dtype), linear ? "F32, BF16, F16, F8_E4M3" : "F32, BF16, F16");
  }

  void compare_scale(const TensorSpec& weight) {
    const std::string name = scale_name(weight.name);
    const TensorView* scale = take(name);
    if (!scale) return add(TensorProblem::Kind::kMissing, name);
    compare_shape(*scale, scale_shape(weight.shape()));
    if (scale->dtype != DType::kF32) add(TensorProblem::Kind::kMistyped, name, name_of(scale->dtype), "F32");
  }

  void compare_shape(const TensorView& tensor, std::span<const int64_t> shape) {
    if (!std::ranges::equal(tensor.shape, shape))
      add(TensorProblem::Kind::kMisshapen, std::string(tensor.name), shape_text(tensor.shape), shape_text(shape));
  }

  const TensorView* take(const std::string& name) {
    const auto found = std::ranges::lower_bound(stored_, std::string_view(name), {}, &TensorView::name);
    if (found == stored_.end() || found->name != name) return nullptr;
    expected_[static_cast<size_t>(found - stored_.begin())] = true;
    return &*found;
  }

  void add(TensorProblem::Kind kind, std::string tensor, std::string_view found = "", std::string_view expected = "") {
    result_.problems.push_back({kind, std::move(tensor), std::string(found), std::string(expected)});
  }

  const ModelConfig& config_;
  std::span<const TensorView> stored_;
  std::vector<bool> expected_;
  Comparison result_;
};

Error summary_of(const std::vector<TensorProblem>& problems, const std::string& directory) {
  using Kind = TensorProblem::Kind;
  std::string text;
  for (const Kind kind : {Kind::kMissing, Kind::kMisshapen, Kind::kMistyped, Kind::kUnknown}) {
    Findings findings{std::string(name_of(kind))};
    for (const TensorProblem& problem : problems)
      if (problem.kind == kind) findings.add(problem.tensor + (problem.found.empty() ? "" : " is " + problem.found + ", expected " + problem.expected));
    if (!findings.empty()) text += (text.empty() ? "" : "; ") + findings.text();
  }
  return input_error("the tensors are not those that config.json implies: " + text, directory, "check that config.json belongs to these weights");
}

struct Contents {
  ModelConfig config;
  Files files;
  Comparison tensors;
};

Result<Contents> read(const std::string& directory) {
  Contents contents;
  ASSAY_ASSIGN(contents.config, ModelConfig::load(directory + "/config.json"));
  ASSAY_ASSIGN(contents.files, open_files(directory));
  std::vector<TensorView> stored;
  for (const auto& file : contents.files) stored.insert(stored.end(), file->tensors().begin(), file->tensors().end());
  std::ranges::sort(stored, {}, &TensorView::name);
  contents.tensors = Comparer(contents.config, stored).run();
  return contents;
}

// The first of `count` values whose bits under `mask` are all set: the exponent of NaN and infinity, or all of an E4M3 NaN.
template <typename Bits>
int64_t first_not_finite(const std::byte* data, int64_t count, Bits mask) {
  const Bits* values = reinterpret_cast<const Bits*>(data);
  constexpr int64_t kBlock = 4096;  // without an early exit inside, so that it is vectorised
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t end = std::min(count, begin + kBlock);
    bool any = false;
    for (int64_t i = begin; i < end; ++i) any |= (values[i] & mask) == mask;
    for (int64_t i = begin; any && i < end; ++i)
      if ((values[i] & mask) == mask) return i;
  }
  return -1;
}

int64_t first_not_finite(DType dtype, const std::byte* data, int64_t count) {
  switch (dtype) {
    case DType::kF32: return first_not_finite<uint32_t>(data, count, 0x7f800000);
    case DType::kBF16: return first_not_finite<uint16_t>(data, count, 0x7f80);
    case DType::kF16: return first_not_finite<uint16_t>(data, count, 0x7c00);
    case DType::kF8E4M3: return first_not_finite<uint8_t>(data, count, 0x7f);
    default: ASSAY_ASSERT(false); return -1;  // open() lets no other through
  }
}

// "[3, 17]" for a matrix.
std::string index_text(const TensorView& tensor, int64_t flat) {
  if (tensor.shape.size() != 2) return shape_text(std::array{flat});
  return shape_text(std::array{flat / tensor.shape[1], flat % tensor.shape[1]});
}

}  // namespace

std::string_view name_of(TensorProblem::Kind kind) {
  switch (kind) {
    case TensorProblem::Kind::kMissing: return "missing";
    case TensorProblem::Kind::kMisshapen: return "misshapen";
    case TensorProblem::Kind::kMistyped: return "of another dtype";
    case TensorProblem::Kind::kUnknown: return "unknown";
  }
  return "";
}

Result<Checkpoint> Checkpoint::open(const std::string& directory) {
  ASSAY_ASSIGN(Contents contents, read(directory));
  if (!contents.tensors.problems.empty()) return summary_of(contents.tensors.problems, directory);
  Checkpoint opened;
  opened.directory_ = directory;
  opened.config_ = std::move(contents.config);
  opened.files_ = std::move(contents.files);
  opened.tensors_ = std::move(contents.tensors.kept);
  opened.notes_ = std::move(contents.tensors.notes);
  return opened;
}

Result<std::vector<TensorProblem>> Checkpoint::tensor_problems(const std::string& directory) {
  ASSAY_ASSIGN(Contents contents, read(directory));
  return std::move(contents.tensors.problems);
}

const TensorView* Checkpoint::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(tensors_, name, {}, &TensorView::name);
  return found == tensors_.end() || found->name != name ? nullptr : &*found;
}

const TensorView& Checkpoint::tensor(std::string_view name) const {
  const TensorView* found = find(name);
  ASSAY_ASSERT(found != nullptr);
  return *found;
}

const TensorView* Checkpoint::scale_of(std::string_view weight) const {
  return tensor(weight).dtype == DType::kF8E4M3 ? &tensor(scale_name(weight)) : nullptr;
}

int64_t Checkpoint::stored_bytes() const {
  int64_t bytes = 0;
  for (const TensorView& tensor : tensors_) bytes += tensor.byte_count();
  return bytes;
}

std::map<std::string, int64_t> Checkpoint::dtype_counts() const {
  std::map<std::string, int64_t> counts;
  for (const TensorView& tensor : tensors_) ++counts[std::string(name_of(tensor.dtype))];
  return counts;
}

Status Checkpoint::check_values(const TensorView& tensor) const {
  const int64_t found = first_not_finite(tensor.dtype, tensor.data, tensor.element_count());
  if (found < 0) return {};
  return input_error("the weight " + std::string(tensor.name) + " " + index_text(tensor, found) + " is NaN or infinite", directory_,
                     "the checkpoint is damaged: fetch or train it again");
}

}  // namespace assay
