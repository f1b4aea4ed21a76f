// What processes share without being related: networks, names of sockets, memory, queues, descriptors, variables, a terminal.
#include <arpa/inet.h>
#include <errno.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tests/sandbox/escape/probe.h"

namespace assay::escape::attacks::sharing {
namespace {

bool somebody_came(Scene& scene, const Result<RunResult>&, Workspace&) { return scene.reached(); }

int connect_tcp(const Arguments& a) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(atoi(a.at("port").c_str())));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return outcome(connect(socket(AF_INET, SOCK_STREAM, 0), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
}

int connect_tcp6(const Arguments& a) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<uint16_t>(atoi(a.at("port").c_str())));
  address.sin6_addr = in6addr_loopback;
  return outcome(connect(socket(AF_INET6, SOCK_STREAM, 0), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
}

// A question for "a.": what leaks when a name is looked up.
int ask_name(const Arguments& a) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(atoi(a.at("port").c_str())));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const char question[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01" "a\x00\x00\x01\x00\x01";
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  return outcome(sendto(fd, question, sizeof question - 1, 0, reinterpret_cast<sockaddr*>(&address), sizeof address) > 0);
}

int send_message(const Arguments& a) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(atoi(a.at("port").c_str())));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  char byte = 'x';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = sizeof address;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  return outcome(sendmsg(socket(AF_INET, SOCK_DGRAM, 0), &message, 0) == 1);
}

int connect_abstract(const Arguments& a) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = a.at("name");
  memcpy(address.sun_path + 1, name.data(), name.size());
  const socklen_t size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return outcome(connect(socket(AF_UNIX, SOCK_STREAM, 0), reinterpret_cast<sockaddr*>(&address), size) == 0);
}

const void* const kNowhere = reinterpret_cast<void*>(-1);
int key_of(const Arguments& a) { return atoi(a.at("key").c_str()); }
int shared_memory(const Arguments& a) {
  const int id = shmget(key_of(a), 0, 0);
  const void* at = id < 0 ? kNowhere : shmat(id, nullptr, 0);
  return outcome(at != kNowhere && memcmp(at, "secret", 6) == 0);
}
int semaphore(const Arguments& a) { return outcome(semget(key_of(a), 0, 0) >= 0); }
int message_queue(const Arguments& a) { return outcome(msgget(key_of(a), 0) >= 0); }
int posix_queue(const Arguments& a) { return outcome(mq_open(a.at("queue").c_str(), O_RDWR) >= 0); }

int host_name(const Arguments& a) {
  utsname name{};
  uname(&name);
  return outcome(a.at("host") == name.nodename);
}

int own_cgroup(const Arguments&) { return outcome(contents("/proc/self/cgroup").find("assay-") != std::string::npos); }
int variable(const Arguments&) { return outcome(getenv("ASSAY_SECRET") != nullptr); }

int inherited(const Arguments&) {
  for (int fd = 3; fd < 1024; ++fd) {
    char text[6];
    if (pread(fd, text, 6, 0) == 6 && memcmp(text, "secret", 6) == 0) return kSucceeded;
  }
  return kStopped;
}

int write_terminal(const Arguments&) {
  const int fd = open("/dev/tty", O_WRONLY);
  return outcome(fd >= 0 && write(fd, "injected", 8) == 8);
}

int type_into_terminal(const Arguments&) {
  const int fd = open("/dev/tty", O_RDWR);
  const char byte = 'x';
  if (fd < 0) return kStopped;
  return ioctl(fd, TIOCSTI, &byte) == 0 ? kSucceeded : errno == EIO ? kUnsupported : kStopped;
}

void secret_variable(Scene&) { setenv("ASSAY_SECRET", "secret", 1); }

}  // namespace

std::vector<Attack> make() {
  return {
      {"connects to the host by TCP", {"net"}, connect_tcp, [](Scene& s) { s.arguments["port"] = std::to_string(s.tcp()); }, somebody_came},
      {"connects to the host by TCP over IPv6", {"net"}, connect_tcp6, [](Scene& s) { s.arguments["port"] = std::to_string(s.tcp(true)); }, somebody_came},
      {"asks the host for a name", {"net"}, ask_name, [](Scene& s) { s.arguments["port"] = std::to_string(s.udp()); }, somebody_came},
      {"sends the host a datagram", {"net"}, send_message, [](Scene& s) { s.arguments["port"] = std::to_string(s.udp()); }, somebody_came},
      {"connects to an abstract socket", {"net", "landlock"}, connect_abstract, [](Scene& s) { s.arguments["name"] = s.abstract_socket(); }, somebody_came},
      {"reads shared memory", {"ipc"}, shared_memory, [](Scene& s) { s.arguments["key"] = std::to_string(s.shared_memory()); }, nullptr},
      {"finds a semaphore", {"ipc"}, semaphore, [](Scene& s) { s.arguments["key"] = std::to_string(s.semaphore()); }, nullptr},
      {"finds a message queue", {"ipc"}, message_queue, [](Scene& s) { s.arguments["key"] = std::to_string(s.message_queue()); }, nullptr},
      {"opens a POSIX message queue", {"ipc", "landlock"}, posix_queue, [](Scene& s) { s.arguments["queue"] = s.posix_queue(); }, nullptr},
      {"learns the host's name", {"uts"}, host_name,
       [](Scene& s) {
         utsname name{};
         uname(&name);
         s.arguments["host"] = name.nodename;
       },
       nullptr},
      {"learns its cgroup's place", {"cgroup"}, own_cgroup, nullptr, nullptr},
      {"reads the host's variables", {"environment"}, variable, secret_variable, nullptr},
      {"reads an inherited descriptor", {"descriptors"}, inherited, [](Scene& s) { s.descriptor(); }, nullptr},
      {"writes to the terminal", {"session"}, write_terminal, [](Scene& s) { s.terminal(); },
       [](Scene& s, const Result<RunResult>&, Workspace&) { return s.terminal_text().find("injected") != std::string::npos; }},
      {"types into the terminal", {"session", "seccomp"}, type_into_terminal, [](Scene& s) { s.terminal(); }, nullptr},
  };
}

}  // namespace assay::escape::attacks::sharing
