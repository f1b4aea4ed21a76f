#include "datasets/test_logs.h"

#include <zstd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "envs/base/hash.h"
#include "envs/base/json.h"

namespace assay {
namespace {

namespace fs = std::filesystem;
constexpr size_t kIdDigits = 64, kShortestPrefix = 6;

fs::path folder_of(const std::string& store, const std::string& judgement) { return fs::path(store + ".logs") / judgement.substr(0, 2); }

// A frame that a crash has cut off gives what there is of it.
std::string decompressed(std::string_view bytes, size_t limit_bytes) {
  std::string out;
  ZSTD_DStream* stream = ZSTD_createDStream();
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (size_t state = 1; in.pos < in.size && !ZSTD_isError(state) && out.size() <= limit_bytes;) {
    const size_t had = out.size();
    out.resize(had + ZSTD_DStreamOutSize());
    ZSTD_outBuffer space{out.data() + had, out.size() - had, 0};
    state = ZSTD_decompressStream(stream, &space, &in);
    out.resize(had + space.pos);
  }
  ZSTD_freeDStream(stream);
  if (out.size() <= limit_bytes) return out;
  out.resize(limit_bytes);
  return out + "\n[The log was cut here.]\n";
}

}  // namespace

std::string judgement_id(std::string_view task, std::string_view patch) { return sha256_hex(std::string(task) + "\n" + std::string(patch)); }

Result<std::string> log_base(const std::string& store, const std::string& judgement) {
  const fs::path folder = folder_of(store, judgement);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return make_error(Boundary::kStore, "the folder of logs cannot be made: " + error.message(), folder.string(), "room on the disk, or a store elsewhere");
  return (folder / judgement).string();
}

Result<std::vector<TestLog>> read_logs(const std::string& store, const std::string& judgement, size_t limit_bytes) {
  const Error none = input_error("no log of a judgement '" + judgement + "'", store + ".logs", "assay verify names the logs that it keeps");
  if (judgement.size() < kShortestPrefix || judgement.find('/') != std::string::npos) return none;
  std::vector<fs::path> found;
  std::set<std::string> judgements;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_of(store, judgement), error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(judgement) || !name.ends_with(".zst") || name.size() <= kIdDigits) continue;
    found.push_back(entry.path());
    judgements.insert(name.substr(0, kIdDigits));
  }
  if (found.empty()) return none;
  if (judgements.size() > 1) return input_error("'" + judgement + "' names several judgements", store + ".logs", "more digits of the identity");
  std::sort(found.begin(), found.end());
  std::vector<TestLog> out;
  for (const fs::path& path : found) {
    ASSAY_ASSIGN(const std::string bytes, read_file(path.string()));
    const std::string name = path.filename().string();
    out.push_back({name.substr(kIdDigits + 1, name.size() - kIdDigits - 5), decompressed(bytes, limit_bytes)});
  }
  return out;
}

}  // namespace assay
