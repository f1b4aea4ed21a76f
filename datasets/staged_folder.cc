#include "datasets/staged_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>

#include "envs/base/hash.h"
#include "envs/base/json.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "assay-files/1";

Error disk_error(const std::string& doing, const std::string& path, int code) {
  return make_error(Boundary::kStore, "cannot " + doing + ": " + std::strerror(code), path, code == ENOSPC ? "free some space" : "choose a folder that can be written");
}

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

Status sync(const std::string& path) {
  const Descriptor file(path, O_RDONLY);
  if (file.get() < 0 || ::fsync(file.get()) != 0) return disk_error("sync", path, errno);
  return {};
}

Result<Json> digest_of(const std::string& path) {
  const Descriptor file(path, O_RDONLY);
  if (file.get() < 0) return disk_error("read", path, errno);
  std::string block(size_t{1} << 20, '\0');
  Sha256 hash;
  int64_t bytes = 0;
  for (;;) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return disk_error("read", path, errno);
    if (got == 0) return Json{{"bytes", bytes}, {"sha256", hash.hex()}};
    hash.update(std::string_view(block).substr(0, static_cast<size_t>(got)));
    bytes += got;
  }
}

struct Tree {
  std::vector<std::string> files, folders;   // relative, sorted; a link is a file
};

Result<Tree> tree_of(const std::string& folder) {
  Tree tree;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const bool is_folder = it->is_directory(error) && !it->is_symlink(error);
    (is_folder ? tree.folders : tree.files).push_back(fs::path(it->path()).lexically_relative(folder).string());
  }
  if (error) return disk_error("list", folder, error.value());
  std::sort(tree.files.begin(), tree.files.end());
  std::sort(tree.folders.begin(), tree.folders.end());
  return tree;
}

// What an earlier writing put into a folder: nothing, where there is no manifest of ours.
std::set<std::string> written_before(const std::string& folder) {
  std::set<std::string> names;
  const Result<Json> manifest = read_json_file(folder + "/" + kManifestName);
  if (!manifest.ok() || !manifest->is_object() || manifest->value("format", "") != kFormat || !manifest->contains("files")) return names;
  names.insert(kManifestName);
  for (const auto& [name, file] : manifest->at("files").items()) names.insert(name);
  return names;
}

}  // namespace

Result<std::unique_ptr<StagedFolder>> StagedFolder::begin(const std::string& folder) {
  std::error_code error;
  fs::path target = fs::weakly_canonical(fs::absolute(folder), error);
  if (!error && target.filename().empty()) target = target.parent_path();
  const fs::path parent = target.parent_path();
  if (!error) fs::create_directories(parent, error);
  if (error) return disk_error("create the folder", folder, error.value());
  if (!target.has_filename()) return input_error("cannot be written as a whole", folder, "name a folder below it");
  if (fs::exists(target, error) && !fs::is_directory(target, error)) return disk_error("write", folder, ENOTDIR);
  const std::string partial = (parent / ("." + target.filename().string() + ".partial")).string();
  // Whoever holds the lock may have put the folder in its place by now: then the lock is not on what stands here.
  for (;;) {
    if (::mkdir(partial.c_str(), 0755) != 0 && errno != EEXIST) return disk_error("create the folder", partial, errno);
    const int lock = ::open(partial.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0 && errno == ENOENT) continue;
    if (lock < 0) return disk_error("open", partial, errno);
    struct stat locked = {}, there = {};
    const bool taken = ::flock(lock, LOCK_EX | LOCK_NB) == 0;
    const bool same = ::fstat(lock, &locked) == 0 && ::stat(partial.c_str(), &there) == 0 && locked.st_ino == there.st_ino;
    if (taken && same) {
      std::unique_ptr<StagedFolder> staged(new StagedFolder(target.string(), partial, lock));
      for (const auto& entry : fs::directory_iterator(partial, error)) fs::remove_all(entry.path(), error);
      if (error) return disk_error("clear", partial, error.value());
      return staged;
    }
    ::close(lock);
    if (!taken && same) return make_error(Boundary::kStore, "somebody else is writing this folder", folder, "wait until that has ended, or name another folder");
  }
}

StagedFolder::~StagedFolder() {
  // What stands at that path is ours as long as we hold its lock: the unfinished, or what was replaced.
  std::error_code ignored;
  if (!published_ || replaced_ >= 0) fs::remove_all(partial_, ignored);
  if (replaced_ >= 0) ::close(replaced_);
  ::close(lock_);
}

Result<std::string> StagedFolder::place(const std::string& name) {
  const fs::path path = fs::path(partial_) / name;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return disk_error("create the folder", path.parent_path().string(), error.value());
  return path.string();
}

Status StagedFolder::write(const std::string& name, const std::string& text) {
  ASSAY_ASSIGN(const std::string path, place(name));
  return write_file(path, text);
}

Result<std::vector<std::string>> StagedFolder::publish() {
  ASSAY_ASSIGN(const Tree tree, tree_of(partial_));
  Json files = Json::object();
  for (const std::string& name : tree.files) {
    const std::string path = partial_ + "/" + name;
    ASSAY_TRY(sync(path));
    ASSAY_ASSIGN(files[name], digest_of(path));
  }
  ASSAY_TRY(write(kManifestName, Json{{"format", kFormat}, {"files", std::move(files)}}.dump(1) + "\n"));
  std::vector<std::string> ours = tree.files;
  ours.insert(std::lower_bound(ours.begin(), ours.end(), kManifestName), kManifestName);
  ASSAY_TRY(carry_over(ours));
  ASSAY_TRY(put_in_place());
  return ours;
}

// By hard links: the bytes stay where they are, and both folders are whole until one of them goes.
Status StagedFolder::carry_over(const std::vector<std::string>& ours) {
  std::error_code error;
  if (!fs::exists(target_, error)) return {};
  const std::set<std::string> before = written_before(target_);
  ASSAY_ASSIGN(const Tree there, tree_of(target_));
  for (const std::string& name : there.files) {
    if (before.contains(name)) continue;
    if (std::binary_search(ours.begin(), ours.end(), name))
      return make_error(Boundary::kStore, "a file stands here that no export wrote", target_ + "/" + name, "move it away, or name another folder");
    ASSAY_ASSIGN(const std::string path, place(name));
    if (::linkat(AT_FDCWD, (target_ + "/" + name).c_str(), AT_FDCWD, path.c_str(), 0) != 0) return disk_error("keep", target_ + "/" + name, errno);
  }
  struct stat status = {};
  if (::stat(target_.c_str(), &status) == 0) (void)::chmod(partial_.c_str(), status.st_mode & 07777);
  return {};
}

Status StagedFolder::put_in_place() {
  ASSAY_ASSIGN(const Tree tree, tree_of(partial_));
  for (const std::string& folder : tree.folders) ASSAY_TRY(sync(partial_ + "/" + folder));
  ASSAY_TRY(sync(partial_));
  std::error_code error;
  const bool there = fs::exists(target_, error);
  if (there) {
    replaced_ = ::open(target_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (replaced_ < 0 || ::flock(replaced_, LOCK_EX | LOCK_NB) != 0) return disk_error("lock", target_, errno);
  }
  if (::renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, target_.c_str(), there ? RENAME_EXCHANGE : RENAME_NOREPLACE) != 0) {
    if (there && (errno == EINVAL || errno == ENOSYS))
      return make_error(Boundary::kStore, "this file system cannot exchange two folders in one step", target_, "name a folder that is not there yet");
    if (errno == EBUSY || errno == EXDEV) return make_error(Boundary::kStore, std::string("cannot be replaced as a whole: ") + std::strerror(errno), target_, "name a folder below it");
    return disk_error("rename", target_, errno);
  }
  published_ = true;
  return sync(fs::path(target_).parent_path().string());
}

}  // namespace assay
