// The host's files: reading, writing, listing, by path, by handle and through what lies in the file system.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/sandbox/escape/probe.h"

namespace assay::escape::attacks::files {
namespace {

int read_it(const Arguments& a) { return outcome(contents(a.at("file")) == "secret"); }
int write_it(const Arguments& a) { return outcome(overwrite(a.at("file"), "owned")); }

auto host_file(int mode) {
  return [mode](Scene& scene) { scene.arguments["file"] = scene.file(mode); };
}
auto system_file(int mode) {
  return [mode](Scene& scene) { scene.arguments["file"] = scene.file_in("/usr/local", mode); };
}
bool file_changed(Scene& scene, const Result<RunResult>&, Workspace&) { return scene.text_of(scene.arguments["file"]) == "owned"; }

int list_folder(const Arguments& a) {
  const std::string path = a.at("file");
  DIR* open = opendir(path.substr(0, path.rfind('/')).c_str());
  if (!open) return kStopped;
  while (const dirent* each = readdir(open))
    if (path.ends_with(std::string("/") + each->d_name)) return kSucceeded;
  return kStopped;
}

// The handle was made on the host; any mount of the same file system opens it, for who may.
int open_by_handle(const Arguments& a) {
  alignas(file_handle) char space[sizeof(file_handle) + MAX_HANDLE_SZ] = {};
  auto* handle = reinterpret_cast<file_handle*>(space);
  const std::string hex = a.at("handle");
  handle->handle_bytes = static_cast<unsigned>(hex.size() / 2);
  handle->handle_type = atoi(a.at("type").c_str());
  for (size_t i = 0; i < hex.size() / 2; ++i) handle->f_handle[i] = static_cast<unsigned char>(strtol(hex.substr(2 * i, 2).c_str(), nullptr, 16));
  const int mount = open("/usr", O_RDONLY | O_DIRECTORY);
  const int file = open_by_handle_at(mount, handle, O_RDONLY);
  char text[6] = {};
  return outcome(file >= 0 && read(file, text, 6) == 6 && memcmp(text, "secret", 6) == 0);
}

void make_handle(Scene& scene) {
  alignas(file_handle) char space[sizeof(file_handle) + MAX_HANDLE_SZ] = {};
  auto* handle = reinterpret_cast<file_handle*>(space);
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount;
  const std::string file = scene.file_in("/usr/local", 0600);
  if (name_to_handle_at(AT_FDCWD, file.c_str(), handle, &mount, 0) != 0) return;
  std::string hex;
  for (unsigned i = 0; i < handle->handle_bytes; ++i) {
    char two[3];
    snprintf(two, sizeof two, "%02x", handle->f_handle[i]);
    hex += two;
  }
  scene.arguments["handle"] = hex;
  scene.arguments["type"] = std::to_string(handle->handle_type);
}

int connect_path(const Arguments& a) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, a.at("socket").c_str(), sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  return outcome(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
}

int write_fifo(const Arguments& a) { return outcome(open(a.at("fifo").c_str(), O_WRONLY | O_NONBLOCK) >= 0 || errno == ENXIO); }

int use_device(const Arguments& a) {
  char bytes[4] = {1, 1, 1, 1};
  const int fd = open(a.at("device").c_str(), O_RDONLY);
  return outcome(fd >= 0 && read(fd, bytes, 4) == 4 && bytes[3] == 0);
}

int make_device(const Arguments&) {
  if (mknod("zero", S_IFCHR | 0666, 0x0105) != 0) return kStopped;
  return use_device({{"device", "zero"}});
}

int write_sysctl(const Arguments&) { return outcome(overwrite("/proc/sys/kernel/domainname", "owned")); }
int read_symbols(const Arguments&) { return outcome(!contents("/proc/kallsyms", 16).empty()); }
int write_shared_folder(const Arguments& a) { return write_it(a); }

}  // namespace

std::vector<Attack> make() {
  return {
      {"reads a file of the host that everybody may read", {"mount", "landlock"}, read_it, host_file(0644), nullptr},
      {"reads a file of root's", {"mount", "landlock", "uid"}, read_it, host_file(0600), nullptr},
      {"writes a file of the host that everybody may write", {"mount", "landlock"}, write_it, host_file(0666), file_changed},
      {"writes a file of root's", {"mount", "landlock", "uid"}, write_it, host_file(0644), file_changed},
      {"lists a folder of the host", {"mount"}, list_folder, host_file(0600), nullptr},
      {"changes one of the host's programs that everybody may write", {"read-only", "landlock"}, write_it, system_file(0666), file_changed},
      {"changes one of the host's programs", {"read-only", "landlock", "uid"}, write_it, system_file(0644), file_changed},
      {"opens a file by its handle", {"seccomp", "capabilities", "uid", "user"}, open_by_handle, make_handle, nullptr},
      {"connects to a socket in the host's file system", {"mount"}, connect_path, [](Scene& s) { s.arguments["socket"] = s.path_socket(); }, nullptr},
      {"writes into a pipe of the host's", {"mount", "landlock"}, write_fifo, [](Scene& s) { s.arguments["fifo"] = s.fifo(); }, nullptr},
      {"writes into the host's shared memory folder", {"mount"}, write_shared_folder,
       [](Scene& s) { s.arguments["file"] = s.file_in("/dev/shm", 0666); }, file_changed},
      {"uses a device of the host's", {"dev"}, use_device, [](Scene& s) { s.arguments["device"] = s.device(); }, nullptr},
      {"makes a device and uses it", {"seccomp", "capabilities", "uid", "user", "mount flags"}, make_device, nullptr, nullptr},
      {"sets a variable of the kernel's", {"proc", "uid"}, write_sysctl, nullptr, nullptr},
      {"reads the kernel's symbols", {"proc"}, read_symbols, nullptr, nullptr},
      {"changes limits of a cgroup of the host's", {"mount", "landlock", "uid"},
       [](const Arguments& a) { return outcome(overwrite(a.at("limit"), "max")); }, [](Scene& s) { s.arguments["limit"] = s.cgroup(); },
       [](Scene& s, const Result<RunResult>&, Workspace&) { return s.text_of(s.arguments["limit"]) == "max\n"; }},
  };
}

}  // namespace assay::escape::attacks::files
