// Files that somebody has tampered with: whatever their bytes are, they are refused, or what they give lies inside them.
#include <algorithm>
#include <fstream>
#include <numeric>

#include "envs/base/rng.h"
#include "tests/engine/checkpoint/fixture.h"

namespace assay::test {
namespace {

// A few edits: bytes set, cut out, repeated, or overwritten with what a parser may stumble over.
std::string tampered(std::string bytes, Rng& rng) {
  static const std::vector<std::string> kWords = {"18446744073709551615", "9223372036854775807", "-1", "0", "1e999", "null", "{}", "[", "\"", "\\u0000",
                                                  "\\ud800", "\"dtype\":", "\"F8_E4M3\"", "\"I64\"", "\"shape\":[],", "__metadata__", std::string(8, '\0'),
                                                  "\xff\xff\xff\xff\xff\xff\xff\xff", std::string(50, '['), "../x.safetensors"};
  const int64_t edits = rng.between(1, 4);
  for (int64_t i = 0; i < edits && !bytes.empty(); ++i) {
    const size_t at = rng.below(bytes.size());
    const size_t count = std::min<size_t>(bytes.size() - at, rng.below(24));
    switch (rng.below(6)) {
      case 0: bytes[at] = static_cast<char>(rng.below(256)); break;
      case 1: bytes[at] = static_cast<char>('0' + rng.below(10)); break;
      case 2: bytes.erase(at, count); break;
      case 3: bytes.insert(at, bytes.substr(rng.below(bytes.size()), count)); break;
      case 4: bytes.replace(at, count, rng.pick(kWords)); break;
      case 5: bytes.resize(at); break;
    }
  }
  return bytes;
}

// Removed first, because file systems write a file that is cut to nothing and filled again to the disk at once.
void replace(const std::string& path, const std::string& bytes) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

// Reads everything that was accepted, so that a view outside its file is caught by the sanitizers or the system.
uint64_t sum_of(std::span<const TensorView> tensors) {
  uint64_t sum = 0;
  for (const TensorView& tensor : tensors)
    for (int64_t i = 0; i < tensor.byte_count(); ++i) sum += static_cast<uint64_t>(tensor.data[i]);
  return sum;
}

}  // namespace

TEST_CASE("a safetensors file with any bytes changed is refused or gives tensors that fill it") {
  const uint64_t seed = Catch::rngSeed();
  const std::string header = R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F8_E4M3","shape":[3,5],"data_offsets":[8,23]},)"
                             R"("w_scale_inv":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[1],"data_offsets":[23,24]}})";
  const std::string good = file_of(header + std::string(8 - header.size() % 8, ' '), "abcdefghijklmnopqrstuvwx");
  Folder folder;
  const std::string path = folder.path() + "/x.safetensors";
  int64_t accepted = 0;
  for (uint64_t round = 0; round < 20'000; ++round) {
    CAPTURE(seed, round);
    Rng rng(seed, "fuzz/safetensors", round);
    const std::string bytes = tampered(good, rng);
    replace(path, bytes);
    const Result<SafetensorsFile> file = SafetensorsFile::open(path);
    if (!file.ok()) {
      REQUIRE(file.error().boundary == Boundary::kInput);
      REQUIRE_FALSE(file.error().what.empty());
      continue;
    }
    ++accepted;
    uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
    int64_t total = 0;
    for (const TensorView& tensor : file->tensors()) total += tensor.byte_count();
    REQUIRE(total == static_cast<int64_t>(bytes.size() - 8 - header_bytes));
    const std::string data = bytes.substr(8 + header_bytes);
    REQUIRE(sum_of(file->tensors()) == std::accumulate(data.begin(), data.end(), uint64_t{0}, [](uint64_t sum, char c) { return sum + static_cast<uint8_t>(c); }));
  }
  // Changes of names, values and data leave a valid file; most others do not.
  CHECK(accepted > 100);
  CHECK(accepted < 10'000);
}

TEST_CASE("a checkpoint whose config or index has any bytes changed is refused, or opens as what it then says") {
  const uint64_t seed = Catch::rngSeed();
  Folder folder;
  ModelConfig config = need(preset_config("dense_tiny"));
  config.layers.resize(1);
  need(write_synthetic(config, folder.path(), {.dtype = WeightDType::kFp8, .shards = 2}));
  for (const std::string file : {"/config.json", "/model.safetensors.index.json"}) {
    const std::string good = need(read_file(folder.path() + file));
    int64_t accepted = 0;
    for (uint64_t round = 0; round < 3'000; ++round) {
      CAPTURE(seed, file, round);
      Rng rng(seed, "fuzz" + file, round);
      replace(folder.path() + file, tampered(good, rng));
      const Result<Checkpoint> checkpoint = Checkpoint::open(folder.path());
      if (!checkpoint.ok()) {
        REQUIRE(checkpoint.error().boundary == Boundary::kInput);
        continue;
      }
      ++accepted;
      REQUIRE(checkpoint->config().validate("").ok());
      REQUIRE(sum_of(checkpoint->tensors()) > 0);
    }
    CHECK(accepted > 10);
    CHECK(accepted < 2'500);
    need(write_file(folder.path() + file, good));
    REQUIRE(Checkpoint::open(folder.path()).ok());
  }
}

}  // namespace assay::test
