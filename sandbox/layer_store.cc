#include "sandbox/layer_store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "envs/base/hash.h"

namespace assay {
namespace {

namespace fs = std::filesystem;
constexpr size_t kBlock = 1 << 20;

Status list(const fs::path& root, const std::string& prefix, std::vector<LayerItem>& out) {
  std::error_code error;
  std::vector<fs::path> children;
  for (fs::directory_iterator it(root / prefix, error), end; !error && it != end; it.increment(error)) children.push_back(it->path());
  if (error) return make_error(Boundary::kSandbox, "the directory cannot be read: " + error.message(), (root / prefix).string());
  std::sort(children.begin(), children.end());
  for (const fs::path& child : children) {
    struct stat info {};
    if (lstat(child.c_str(), &info) != 0) return system_error("a file of the tree cannot be read", child.string());
    LayerItem item{prefix + child.filename().string(), S_ISDIR(info.st_mode) ? 'd' : S_ISLNK(info.st_mode) ? 'l' : 'f', (info.st_mode & 0100) != 0, ""};
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
Status read_blocks(const Fd& file, const std::string& path, const Use& use) {
  std::string block(kBlock, '\0');
  for (ssize_t got; (got = read(file.get(), block.data(), block.size())) != 0;) {
    if (got < 0) return system_error("the file cannot be read", path);
    ASSAY_TRY(use(std::string_view(block.data(), static_cast<size_t>(got))));
  }
  return {};
}

Result<std::string> identity_of(const std::vector<LayerItem>& items, const OpenItem& open, const std::string& inside) {
  Sha256 all;
  const auto add = [&](const std::string& text) { all.update(std::to_string(text.size()) + ":" + text); };
  add("assay-layer/1");
  add(inside);
  for (const LayerItem& item : items) {
    add(item.name);
    add(std::string(1, item.type) + (item.executable ? "x" : "-"));
    if (item.type == 'l') add(item.target);
    if (item.type != 'f') continue;
    Sha256 content;
    ASSAY_ASSIGN(const Fd file, open(item.name));
    ASSAY_TRY(read_blocks(file, item.name, [&](std::string_view block) -> Status {
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

Status copy_file(const OpenItem& open_item, const std::string& from, const fs::path& to, bool executable) {
  Fd file(open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, executable ? 0755 : 0644));
  if (!file) return system_error("the layer cannot be written", to.string(), "room on the disk");
  ASSAY_ASSIGN(const Fd source, open_item(from));
  ASSAY_TRY(read_blocks(source, from, [&](std::string_view block) -> Status {
    while (!block.empty()) {
      const ssize_t wrote = write(file.get(), block.data(), block.size());
      if (wrote < 0) return system_error("the layer cannot be written", to.string(), "room on the disk");
      block.remove_prefix(static_cast<size_t>(wrote));
    }
    return {};
  }));
  // Build systems compare times.
  struct stat info {};
  const timespec times[] = {{0, UTIME_OMIT}, fstat(source.get(), &info) == 0 ? info.st_mtim : timespec{0, UTIME_OMIT}};
  if (futimens(file.get(), times) != 0) return system_error("the layer cannot be written", to.string());
  return {};
}

Status make_directory(const fs::path& path, int64_t owner) {
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return system_error("the layer cannot be written", path.string(), "room on the disk");
  return own(path, owner);
}

Status copy(const std::vector<LayerItem>& items, const OpenItem& open, fs::path to, const std::string& inside, int64_t owner) {
  ASSAY_TRY(make_directory(to, owner));
  for (size_t start = 0; start < inside.size();) {
    const size_t slash = std::min(inside.find('/', start), inside.size());
    if (slash > start) {
      to /= inside.substr(start, slash - start);
      ASSAY_TRY(make_directory(to, owner));
    }
    start = slash + 1;
  }
  for (const LayerItem& item : items) {
    const fs::path target = to / item.name;
    if (item.type == 'd') ASSAY_TRY(make_directory(target, owner));
    else if (item.type == 'f') ASSAY_TRY(copy_file(open, item.name, target, item.executable));
    else if (item.type == 'w' && mknod(target.c_str(), S_IFCHR, 0) != 0) return system_error("a removed file cannot be marked", target.string(), "a disk that takes overlayfs's marks");
    else if (item.type == 'l' && symlink(item.target.c_str(), target.c_str()) != 0) return system_error("the layer cannot be written", target.string());
    if (item.type == 'f' || item.type == 'l') ASSAY_TRY(own(target, owner));
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
    out->folder_ = fs::absolute(folder, error).string();
  }
  return out;
}

LayerStore::~LayerStore() {
  std::error_code error;
  if (temporary_) fs::remove_all(folder_, error);
}

Result<std::string> LayerStore::add(const std::string& directory, const std::string& inside) {
  std::vector<LayerItem> items;
  ASSAY_TRY(list(directory, "", items));
  const OpenItem open_item = [&](const std::string& name) -> Result<Fd> {
    const std::string path = directory + "/" + name;
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return system_error("the file cannot be read", path);
    return file;
  };
  return add(items, open_item, inside);
}

Result<std::string> LayerStore::add(const std::vector<LayerItem>& items, const OpenItem& open, const std::string& inside) {
  if (inside.starts_with("/") || ("/" + inside + "/").find("/../") != std::string::npos) return make_error(Boundary::kSandbox, "not a path below a root", inside);
  ASSAY_ASSIGN(const std::string identity, identity_of(items, open, inside));
  const fs::path target = fs::path(folder_) / identity;
  std::error_code error;
  if (fs::exists(target, error)) return identity;
  fs::create_directories(folder_, error);
  if (error) return make_error(Boundary::kSandbox, "the folder for layers cannot be made: " + error.message(), folder_);
  // Written beside its place and renamed, so that a layer is whole or not there.
  std::string draft = (fs::path(folder_) / ("draft-" + identity.substr(0, 12) + "-XXXXXX")).string();
  if (!mkdtemp(draft.data())) return system_error("the layer cannot be written", draft, "room on the disk");
  chmod(draft.c_str(), 0755);
  Status copied = copy(items, open, draft, inside, owner_);
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

Result<std::string> link_target(const Fd& link, const std::string& name) {
  char target[PATH_MAX];
  const ssize_t size = link ? readlinkat(link.get(), "", target, sizeof target) : -1;
  if (size < 0) return system_error("a link of the workspace cannot be read", name);
  return std::string(target, static_cast<size_t>(size));
}

Result<std::vector<LayerItem>> items_of(const std::vector<Workspace::Change>& changes, const std::vector<std::string>& paths,
                                        const std::function<Result<std::string>(const std::string& name)>& read_link) {
  const auto wanted = [&](const std::string& path) {
    return paths.empty() || std::any_of(paths.begin(), paths.end(), [&](const std::string& each) { return path == each || path.starts_with(each + "/"); });
  };
  std::vector<LayerItem> out;
  std::map<std::string, char> kinds;   // of what the layer has already
  const auto add = [&](LayerItem item) {
    if (kinds.emplace(item.name, item.type).second) out.push_back(std::move(item));
  };
  for (const Workspace::Change& change : changes) {
    const bool removed = change.kind == Workspace::Change::Kind::kRemoved;
    if (!wanted(change.path) || (change.type == 'o' && !removed)) continue;
    // What was below a directory that is gone needs no mark of its own.
    bool covered = false;
    for (size_t slash = 0; !covered && (slash = change.path.find('/', slash + 1)) != std::string::npos;) {
      const auto above = kinds.find(change.path.substr(0, slash));
      covered = above != kinds.end() && above->second != 'd';
      if (above == kinds.end()) add({change.path.substr(0, slash), 'd', false, ""});
    }
    if (covered) continue;
    LayerItem item{change.path, removed ? 'w' : change.type, !removed && change.type == 'f' && change.executable, ""};
    if (item.type == 'l') {
      ASSAY_ASSIGN(item.target, read_link(change.path));
    }
    add(std::move(item));
  }
  return out;
}

}  // namespace assay
