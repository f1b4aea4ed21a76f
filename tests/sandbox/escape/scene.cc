#include <arpa/inet.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/sandbox/escape/attack.h"
#include "tests/sandbox/escape/probe.h"

namespace assay::escape {

namespace fs = std::filesystem;

struct Scene::State {
  std::string folder;
  std::vector<std::string> files;       // to remove
  std::vector<int> processes, sockets, segments, semaphores, queues, descriptors;
  std::vector<std::string> posix_queues, cgroups;
  int terminal = -1;
  int made = 0;
  std::string name() { return "assay-victim-" + std::to_string(getpid()) + "-" + std::to_string(made++); }
};

Scene::Scene() : state_(new State) {
  char folder[] = "/tmp/assay-victim-XXXXXX";
  state_->folder = mkdtemp(folder);
  chmod(folder, 0755);
}

Scene::~Scene() {
  for (int each : state_->processes) {
    kill(each, SIGKILL);
    waitpid(each, nullptr, 0);
  }
  for (int each : state_->sockets) close(each);
  for (int each : state_->descriptors) close(each);
  for (int each : state_->segments) shmctl(each, IPC_RMID, nullptr);
  for (int each : state_->semaphores) semctl(each, 0, IPC_RMID);
  for (int each : state_->queues) msgctl(each, IPC_RMID, nullptr);
  for (const std::string& each : state_->posix_queues) mq_unlink(each.c_str());
  for (const std::string& each : state_->cgroups) rmdir(each.c_str());
  for (const std::string& each : state_->files) unlink(each.c_str());
  if (state_->terminal >= 0) close(state_->terminal);
  std::error_code error;
  fs::remove_all(state_->folder, error);
  unsetenv("ASSAY_SECRET");
  delete state_;
}

std::string Scene::file_in(const std::string& folder, int mode) {
  const std::string path = folder + "/" + state_->name();
  std::ofstream(path) << "secret";
  chmod(path.c_str(), static_cast<mode_t>(mode));
  state_->files.push_back(path);
  return path;
}

std::string Scene::file(int mode, const std::string& text) {
  const std::string path = file_in(state_->folder, mode);
  std::ofstream(path) << text;
  return path;
}

int Scene::process() {
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execle("/bin/sleep", "sleep", "60", nullptr, std::vector<char*>{const_cast<char*>("ASSAY_VICTIM=secret"), nullptr}.data());
    _exit(1);
  }
  state_->processes.push_back(child);
  for (int i = 0; i < 1000 && contents("/proc/" + std::to_string(child) + "/comm") != "sleep\n"; ++i) usleep(1'000);
  return child;
}

namespace {

int bound(int family, int type, const sockaddr* address, socklen_t size) {
  const int fd = socket(family, type | SOCK_CLOEXEC, 0);
  if (bind(fd, address, size) != 0 || (type == SOCK_STREAM && listen(fd, 4) != 0)) {
    close(fd);
    return -1;
  }
  return fd;
}

int port_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);   // at the same place in both families
}

sockaddr_in loopback() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

int Scene::tcp(bool six) {
  const sockaddr_in four = loopback();
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const int fd = six ? bound(AF_INET6, SOCK_STREAM, reinterpret_cast<const sockaddr*>(&address), sizeof address)
                     : bound(AF_INET, SOCK_STREAM, reinterpret_cast<const sockaddr*>(&four), sizeof four);
  state_->sockets.push_back(fd);
  return fd < 0 ? 0 : port_of(fd);
}

int Scene::udp() {
  const sockaddr_in address = loopback();
  state_->sockets.push_back(bound(AF_INET, SOCK_DGRAM, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  return port_of(state_->sockets.back());
}

std::string Scene::abstract_socket() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = state_->name();
  memcpy(address.sun_path + 1, name.data(), name.size());
  state_->sockets.push_back(bound(AF_UNIX, SOCK_STREAM, reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())));
  return name;
}

std::string Scene::path_socket() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = state_->folder + "/socket";
  strcpy(address.sun_path, path.c_str());
  state_->sockets.push_back(bound(AF_UNIX, SOCK_STREAM, reinterpret_cast<sockaddr*>(&address), sizeof address));
  chmod(path.c_str(), 0777);
  return path;
}

std::string Scene::fifo() {
  const std::string path = state_->folder + "/fifo";
  mkfifo(path.c_str(), 0666);
  chmod(path.c_str(), 0666);
  return path;
}

int Scene::shared_memory() {
  const int key = 0x61730000 + getpid();
  const int id = shmget(key, 4096, IPC_CREAT | 0666);
  state_->segments.push_back(id);
  void* at = shmat(id, nullptr, 0);
  memcpy(at, "secret", 6);
  shmdt(at);
  return key;
}

int Scene::semaphore() {
  const int key = 0x61740000 + getpid();
  state_->semaphores.push_back(semget(key, 1, IPC_CREAT | 0666));
  return key;
}

int Scene::message_queue() {
  const int key = 0x61750000 + getpid();
  state_->queues.push_back(msgget(key, IPC_CREAT | 0666));
  return key;
}

std::string Scene::posix_queue() {
  const std::string name = "/" + state_->name();
  const mode_t before = umask(0);
  const mqd_t queue = mq_open(name.c_str(), O_CREAT | O_RDWR, 0666, nullptr);
  umask(before);
  mq_close(queue);
  state_->posix_queues.push_back(name);
  return name;
}

int Scene::descriptor() {
  const int low = open(file(0600).c_str(), O_RDONLY | O_CLOEXEC);
  const int fd = fcntl(low, F_DUPFD, 50);   // not close-on-exec, and not where the launcher finds its requests
  close(low);
  state_->descriptors.push_back(fd);
  return fd;
}

std::string Scene::cgroup() {
  for (const char* root : {"/sys/fs/cgroup/pids", "/sys/fs/cgroup"}) {
    const std::string path = std::string(root) + "/" + state_->name();
    if (mkdir(path.c_str(), 0755) != 0) continue;
    state_->cgroups.push_back(path);
    if (overwrite(path + "/pids.max", "10")) return path + "/pids.max";
  }
  return "";
}

std::string Scene::device() {
  const std::string path = "/dev/" + state_->name();
  mknod(path.c_str(), S_IFCHR | 0666, makedev(1, 5));
  chmod(path.c_str(), 0666);
  state_->files.push_back(path);
  return path;
}

std::string Scene::set_user_id_program(const std::string& program) {
  const std::string path = "/usr/local/" + state_->name();
  fs::copy_file(program, path);
  chmod(path.c_str(), 04755);
  state_->files.push_back(path);
  return path;
}

// Only a process without one can take a terminal, and its session is then bound to it: the test runs each of these attacks in a
// child of its own.
std::string Scene::terminal() {
  state_->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  grantpt(state_->terminal);
  unlockpt(state_->terminal);
  const std::string name = ptsname(state_->terminal);
  chmod(name.c_str(), 0666);
  setsid();
  signal(SIGHUP, SIG_IGN);   // which is what its end means to a session
  const int own = open(name.c_str(), O_RDWR | O_CLOEXEC);
  ioctl(own, TIOCSCTTY, 0);
  state_->descriptors.push_back(own);
  return name;
}

bool Scene::reached() const {
  for (int each : state_->sockets) {
    pollfd wait{each, POLLIN, 0};
    if (poll(&wait, 1, 0) == 1) return true;
  }
  return false;
}

bool Scene::alive(int process) const {
  for (int i = 0; i < 20; ++i) {
    siginfo_t died{};
    if (waitid(P_PID, static_cast<id_t>(process), &died, WEXITED | WNOHANG | WNOWAIT) == 0 && died.si_pid == process) return false;
    usleep(1'000);
  }
  return kill(process, 0) == 0;
}

std::string Scene::text_of(const std::string& path) const { return contents(path); }

std::string Scene::terminal_text() const {
  std::string out(4096, '\0');
  pollfd wait{state_->terminal, POLLIN, 0};
  const ssize_t got = poll(&wait, 1, 0) == 1 ? read(state_->terminal, out.data(), out.size()) : 0;
  out.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return out;
}

}  // namespace assay::escape
