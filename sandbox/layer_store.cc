#include "sandbox/layer_store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "envs/base/hash.h"
#include "sandbox/protocol.h"

namespace assay {
namespace {

namespace fs = std::filesystem;
constexpr size_t kBlock = 1 << 20;

struct Item {
  std::string name;   // from the tree's root
  char type = 'f';
  bool executable = false;
  std::string target;   // of a link
};

Status list(const fs::path& root, const std::string& prefix, std::vector<Item>& out) {
  std::error_code error;
  std::vector<fs::path> children;
  for (fs::directory_iterator it(root / prefix, error), end; !error && it != end; it.increment(error)) children.push_back(it->path());
  if (error) return make_error(Boundary::kSandbox, "the directory cannot be read: " + error.message(), (root / prefix).string());
  std::sort(children.begin(), children.end());
  for (const fs::path& child : children) {
    struct stat info {};
    if (lstat(child.c_str(), &info) != 0) return system_error("a file of the tree cannot be read", child.string());
    Item item{prefix + child.filename().string(), S_ISDIR(info.st_mode) ? 'd' : S_ISLNK(info.st_mode) ? 'l' : 'f', (info.st_mode & 0100) != 0, ""};
    if (!S_ISDIR(info.st_mode) && !S_ISLNK(info.st_mode) && !S_ISREG(info.st_mode))
      return make_error(Boundary::kSandbox, "neither a file, a directory nor a link", child.string(), "leave it out of the tree");
    if (item.type == 'l') item.target = fs::read_symlink(child, error).string();
    const bool directory = item.type == 'd';
    const std::string below = item.name + "/";
    out.push_back(std::move(item));
    if (directory) ASSAY_TRY(list(root, below, out));
  }
  return {};
}

// Calls `use` with the file's blocks.
template <typename Use>
Status read_blocks(const std::string& path, const Use& use) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return system_error("the file cannot be read", path);
  std::string block(kBlock, '\0');
  for (ssize_t got; (got = read(file.get(), block.data(), block.size())) != 0;) {
    if (got < 0) return system_error("the file cannot be read", path);
    ASSAY_TRY(use(std::string_view(block.data(), static_cast<size_t>(got))));
  }
  return {};
}

Result<std::string> identity_of(const fs::path& root, const std::vector<Item>& items, const std::string& inside) {
  Sha256 all;
  const auto add = [&](const std::string& text) { all.update(std::to_string(text.size()) + ":" + text); };
  add("assay-layer/1");
  add(inside);
  for (const Item& item : items) {
    add(item.name);
    add(std::string(1, item.type) + (item.executable ? "x" : "-"));
    if (item.type == 'l') add(item.target);
    if (item.type != 'f') continue;
    Sha256 content;
    ASSAY_TRY(read_blocks((root / item.name).string(), [&](std::string_view block) -> Status {
      content.update(block);
      return {};
    }));
    add(content.hex());
  }
  return all.hex();
}

Status own(const fs::path& path, int64_t owner) {
  if (owner >= 0 && lchown(path.c_str(), static_cast<uid_t>(owner), static_cast<gid_t>(owner)) != 0) return system_error("chown", path.string());
  return {};
}

Status copy_file(const fs::path& from, const fs::path& to, bool executable) {
  Fd file(open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, executable ? 0755 : 0644));
  if (!file) return system_error("the layer cannot be written", to.string(), "room on the disk");
  return read_blocks(from.string(), [&](std::string_view block) -> Status {
    while (!block.empty()) {
      const ssize_t wrote = write(file.get(), block.data(), block.size());
      if (wrote < 0) return system_error("the layer cannot be written", to.string(), "room on the disk");
      block.remove_prefix(static_cast<size_t>(wrote));
    }
    return {};
  });
}

Status make_directory(const fs::path& path, int64_t owner) {
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return system_error("the layer cannot be written", path.string(), "room on the disk");
  return own(path, owner);
}

Status copy(const fs::path& from, fs::path to, const std::string& inside, const std::vector<Item>& items, int64_t owner) {
  ASSAY_TRY(make_directory(to, owner));
  for (size_t start = 0; start < inside.size();) {
    const size_t slash = std::min(inside.find('/', start), inside.size());
    if (slash > start) {
      to /= inside.substr(start, slash - start);
      ASSAY_TRY(make_directory(to, owner));
    }
    start = slash + 1;
  }
  for (const Item& item : items) {
    const fs::path target = to / item.name;
    if (item.type == 'd') ASSAY_TRY(make_directory(target, owner));
    else if (item.type == 'f') ASSAY_TRY(copy_file(from / item.name, target, item.executable));
    else if (symlink(item.target.c_str(), target.c_str()) != 0) return system_error("the layer cannot be written", target.string());
    if (item.type != 'd') ASSAY_TRY(own(target, owner));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<LayerStore>> LayerStore::open(const std::string& folder, int64_t owner) {
  auto out = std::make_unique<LayerStore>();
  out->owner_ = owner;
  std::error_code error;
  if (folder.empty()) {
    std::string name = (fs::temp_directory_path(error) / "assay-layers-XXXXXX").string();
    if (!mkdtemp(name.data())) return system_error("a temporary folder cannot be made", name, "room there, or another folder: TMPDIR");
    out->folder_ = name;
    out->temporary_ = true;
  } else {
    fs::create_directories(folder, error);
    out->folder_ = fs::absolute(folder, error).string();
    if (error) return make_error(Boundary::kSandbox, "the folder for layers cannot be made: " + error.message(), folder);
  }
  return out;
}

LayerStore::~LayerStore() {
  std::error_code error;
  if (temporary_) fs::remove_all(folder_, error);
}

Result<std::string> LayerStore::add(const std::string& directory, const std::string& inside) {
  for (const std::string& part : {inside})
    if (part.starts_with("/") || ("/" + part + "/").find("/../") != std::string::npos) return make_error(Boundary::kSandbox, "not a path below a root", inside);
  std::vector<Item> items;
  ASSAY_TRY(list(directory, "", items));
  ASSAY_ASSIGN(const std::string identity, identity_of(directory, items, inside));
  const fs::path target = fs::path(folder_) / identity;
  std::error_code error;
  if (fs::exists(target, error)) return identity;
  // Written beside its place and renamed, so that a layer is whole or not there.
  std::string draft = (fs::path(folder_) / ("draft-" + identity.substr(0, 12) + "-XXXXXX")).string();
  if (!mkdtemp(draft.data())) return system_error("the layer cannot be written", draft, "room on the disk");
  chmod(draft.c_str(), 0755);
  Status copied = copy(directory, draft, inside, items, owner_);
  if (copied.ok() && rename(draft.c_str(), target.c_str()) != 0 && !fs::exists(target, error)) copied = system_error("the layer cannot be put in its place", target.string());
  fs::remove_all(draft, error);
  if (!copied.ok()) return copied.error();
  return identity;
}

Result<std::string> LayerStore::path(const std::string& identity) const {
  const std::string out = folder_ + "/" + identity;
  std::error_code error;
  if (identity.size() != 64 || identity.find_first_not_of("0123456789abcdef") != std::string::npos || !fs::is_directory(out, error))
    return make_error(Boundary::kSandbox, "no such layer", out);
  return out;
}

}  // namespace assay
