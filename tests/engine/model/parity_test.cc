// Our model beside Hugging Face transformers: golden files of tests/engine/parity/make_golden.py, weights made anew and checked by their hash.
//
// With the reference's tokens and experts forced, logits agree within a bound. Whatever is chosen differently lies within a margin of a
// tie: the score of a token or expert that one chose and the other did not differs from the least score chosen by no more than the
// margin times the largest score of the row. A tie resolved differently changes what follows it, so choices are compared twice: all of
// them on the reference's path (what we would choose, given that everything before was chosen as the reference did), and running free
// those that no earlier difference can have reached.
#include <cstdio>
#include <filesystem>

#include "engine/checkpoint/safetensors.h"
#include "envs/base/hash.h"
#include "tests/engine/model/fixture.h"

namespace assay::test {
namespace {

struct Bounds {
  double logits, margin;
};

// Where the reference computes in BF16 it rounds every intermediate value and we do not: the bound is its own rounding (make_golden.py).
Bounds bounds_of(const std::string& computed_in) { return computed_in == "f32" ? Bounds{1e-4, 1e-4} : Bounds{5e-2, 2e-1}; }

struct Golden {
  std::string name, dtype, computed_in, made_with;
  ModelConfig config;
  std::vector<int32_t> tokens, rows, selected, experts;
  std::vector<float> logits;
  int64_t full_layers = 0, moe_layers = 0;
  std::string weights_sha256;
  uint64_t seed = 0;
};

template <typename T>
std::vector<T> values_of(const SafetensorsFile& file, const std::string& name) {
  for (const TensorView& tensor : file.tensors())
    if (tensor.name == name) {
      const T* data = reinterpret_cast<const T*>(tensor.data);
      return {data, data + tensor.element_count()};
    }
  return {};
}

Golden read_golden(const std::filesystem::path& path) {
  const SafetensorsFile file = need(SafetensorsFile::open(path.string()));
  Golden golden;
  const auto& metadata = file.metadata();
  golden.name = path.stem().string();
  golden.dtype = metadata.at("dtype");
  golden.computed_in = metadata.at("computed_in");
  golden.made_with = metadata.at("made_with");
  golden.config = need(ModelConfig::from_json(need(parse_json(metadata.at("config"), path.string())), path.string()));
  golden.weights_sha256 = metadata.at("weights");
  golden.seed = std::stoull(metadata.at("seed"));
  golden.tokens = values_of<int32_t>(file, "tokens");
  golden.rows = values_of<int32_t>(file, "rows");
  golden.selected = values_of<int32_t>(file, "selected");
  golden.experts = values_of<int32_t>(file, "experts");
  golden.logits = values_of<float>(file, "logits");
  const int64_t count = static_cast<int64_t>(golden.tokens.size());
  golden.full_layers = static_cast<int64_t>(golden.selected.size()) / (count * golden.config.index_topk);
  golden.moe_layers = golden.experts.empty() ? 0 : static_cast<int64_t>(golden.experts.size()) / (count * golden.config.num_experts_per_tok);
  return golden;
}

std::vector<Golden> all_golden() {
  const char* source = std::getenv("ASSAY_SOURCE");
  REQUIRE(source != nullptr);
  std::vector<Golden> found;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(source) / "tests/engine/parity/golden"))
    if (entry.path().extension() == ".safetensors") found.push_back(read_golden(entry.path()));
  std::sort(found.begin(), found.end(), [](const Golden& a, const Golden& b) { return a.name < b.name; });
  return found;
}

Forced forced_of(const Golden& golden) {
  Forced forced;
  forced.layers.resize(static_cast<size_t>(golden.config.num_hidden_layers()));
  const size_t rows = golden.tokens.size(), k = static_cast<size_t>(golden.config.index_topk), e = static_cast<size_t>(golden.config.num_experts_per_tok);
  size_t full = 0, moe = 0;
  for (int64_t layer = 0; layer < golden.config.num_hidden_layers(); ++layer) {
    ForcedLayer& out = forced.layers[static_cast<size_t>(layer)];
    if (golden.config.layers[static_cast<size_t>(layer)].indexer == IndexerType::kFull) {
      for (size_t row = 0; row < rows; ++row) {
        const auto begin = golden.selected.begin() + static_cast<int64_t>((full * rows + row) * k);
        out.selected.emplace_back(begin, std::find(begin, begin + static_cast<int64_t>(k), -1));
      }
      ++full;
    }
    if (golden.config.layers[static_cast<size_t>(layer)].mlp == MlpType::kSparse) {
      for (size_t row = 0; row < rows; ++row) {
        const auto begin = golden.experts.begin() + static_cast<int64_t>((moe * rows + row) * e);
        out.experts.emplace_back(begin, begin + static_cast<int64_t>(e));
      }
      ++moe;
    }
  }
  return forced;
}

std::vector<float> kept_rows(const std::vector<float>& logits, const Golden& golden) {
  const size_t width = static_cast<size_t>(golden.config.vocab_size);
  std::vector<float> kept;
  for (const int32_t row : golden.rows)
    kept.insert(kept.end(), logits.begin() + static_cast<int64_t>(static_cast<size_t>(row) * width), logits.begin() + static_cast<int64_t>((static_cast<size_t>(row) + 1) * width));
  return kept;
}

struct Differences {
  int64_t choices = 0, different = 0;
  double widest = 0;   // the widest margin of a difference, relative to the row's largest score
};

// `ours` and `theirs` ascend. The distance of whatever only one of them chose from the least score that we chose.
void compare(const std::vector<int32_t>& ours, const std::vector<int32_t>& theirs, const std::vector<float>& scores, Differences& found) {
  found.choices += static_cast<int64_t>(theirs.size());
  std::vector<int32_t> apart;
  std::set_symmetric_difference(ours.begin(), ours.end(), theirs.begin(), theirs.end(), std::back_inserter(apart));
  if (apart.empty()) return;
  double least = INFINITY, largest = 0;
  for (const int32_t item : ours) least = std::min(least, double{scores[static_cast<size_t>(item)]});
  for (const float score : scores) largest = std::max(largest, std::abs(double{score}));
  for (const int32_t item : apart) {
    ++found.different;
    found.widest = std::max(found.widest, std::abs(double{scores[static_cast<size_t>(item)]} - least) / largest);
  }
}

struct Comparison {
  Differences tokens, experts, argmax;
  double widest() const { return std::max({tokens.widest, experts.widest, argmax.widest}); }
};

enum class Path { kReferences, kOwn };

// On its own path a row counts only while nothing before it was chosen differently: a layer's difference reaches this row and all
// later ones of the layers above.
Comparison compare_choices(const Golden& golden, const Trace& trace, const std::vector<float>& logits, Path path) {
  Comparison found;
  const Forced theirs = forced_of(golden);
  size_t reached = golden.tokens.size();
  const auto counts = [&](size_t row) { return path == Path::kReferences || row < reached; };
  for (size_t layer = 0; layer < trace.layers.size(); ++layer) {
    const LayerTrace& ours = trace.layers[layer];
    const ForcedLayer& reference = theirs.layers[layer];
    size_t reaches = reached;
    for (size_t row = 0; row < golden.tokens.size(); ++row) {
      const bool tokens_differ = row < reference.selected.size() && ours.selected[row] != reference.selected[row];
      const bool experts_differ = row < reference.experts.size() && ours.experts[row] != reference.experts[row];
      if (tokens_differ || experts_differ) reaches = std::min(reaches, row);
      if (row < reference.selected.size() && counts(row)) compare(ours.selected[row], reference.selected[row], ours.index_scores[row], found.tokens);
      if (row < reference.experts.size() && counts(row) && (path == Path::kReferences || !tokens_differ))
        compare(ours.experts[row], reference.experts[row], ours.choice_scores[row], found.experts);
    }
    reached = reaches;
  }
  const size_t width = static_cast<size_t>(golden.config.vocab_size);
  const auto best = [&](const float* row) { return static_cast<int32_t>(std::max_element(row, row + width) - row); };
  for (size_t row = 0; row < golden.rows.size(); ++row) {
    if (!counts(static_cast<size_t>(golden.rows[row]))) continue;
    const std::vector<float> ours(logits.data() + row * width, logits.data() + (row + 1) * width);
    compare({best(ours.data())}, {best(golden.logits.data() + row * width)}, ours, found.argmax);
  }
  return found;
}

std::string text_of(const Comparison& found) {
  const auto part = [](const char* name, const Differences& d) {
    char text[64];
    std::snprintf(text, sizeof text, "%s %ld/%ld", name, static_cast<long>(d.different), static_cast<long>(d.choices));
    return std::string(text);
  };
  char margin[32];
  std::snprintf(margin, sizeof margin, " (margin %.0e)", found.widest());
  return part("tokens", found.tokens) + part(" experts", found.experts) + part(" argmax", found.argmax) + margin;
}

}  // namespace

TEST_CASE("logits agree with Hugging Face transformers") {
  const std::vector<Golden> golden = all_golden();
  REQUIRE(golden.size() >= 14);
  for (const Golden& each : golden) {
    Folder folder;
    const WeightDType dtype = each.dtype == "f32" ? WeightDType::kF32 : WeightDType::kBF16;
    REQUIRE(write_synthetic(each.config, folder.path(), {.dtype = dtype, .seed = each.seed}).ok());
    INFO(each.name << ": if the weights have changed, make the golden files again");
    REQUIRE(sha256_hex(need(read_file(folder.path() + "/model.safetensors"))) == each.weights_sha256);
    const Checkpoint checkpoint = need(Checkpoint::open(folder.path()));
    const Forced forced = forced_of(each);
    for (const std::string& device : device_names()) {
      CAPTURE(device);
      const Machine machine(device);
      const std::unique_ptr<Model> model = need(Model::load(checkpoint, *machine.device));
      const std::unique_ptr<KvCache> cache = need(KvCache::create(each.config, {CacheFormat::kF32, static_cast<int64_t>(each.tokens.size())}, *machine.device));
      const int64_t whole = static_cast<int64_t>(each.tokens.size());
      Trace forced_trace, free_trace;
      const std::vector<float> forced_logits = kept_rows(all_logits(*model, *cache, each.tokens, whole, {.trace = &forced_trace, .forced = &forced}), each);
      const std::vector<float> free_logits = kept_rows(all_logits(*model, *cache, each.tokens, whole, {.trace = &free_trace}), each);
      const double error = relative_error(forced_logits, each.logits);
      const Comparison on_path = compare_choices(each, forced_trace, forced_logits, Path::kReferences);
      const Comparison free = compare_choices(each, free_trace, free_logits, Path::kOwn);
      std::printf("parity %-20s weights %-4s reference in %-4s %-9s %3zu tokens  forced %.1e  differing on the reference's path: %s  first ones running free: %s\n", each.name.c_str(),
                  each.dtype.c_str(), each.computed_in.c_str(), device.c_str(), each.tokens.size(), error, text_of(on_path).c_str(), text_of(free).c_str());
      const Bounds bounds = bounds_of(each.computed_in);
      CHECK(error <= bounds.logits);
      CHECK(on_path.widest() <= bounds.margin);
      CHECK(free.widest() <= bounds.margin);
      CHECK(on_path.tokens.choices > 0);
      CHECK(free.tokens.choices > 0);
    }
  }
}

TEST_CASE("parity notices a planted fault") {
  const std::vector<Golden> golden = all_golden();
  const auto found = std::find_if(golden.begin(), golden.end(), [](const Golden& each) { return each.name == "beyond_k_yarn"; });
  REQUIRE(found != golden.end());
  const auto error_with = [&](const ModelConfig& config) {
    Folder folder;
    REQUIRE(write_synthetic(found->config, folder.path(), {.dtype = WeightDType::kF32, .seed = found->seed}).ok());
    REQUIRE(write_file(folder.path() + "/config.json", config.to_json().dump()).ok());
    const Machine machine;
    const std::unique_ptr<Model> model = need(Model::load(need(Checkpoint::open(folder.path())), *machine.device));
    const std::unique_ptr<KvCache> cache = need(KvCache::create(config, {CacheFormat::kF32, static_cast<int64_t>(found->tokens.size())}, *machine.device));
    const Forced forced = forced_of(*found);
    return relative_error(kept_rows(all_logits(*model, *cache, found->tokens, 512, {.forced = &forced}), *found), found->logits);
  };
  const double bound = bounds_of("f32").logits;
  REQUIRE(error_with(found->config) <= bound);
  ModelConfig wrong = found->config;
  wrong.routed_scaling_factor *= 1.01;
  CHECK(error_with(wrong) > bound);
  wrong = found->config;
  wrong.mla_rope_layout = RopeLayout::kHalfSplit;
  CHECK(error_with(wrong) > bound);
  wrong = found->config;
  wrong.rms_norm_eps = 1e-2;
  CHECK(error_with(wrong) > bound);
}

}  // namespace assay::test
