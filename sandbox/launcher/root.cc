#include "sandbox/launcher/root.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <map>

#include "sandbox/launcher/files.h"
#include "sandbox/launcher/run_spec.h"

namespace assay::launcher {
namespace {

const std::string kSkeleton = std::string(kBase) + "/skeleton";
const std::string kDevices = std::string(kBase) + "/dev";
const std::string kPoints = std::string(kBase) + "/m";   // mount points of id-mapped branches
constexpr int kMostPoints = 64;

Status make_directory(const std::string& path, mode_t mode, unsigned owner = 0) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return system_error("mkdir", path);
  if (chown(path.c_str(), owner, owner) != 0 || chmod(path.c_str(), mode) != 0) return system_error("mkdir", path);
  return {};
}

Status make_file(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  const bool good = fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0) close(fd);
  if (!good) return system_error("writing", path);
  return {};
}

// What programs look for in /etc; all else of the host's /etc stays out.
Status make_etc(const std::string& etc) {
  const std::string user = std::to_string(kInsideUid);
  ASSAY_TRY(make_file(etc + "/passwd", "root:x:0:0:root:/root:/usr/sbin/nologin\nuser:x:" + user + ":" + user +
                                           "::/home/user:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"));
  ASSAY_TRY(make_file(etc + "/group", "root:x:0:\nuser:x:" + user + ":\nnogroup:x:65534:\n"));
  ASSAY_TRY(make_file(etc + "/hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n"));
  ASSAY_TRY(make_file(etc + "/hostname", "sandbox\n"));
  ASSAY_TRY(make_file(etc + "/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"));
  ASSAY_TRY(make_file(etc + "/resolv.conf", ""));
  ASSAY_TRY(make_file(etc + "/machine-id", "00000000000000000000000000000000\n"));
  // Public and needed: where shared libraries are, and what a list of services says.
  for (const char* name : {"ld.so.cache", "ld.so.conf", "services", "protocols", "mime.types", "debian_version", "os-release", "localtime", "timezone", "matplotlibrc", "inputrc"})
    if (const std::string text = get(std::string("/etc/") + name); !text.empty()) ASSAY_TRY(make_file(etc + "/" + name, text));
  for (const char* name : {"alternatives", "ssl", "fonts", "python3", "python3.11", "java-17-openjdk", "ca-certificates"})
    if (access((std::string("/etc/") + name).c_str(), F_OK) == 0) ASSAY_TRY(make_directory(etc + "/" + name, 0755));
  return {};
}

Status make_skeleton() {
  ASSAY_TRY(make_directory(kSkeleton, 0755, kLayerUid));
  for (const char* name : {"work", "home", "home/user", "run", "var", "var/tmp", "tmp", "opt", "srv"})
    ASSAY_TRY(make_directory(kSkeleton + "/" + name, 0755, kLayerUid));
  for (const char* name : {"tmp", "var/tmp"})
    if (chmod((kSkeleton + "/" + name).c_str(), 01777) != 0) return system_error("chmod", name);
  for (const char* name : {"etc", "usr", "proc", "dev", "sys", "root"}) ASSAY_TRY(make_directory(kSkeleton + "/" + name, 0755));
  ASSAY_TRY(make_etc(kSkeleton + "/etc"));
  for (const char* name : {"bin", "sbin", "lib", "lib32", "lib64", "libx32"}) {
    const std::string host = std::string("/") + name;
    struct stat info {};
    if (lstat(host.c_str(), &info) != 0) continue;
    if (!S_ISLNK(info.st_mode)) ASSAY_TRY(make_directory(kSkeleton + host, 0755));
    else if (symlink((std::string("usr/") + name).c_str(), (kSkeleton + host).c_str()) != 0 && errno != EEXIST) return system_error("symlink", host);
  }
  return {};
}

Status make_devices() {
  ASSAY_TRY(make_directory(kDevices, 0755));
  if (mount("dev", kDevices.c_str(), "tmpfs", MS_NOSUID | MS_NOEXEC, "size=64k,nr_inodes=64,mode=755") != 0) return system_error("mounting", kDevices);
  struct Device {
    const char* name;
    unsigned major, minor;
  };
  for (const Device& d : {Device{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}}) {
    const std::string path = kDevices + "/" + d.name;
    if (mknod(path.c_str(), S_IFCHR | 0666, makedev(d.major, d.minor)) != 0 || chmod(path.c_str(), 0666) != 0) return system_error("mknod", path);
  }
  const std::pair<const char*, const char*> links[] = {{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
                                                       {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"}};
  for (const auto& [name, target] : links)
    if (symlink(target, (kDevices + "/" + name).c_str()) != 0) return system_error("symlink", name);
  for (const char* name : {"shm", "pts"}) ASSAY_TRY(make_directory(kDevices + "/" + name, 0755));
  return {};
}

// A copy of the mount at `from`, set to `flags`, placed at `to`.
Status bind_mount(const std::string& from, const std::string& to, uint64_t flags, int id_map = -1) {
  const Fd tree(open_tree_clone(from.c_str()));
  if (!tree) return system_error("open_tree", from);
  if ((flags || id_map >= 0) && set_mount_flags(tree.get(), flags, id_map) != 0)
    return id_map >= 0 ? system_error("its file system cannot be id-mapped", from, "layers on ext4, XFS, Btrfs or tmpfs: another TMPDIR") : system_error("mount_setattr", from);
  if (move_mount_to(tree.get(), to.c_str()) != 0) return system_error("move_mount", to);
  return {};
}

class Branches {
 public:
  explicit Branches(int id_map) : id_map_(id_map) {}

  // The path under which overlayfs finds a branch; its mount is id-mapped once.
  Result<std::string> path(const Branch& branch) {
    std::string point = branch.mount;
    if (id_map_ >= 0) {
      auto [it, fresh] = points_.try_emplace(branch.mount, kPoints + "/" + std::to_string(points_.size()));
      if (fresh && points_.size() > kMostPoints) return make_error(Boundary::kSandbox, "a workspace of more than " + std::to_string(kMostPoints) + " layers", "", "start from a new workspace");
      if (fresh) ASSAY_TRY(bind_mount(branch.mount, it->second, 0, id_map_));
      point = it->second;
    }
    return branch.inside.empty() ? point : point + "/" + branch.inside;
  }

 private:
  int id_map_;
  std::map<std::string, std::string> points_;
};

Status mount_overlay(const RootSpec& spec) {
  const unsigned long flags = spec.walls.has(Wall::kMountFlags) ? MS_NOSUID | MS_NODEV : 0;
  Branches branches(spec.id_map);
  std::string options = "lowerdir=", lower;
  for (auto it = spec.lower.rbegin(); it != spec.lower.rend(); ++it) {
    ASSAY_ASSIGN(const std::string path, branches.path(*it));
    lower += (lower.empty() ? "" : ":") + path;
  }
  ASSAY_ASSIGN(const std::string upper, branches.path(spec.upper));
  ASSAY_ASSIGN(const std::string work, branches.path(spec.work));
  options += lower + ",upperdir=" + upper + ",workdir=" + work;
  if (options.size() > 4000) return make_error(Boundary::kSandbox, "a workspace of too many layers", "", "start from a new workspace");
  if (mount("work", kRootPoint.c_str(), "overlay", flags, options.c_str()) != 0)
    return system_error("overlayfs cannot be mounted", kRootPoint, errno == ENODEV ? "modprobe overlay" : "dmesg");
  return {};
}

Status mount_host_programs(const RootSpec& spec) {
  const uint64_t flags = (spec.walls.has(Wall::kReadOnly) ? MOUNT_ATTR_RDONLY : 0) |
                         (spec.walls.has(Wall::kMountFlags) ? MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV : 0);
  for (const char* name : {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives", "/etc/ssl", "/etc/fonts", "/etc/python3",
                           "/etc/python3.11", "/etc/java-17-openjdk", "/etc/ca-certificates"}) {
    struct stat info {};
    if (lstat(name, &info) != 0 || !S_ISDIR(info.st_mode)) continue;
    ASSAY_TRY(bind_mount(name, kRootPoint + name, flags));
  }
  return {};
}

Status mount_devices(const RootSpec& spec) {
  const std::string dev = kRootPoint + "/dev";
  if (!spec.walls.has(Wall::kDev)) return bind_mount("/dev", dev, 0);
  ASSAY_TRY(bind_mount(kDevices, dev, MOUNT_ATTR_RDONLY));
  if (mount("pts", (dev + "/pts").c_str(), "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620") != 0) return system_error("mounting devpts", dev);
  if (mount("shm", (dev + "/shm").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=64m,nr_inodes=4096") != 0) return system_error("mounting tmpfs", dev + "/shm");
  return {};
}

Status mount_proc(const RootSpec& spec) {
  const std::string proc = kRootPoint + "/proc";
  if (mount("proc", proc.c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) return system_error("mounting proc", proc);
  if (!spec.walls.has(Wall::kProc)) return {};
  for (const char* name : {"/sys", "/irq", "/bus", "/fs"})
    if (access((proc + name).c_str(), F_OK) == 0) ASSAY_TRY(bind_mount(proc + name, proc + name, MOUNT_ATTR_RDONLY));
  for (const char* name : {"/kcore", "/keys", "/key-users", "/timer_list", "/sysrq-trigger", "/kallsyms", "/kmsg", "/kpageflags", "/kpagecount", "/kpagecgroup"})
    if (access((proc + name).c_str(), F_OK) == 0) ASSAY_TRY(bind_mount(kDevices + "/null", proc + name, MOUNT_ATTR_RDONLY));
  return {};
}

}  // namespace

Branch skeleton() { return {kBase, "skeleton"}; }

Status prepare_base() {
  if (mkdir(kBase, 0700) != 0 && errno != EEXIST) return system_error("the launcher's folder cannot be made", kBase, "room on /run, and a /run that can be written");
  if (unshare(CLONE_NEWNS) != 0) return system_error("a mount namespace cannot be made", "", "a container needs CAP_SYS_ADMIN, as by docker run --privileged");
  if (mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return system_error("mounts cannot be made private", "/", "a root entered by pivot_root, not by chroot");
  if (mount("assay", kBase, "tmpfs", MS_NOSUID | MS_NODEV, "mode=711,size=64m") != 0) return system_error("mounting tmpfs", kBase);
  for (const char* name : {"root", "m", "w"}) ASSAY_TRY(make_directory(std::string(kBase) + "/" + name, 0711));
  for (int i = 0; i < kMostPoints; ++i) ASSAY_TRY(make_directory(kPoints + "/" + std::to_string(i), 0755));
  ASSAY_TRY(make_skeleton());
  return make_devices();
}

Status mount_layer(const std::string& point, int64_t bytes, int64_t files) {
  ASSAY_TRY(make_directory(point, 0755));
  const std::string options = "mode=755,size=" + std::to_string(bytes) + ",nr_inodes=" + std::to_string(files);
  if (mount("layer", point.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) return system_error("mounting tmpfs", point);
  return {};
}

Status build_overlay(const RootSpec& spec) { return mount_overlay(spec); }

Status build_root(const RootSpec& spec) {
  ASSAY_TRY(mount_overlay(spec));
  if (spec.host_programs) ASSAY_TRY(mount_host_programs(spec));
  ASSAY_TRY(mount_devices(spec));
  return mount_proc(spec);
}

Status enter_root() {
  if (chdir(kRootPoint.c_str()) != 0) return system_error("chdir", kRootPoint);
  if (syscall(SYS_pivot_root, ".", ".") != 0) return system_error("pivot_root", kRootPoint);
  if (umount2(".", MNT_DETACH) != 0) return system_error("leaving the old root");
  if (chdir("/") != 0) return system_error("chdir", "/");
  return {};
}

}  // namespace assay::launcher
