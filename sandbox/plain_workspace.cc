#include "sandbox/plain_workspace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "sandbox/protocol.h"

namespace assay {
namespace {

namespace fs = std::filesystem;
constexpr size_t kMostFiles = 1'000'000;
constexpr int kMostDepth = 256;
constexpr const char* kRoom = "room there, or another folder: TMPDIR";
constexpr const char* kEtc = "etc";   // for backends to show; no part of the workspace

Fd open_below(const std::string& root, const std::string& path, uint64_t flags, uint64_t mode = 0) {
  const Fd directory(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return open_beneath(directory.get(), path, flags | (flags & O_PATH ? 0 : O_NONBLOCK), mode);
}

Status own(const fs::path& path, int64_t owner) {
  if (owner >= 0 && lchown(path.c_str(), static_cast<uid_t>(owner), static_cast<gid_t>(owner)) != 0)
    return system_error("the user of runs cannot own it", path.string(), errno == EINVAL ? "in a rootless container, run as another user than its root" : "");
  return {};
}

Status own_all(const fs::path& root, int64_t owner) {
  ASSAY_TRY(own(root, owner));
  std::error_code error;
  for (fs::recursive_directory_iterator it(root, error), end; !error && it != end; it.increment(error)) ASSAY_TRY(own(it->path(), owner));
  return {};
}

void replace_link(const fs::path& from, const fs::path& to, std::error_code& error) {
  fs::remove(to, error);
  fs::copy_symlink(from, to, error);
}

// With its time, which build systems compare.
void replace_file(const fs::path& from, const fs::path& to, std::error_code& error) {
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (!error) fs::last_write_time(to, fs::last_write_time(from, error), error);
}

// Lays `from` over `to`. A mark of overlayfs, a character device of number 0, hides what `to` has there; sockets are left behind.
Status copy_tree(const fs::path& from, const fs::path& to) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(from, error), end; !error && it != end; it.increment(error)) {
    const fs::path target = to / it->path().lexically_relative(from);
    const fs::file_status status = it->symlink_status(error);
    if (fs::is_character_file(status) || (fs::is_directory(fs::symlink_status(target, error)) != fs::is_directory(status))) fs::remove_all(target, error);
    error.clear();
    if (fs::is_directory(status)) fs::create_directory(target, error);
    else if (fs::is_symlink(status)) replace_link(it->path(), target, error);
    else if (fs::is_regular_file(status)) replace_file(it->path(), target, error);
    else if (fs::is_fifo(status) && mkfifo(target.c_str(), 0644) != 0) return system_error("a workspace cannot be copied", it->path().string());
    if (error) break;
  }
  if (error) return make_error(Boundary::kSandbox, "a workspace cannot be copied: " + error.message(), from.string(), kRoom);
  return {};
}

}  // namespace

Result<std::unique_ptr<PlainWorkspace>> PlainWorkspace::create(const std::vector<std::string>& layers, int64_t owner) {
  std::error_code error;
  std::string name = (fs::temp_directory_path(error) / "assay-workspace-XXXXXX").string();
  if (!mkdtemp(name.data())) return system_error("a workspace cannot be made", name, kRoom);
  chmod(name.c_str(), 0755);
  auto out = std::make_unique<PlainWorkspace>();
  out->root_ = name;
  out->owner_ = owner;
  for (const std::string& layer : layers) ASSAY_TRY(copy_tree(layer, name));
  for (const char* each : {"work", "tmp", "home", "home/user", kEtc}) {
    fs::create_directory(fs::path(name) / each, error);
    if (error) return make_error(Boundary::kSandbox, "a workspace cannot be made: " + error.message(), name, kRoom);
  }
  const std::string user = "user:x:1000:1000::/home/user:/bin/sh\n";
  for (const auto& [file, text] : {std::pair("/passwd", "root:x:0:0:root:/root:/usr/sbin/nologin\n" + user), std::pair("/group", "root:x:0:\n" + std::string("user:x:1000:\n"))})
    if (const Status written = write_file(name + "/" + kEtc + file, text); !written.ok())
      return make_error(Boundary::kSandbox, "a workspace cannot be made: " + written.error().what, written.error().where, kRoom);
  ASSAY_TRY(own_all(name, owner));
  ASSAY_ASSIGN(out->before_, out->list());
  return out;
}

PlainWorkspace::~PlainWorkspace() {
  std::error_code error;
  if (!root_.empty()) fs::remove_all(root_, error);
}

Result<std::map<std::string, PlainWorkspace::Stamp>> PlainWorkspace::list() const {
  std::map<std::string, Stamp> out;
  std::error_code error;
  for (fs::recursive_directory_iterator it(root_, error), end; !error && it != end; it.increment(error)) {
    if (out.size() >= kMostFiles || it.depth() > kMostDepth) return make_error(Boundary::kSandbox, "the workspace has too many files or too deep directories", root_);
    if (it.depth() == 0 && it->path().filename() == kEtc) {
      it.disable_recursion_pending();
      continue;
    }
    struct stat info {};
    if (lstat(it->path().c_str(), &info) != 0) continue;
    Stamp stamp{S_ISREG(info.st_mode) ? 'f' : S_ISDIR(info.st_mode) ? 'd' : S_ISLNK(info.st_mode) ? 'l' : 'o', S_ISREG(info.st_mode) && (info.st_mode & 0100) != 0,
                S_ISREG(info.st_mode) ? info.st_size : 0, info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec, static_cast<int64_t>(info.st_ino), ""};
    if (stamp.type == 'd') stamp.changed_ns = stamp.inode = 0;
    out.emplace(it->path().string().substr(root_.size() + 1), std::move(stamp));
  }
  if (error) return make_error(Boundary::kSandbox, "the workspace cannot be read: " + error.message(), root_);
  return out;
}

Result<std::vector<Workspace::Change>> PlainWorkspace::changes() {
  ASSAY_ASSIGN(const auto now, list());
  std::map<std::string, Change> found;
  for (const auto& [path, stamp] : now) {
    const auto was = before_.find(path);
    if (was != before_.end() && was->second.type == stamp.type && was->second.executable == stamp.executable && was->second.bytes == stamp.bytes &&
        was->second.changed_ns == stamp.changed_ns && was->second.inode == stamp.inode)
      continue;
    found[path] = {was == before_.end() ? Change::Kind::kAdded : Change::Kind::kChanged, path, stamp.type, stamp.bytes, stamp.executable};
  }
  for (const auto& [path, stamp] : before_)
    if (!now.count(path)) found[path] = {Change::Kind::kRemoved, path, stamp.type, stamp.bytes, stamp.executable};
  std::vector<Change> out;
  for (auto& [path, change] : found) out.push_back(std::move(change));
  return out;
}

Result<std::string> PlainWorkspace::read(const std::string& path, int64_t limit) {
  const Fd file = open_below(root_, path, O_RDONLY);
  struct stat info {};
  if (!file) return system_error("the file cannot be opened in the workspace", path);
  if (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return make_error(Boundary::kSandbox, "not a regular file of the workspace", path);
  std::string out;
  char block[1 << 16];
  for (ssize_t got; (got = ::read(file.get(), block, sizeof block)) != 0;) {
    if (got < 0) return system_error("a file of the workspace cannot be read", path);
    out.append(block, static_cast<size_t>(got));
    if (static_cast<int64_t>(out.size()) > limit) return make_error(Boundary::kSandbox, "the file has more than " + std::to_string(limit) + " bytes", path);
  }
  return out;
}

Status PlainWorkspace::write(const std::string& path, std::string_view bytes, bool executable) {
  for (size_t slash = 0; (slash = path.find('/', slash + 1)) != std::string::npos;) {
    const std::string directory = path.substr(0, slash);
    if (open_below(root_, directory, O_PATH | O_DIRECTORY)) continue;
    const std::string name = directory.substr(directory.rfind('/') + 1);
    const Fd parent = open_below(root_, directory.size() == name.size() ? "." : directory.substr(0, directory.size() - name.size()), O_RDONLY | O_DIRECTORY);
    if (!parent || mkdirat(parent.get(), name.c_str(), 0755) != 0) return system_error("a directory cannot be made in the workspace", directory);
    if (owner_ >= 0 && fchownat(parent.get(), name.c_str(), static_cast<uid_t>(owner_), static_cast<gid_t>(owner_), AT_SYMLINK_NOFOLLOW) != 0) return system_error("chown", directory);
  }
  const std::string name = path.substr(path.rfind('/') + 1);
  const Fd parent = open_below(root_, path.size() == name.size() ? "." : path.substr(0, path.size() - name.size()), O_RDONLY | O_DIRECTORY);
  if (parent) unlinkat(parent.get(), name.c_str(), 0);
  const Fd file = open_below(root_, path, O_WRONLY | O_CREAT | O_EXCL, executable ? 0755 : 0644);
  if (!file) return system_error("a file of the workspace cannot be written", path);
  if (owner_ >= 0 && fchown(file.get(), static_cast<uid_t>(owner_), static_cast<gid_t>(owner_)) != 0) return system_error("chown", path);
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(file.get(), bytes.data(), bytes.size());
    if (wrote < 0) return system_error("a file of the workspace cannot be written", path);
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return {};
}

Result<std::string> PlainWorkspace::keep(LayerStore& layers, const std::vector<std::string>& paths) {
  ASSAY_ASSIGN(const auto changed, changes());
  ASSAY_ASSIGN(const auto items, items_of(changed, paths, [&](const std::string& name) { return link_target(open_below(root_, name, O_PATH | O_NOFOLLOW), name); }));
  return layers.add(items, [&](const std::string& name) -> Result<Fd> {
    Fd file = open_below(root_, name, O_RDONLY | O_NOFOLLOW);
    if (!file) return system_error("a file of the workspace cannot be read", name);
    return file;
  }, "");
}

Result<std::unique_ptr<Workspace>> PlainWorkspace::fork() {
  ASSAY_ASSIGN(std::unique_ptr<PlainWorkspace> out, create({}, owner_));
  ASSAY_TRY(copy_tree(root_, out->root_));
  ASSAY_TRY(own_all(out->root_, owner_));
  // What counts as changed goes on from where this one began; times of the copy are new, so contents decide by size and kind.
  ASSAY_ASSIGN(const auto copied, out->list());
  ASSAY_ASSIGN(const auto here, list());
  out->before_ = before_;
  for (auto& [path, stamp] : out->before_) {
    const auto now = here.find(path), copy = copied.find(path);
    if (now == here.end() || copy == copied.end() || now->second.changed_ns != stamp.changed_ns || now->second.inode != stamp.inode) continue;
    stamp = copy->second;
  }
  return std::unique_ptr<Workspace>(std::move(out));
}

}  // namespace assay
