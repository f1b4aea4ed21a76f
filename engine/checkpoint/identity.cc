#include "engine/checkpoint/identity.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "envs/base/hash.h"

namespace assay {
namespace {

Error unreadable(const std::string& path) { return input_error("cannot be read", path, "a checkpoint's directory whose files nobody changes meanwhile"); }

Result<std::vector<std::string>> files_of(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(directory, failed), end; !failed && entry != end; entry.increment(failed)) {
    const std::string name = entry->path().filename();
    if (name == "config.json" || name == "tokenizer.json" || name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json")) names.push_back(name);
  }
  if (failed) return unreadable(directory);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<std::string> checkpoint_identity(const std::string& directory) {
  ASSAY_ASSIGN(const std::vector<std::string> names, files_of(directory));
  Sha256 all;
  std::string buffer(size_t{1} << 20, '\0');
  for (const std::string& name : names) {
    const std::string path = directory + "/" + name;
    Sha256 hash;
    std::ifstream file(path, std::ios::binary);
    int64_t bytes = 0;
    while (file) {
      file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
      hash.update(std::string_view(buffer).substr(0, static_cast<size_t>(file.gcount())));
      bytes += file.gcount();
    }
    if (!file.eof()) return unreadable(path);
    all.update(name + "\n" + std::to_string(bytes) + "\n" + hash.hex() + "\n");
  }
  return all.hex();
}

Result<std::string> checkpoint_stamp(const std::string& directory) {
  ASSAY_ASSIGN(const std::vector<std::string> names, files_of(directory));
  std::string stamp;
  for (const std::string& name : names) {
    struct stat status{};
    if (stat((directory + "/" + name).c_str(), &status) != 0) return unreadable(directory + "/" + name);
    for (const int64_t part : {static_cast<int64_t>(status.st_size), static_cast<int64_t>(status.st_mtim.tv_sec), static_cast<int64_t>(status.st_mtim.tv_nsec),
                               static_cast<int64_t>(status.st_ino), static_cast<int64_t>(status.st_dev)})
      stamp += std::to_string(part) + " ";
    stamp += name + "\n";
  }
  return stamp;
}

}  // namespace assay
