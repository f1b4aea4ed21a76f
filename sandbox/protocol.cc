#include "sandbox/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace assay {

Fd open_beneath(int directory, const std::string& path, uint64_t flags, uint64_t mode) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return Fd(static_cast<int>(syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
}

Error system_error(const std::string& what, const std::string& where, const std::string& hint) {
  return make_error(Boundary::kSandbox, what + ": " + strerror(errno), where, hint);
}

Json error_body(const Error& error) { return {{"what", error.what}, {"where", error.where}, {"hint", error.hint}}; }

Error error_from(const Json& body) { return make_error(Boundary::kSandbox, body.value("what", ""), body.value("where", ""), body.value("hint", "")); }

Result<std::pair<Fd, Fd>> packet_pair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return system_error("socketpair");
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

Status send_packet(int socket, const Json& body, const std::vector<int>& fds) {
  if (fds.size() + 1 > kPacketFds) return make_error(Boundary::kSandbox, "too many descriptors in one message");
  const std::vector<uint8_t> text = Json::to_cbor(body);
  Fd memory(memfd_create("packet", MFD_CLOEXEC));
  if (!memory) return system_error("memfd_create");
  for (size_t done = 0; done < text.size();) {
    const ssize_t wrote = write(memory.get(), text.data() + done, text.size() - done);
    if (wrote < 0) return system_error("writing a message");
    done += static_cast<size_t>(wrote);
  }
  std::vector<int> all{memory.get()};
  all.insert(all.end(), fds.begin(), fds.end());
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int) * kPacketFds)] = {};
  char byte = 'm';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = CMSG_SPACE(sizeof(int) * all.size());
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * all.size());
  memcpy(CMSG_DATA(header), all.data(), sizeof(int) * all.size());
  while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
    if (errno != EINTR) return system_error("sending a message");
  return {};
}

Result<Packet> receive_packet(int socket) {
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int) * kPacketFds)];
  char byte = 0;
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  ssize_t got;
  while ((got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0)
    if (errno != EINTR) {
      if (errno == ECONNRESET) break;
      return system_error("receiving a message");
    }
  if (got <= 0) return Packet{};
  Packet out;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::vector<int> fds(count);
    memcpy(fds.data(), CMSG_DATA(header), count * sizeof(int));
    for (int fd : fds) out.fds.emplace_back(fd);
  }
  if (out.fds.empty()) return make_error(Boundary::kSandbox, "a message came without its memory file (too many open files?)");
  const Fd memory = std::move(out.fds.front());
  out.fds.erase(out.fds.begin());
  struct stat info {};
  if (fstat(memory.get(), &info) != 0) return system_error("reading a message");
  std::vector<uint8_t> text(static_cast<size_t>(info.st_size));
  if (pread(memory.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) return system_error("reading a message");
  out.body = Json::from_cbor(text, true, false);
  if (out.body.is_discarded()) return make_error(Boundary::kSandbox, "a message cannot be read");
  return out;
}

}  // namespace assay
