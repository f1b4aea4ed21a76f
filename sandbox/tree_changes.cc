#include "sandbox/tree_changes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <functional>
#include <map>

namespace assay {
namespace {

using Change = Workspace::Change;
constexpr int kMostDepth = 256;

struct Entry {
  std::string name;
  struct stat info {};
  bool whiteout() const { return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0); }
};

Result<std::vector<Entry>> entries_of(int directory) {
  const int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* open = copy < 0 ? nullptr : fdopendir(copy);
  if (!open) return system_error("a directory of the workspace cannot be read");
  std::vector<Entry> out;
  while (const dirent* each = readdir(open)) {
    Entry entry{each->d_name, {}};
    if (entry.name == "." || entry.name == "..") continue;
    if (fstatat(directory, each->d_name, &entry.info, AT_SYMLINK_NOFOLLOW) == 0) out.push_back(std::move(entry));
  }
  closedir(open);
  return out;
}

Fd child(int directory, const std::string& name) { return Fd(openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)); }

bool is_opaque(int directory) {
  char value = 0;
  return fgetxattr(directory, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

Change change_of(const std::string& path, const struct stat& info, Change::Kind kind) {
  const bool file = S_ISREG(info.st_mode);
  return {kind, path, file ? 'f' : S_ISDIR(info.st_mode) ? 'd' : S_ISLNK(info.st_mode) ? 'l' : 'o', file ? info.st_size : 0,
          file && (info.st_mode & 0100) != 0};
}

class Walk {
 public:
  Walk(const std::vector<Fd>& branches, size_t base, size_t limit) : branches_(branches), base_(base), limit_(limit) {}

  Result<std::vector<Change>> run() {
    for (size_t i = base_; i < branches_.size(); ++i) ASSAY_TRY(branch(branches_[i].get(), "", 0));
    std::vector<Change> out;
    for (auto& [path, change] : found_) out.push_back(std::move(change));
    return out;
  }

 private:
  Status add(Change change) {
    if (found_.size() >= limit_) return make_error(Boundary::kSandbox, "the workspace changed more than " + std::to_string(limit_) + " files");
    std::string path = change.path;
    found_[std::move(path)] = std::move(change);
    return {};
  }

  void forget_below(const std::string& path) { found_.erase(found_.lower_bound(path + "/"), found_.lower_bound(path + "0")); }   // '0' follows '/'

  Status branch(int directory, const std::string& prefix, int depth) {
    if (depth > kMostDepth) return make_error(Boundary::kSandbox, "the workspace's directories are too deep", prefix);
    ASSAY_ASSIGN(const std::vector<Entry> entries, entries_of(directory));
    for (const Entry& entry : entries) {
      const std::string path = prefix + entry.name;
      struct stat before {};
      const bool was = in_base(path, before);
      if (entry.whiteout()) {
        forget_below(path);
        found_.erase(path);
        if (was) ASSAY_TRY(removed(path, before));
        continue;
      }
      const bool directory_now = S_ISDIR(entry.info.st_mode), directory_before = was && S_ISDIR(before.st_mode);
      if (!directory_now) forget_below(path);
      if (was && directory_before && !directory_now) ASSAY_TRY(removed(path, before));
      if (!was || !directory_before || !directory_now) ASSAY_TRY(add(change_of(path, entry.info, was ? Change::Kind::kChanged : Change::Kind::kAdded)));
      if (!directory_now) continue;
      const Fd below = child(directory, entry.name);
      if (!below) return system_error("a directory of the workspace cannot be read", path);
      if (is_opaque(below.get())) {
        forget_below(path);
        if (directory_before) ASSAY_TRY(removed_below(path));
      }
      ASSAY_TRY(branch(below.get(), path + "/", depth + 1));
    }
    return {};
  }

  // In the merged base: the highest branch that knows the path decides.
  bool in_base(const std::string& path, struct stat& info) const {
    for (size_t i = base_; i-- > 0;) {
      Fd at(fcntl(branches_[i].get(), F_DUPFD_CLOEXEC, 0));
      size_t start = 0;
      for (size_t slash; at && (slash = path.find('/', start)) != std::string::npos; start = slash + 1) {
        const std::string name = path.substr(start, slash - start);
        Entry step{name, {}};
        if (fstatat(at.get(), name.c_str(), &step.info, AT_SYMLINK_NOFOLLOW) == 0 && step.whiteout()) return false;
        at = child(at.get(), name);
      }
      Entry last{path.substr(start), {}};
      if (!at || fstatat(at.get(), last.name.c_str(), &last.info, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (last.whiteout()) return false;
      info = last.info;
      return true;
    }
    return false;
  }

  Status removed(const std::string& path, const struct stat& before) {
    if (S_ISDIR(before.st_mode)) ASSAY_TRY(removed_below(path));
    return add(change_of(path, before, Change::Kind::kRemoved));
  }

  Status removed_below(const std::string& path) {
    for (size_t i = 0; i < base_; ++i) {
      Fd at(fcntl(branches_[i].get(), F_DUPFD_CLOEXEC, 0));
      for (size_t start = 0; at && start < path.size();) {
        const size_t slash = std::min(path.find('/', start), path.size());
        at = child(at.get(), path.substr(start, slash - start));
        start = slash + 1;
      }
      if (!at) continue;
      ASSAY_ASSIGN(const std::vector<Entry> entries, entries_of(at.get()));
      for (const Entry& entry : entries) {
        struct stat info {};
        const std::string name = path + "/" + entry.name;
        if (!found_.count(name) && in_base(name, info)) ASSAY_TRY(removed(name, info));
      }
    }
    return {};
  }

  const std::vector<Fd>& branches_;
  const size_t base_, limit_;
  std::map<std::string, Change> found_;
};

}  // namespace

Result<std::vector<Change>> tree_changes(const std::vector<Fd>& branches, size_t base, size_t limit) { return Walk(branches, base, limit).run(); }

}  // namespace assay
