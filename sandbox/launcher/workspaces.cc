#include "sandbox/launcher/workspaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/launcher/files.h"
#include "sandbox/launcher/init.h"
#include "sandbox/launcher/run_spec.h"

namespace assay::launcher {
namespace {

// One directory after the other, made where it is missing.
Result<Fd> directory_of(int root, const std::string& path, bool make) {
  Fd at(fcntl(root, F_DUPFD_CLOEXEC, 0));
  size_t start = 0;
  for (size_t slash; (slash = path.find('/', start)) != std::string::npos; start = slash + 1) {
    const std::string name = path.substr(start, slash - start);
    if (name.empty()) continue;
    Fd next = open_beneath(at.get(), name, O_RDONLY | O_DIRECTORY);
    if (!next && make && errno == ENOENT) {
      if (mkdirat(at.get(), name.c_str(), 0755) != 0 || fchownat(at.get(), name.c_str(), kLayerUid, kLayerUid, AT_SYMLINK_NOFOLLOW) != 0)
        return system_error("a directory cannot be made in the workspace", path);
      next = open_beneath(at.get(), name, O_RDONLY | O_DIRECTORY);
    }
    if (!next) return system_error("no such directory in the workspace", path);
    at = std::move(next);
  }
  return at;
}

Result<Fd> open_path(const std::string& path, Opening how) {
  const Fd root(open(kRootPoint.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return system_error("open", kRootPoint);
  ASSAY_ASSIGN(const Fd directory, directory_of(root.get(), path, how != Opening::kRead));
  const std::string name = path.substr(path.rfind('/') + 1);
  Fd file;
  // O_NONBLOCK: a pipe in a file's place must not hold the launcher up.
  if (how == Opening::kRead) {
    file = open_beneath(directory.get(), name, O_RDONLY | O_NONBLOCK);
  } else {
    const uint64_t mode = how == Opening::kWriteExecutable ? 0755 : 0644;
    unlinkat(directory.get(), name.c_str(), 0);
    file = open_beneath(directory.get(), name, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (file && (fchown(file.get(), kLayerUid, kLayerUid) != 0 || fchmod(file.get(), static_cast<mode_t>(mode)) != 0)) file.reset();
  }
  struct stat info {};
  if (!file) return system_error("the file cannot be opened in the workspace", path);
  if (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return make_error(Boundary::kSandbox, "not a regular file of the workspace", path);
  return file;
}

}  // namespace

Result<std::shared_ptr<Layer>> Layer::create(int64_t number, int64_t bytes, int64_t files) {
  const std::string point = std::string(kBase) + "/w/" + std::to_string(number);
  ASSAY_TRY(mount_layer(point, bytes, files));
  return std::shared_ptr<Layer>(new Layer(point));
}

Layer::~Layer() {
  umount2(point_.c_str(), MNT_DETACH);
  rmdir(point_.c_str());
}

Result<Workspace> Workspace::create(int64_t number, const Options& options) {
  Workspace out;
  out.host_programs_ = options.host_programs;
  out.bytes_ = options.bytes;
  out.files_ = options.files;
  out.lower_.push_back(skeleton());
  for (const std::string& layer : options.layers) out.lower_.push_back({layer, ""});
  out.base_ = out.lower_.size();
  ASSAY_ASSIGN(out.own_, Layer::create(number, options.bytes, options.files));
  ASSAY_TRY(out.add_branch());
  return out;
}

Status Workspace::add_branch() {
  ++branch_;
  for (const char* kind : {"/u", "/k"}) {
    const std::string directory = own_->point() + kind + std::to_string(branch_);
    if (mkdir(directory.c_str(), 0755) != 0 || chown(directory.c_str(), kLayerUid, kLayerUid) != 0) return system_error("mkdir", directory);
  }
  return {};
}

Result<Workspace> Workspace::fork(int64_t number) {
  Workspace out;
  lower_.push_back({own_->point(), "u" + std::to_string(branch_)});
  ASSAY_TRY(add_branch());
  out.lower_ = lower_;
  out.base_ = base_;
  out.borrowed_ = borrowed_;
  out.borrowed_.push_back(own_);
  out.bytes_ = bytes_;
  out.files_ = files_;
  out.host_programs_ = host_programs_;
  ASSAY_ASSIGN(out.own_, Layer::create(number, bytes_, files_));
  ASSAY_TRY(out.add_branch());
  return out;
}

RootSpec Workspace::root() const {
  RootSpec out;
  out.lower = lower_;
  out.upper = {own_->point(), "u" + std::to_string(branch_)};
  out.work = {own_->point(), "k" + std::to_string(branch_)};
  out.host_programs = host_programs_;
  return out;
}

Result<std::vector<Fd>> Workspace::branches() const {
  std::vector<Fd> out;
  std::vector<Branch> branches = lower_;
  branches.push_back(root().upper);
  for (const Branch& branch : branches) {
    const std::string path = branch.inside.empty() ? branch.mount : branch.mount + "/" + branch.inside;
    out.emplace_back(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!out.back()) return system_error("open", path);
  }
  return out;
}

Result<Fd> open_inside(const Workspace& workspace, const std::string& path, Opening how) {
  ASSAY_ASSIGN(auto pair, packet_pair());
  const pid_t child = static_cast<pid_t>(syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (child < 0) return system_error("clone");
  if (child == 0) {
    RootSpec root = workspace.root();
    root.host_programs = false;
    Report report;
    Status status = build_overlay(root);
    Fd file;
    if (status.ok()) {
      Result<Fd> opened = open_path(path, how);
      if (opened.ok()) file = std::move(*opened);
      else status = opened.error();
    }
    if (status.ok()) report.kind = Report::kStarted;
    else report = Report::broken(status.error());
    send_report(pair.second.get(), report, file.get());
    _exit(0);
  }
  pair.second.reset();
  Report report;
  Fd file;
  const bool got = receive_report(pair.first.get(), report, file);
  waitpid(child, nullptr, 0);
  if (!got) return make_error(Boundary::kSandbox, "the workspace's helper died", path);
  if (report.kind == Report::kBroken) return report.error();
  return file;
}

}  // namespace assay::launcher
