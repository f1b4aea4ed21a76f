// What the Executor and the launcher say to each other, over one SOCK_SEQPACKET socket (requests) and one per run (control).
// Both ends are this build's own, so the form may change with any commit; neither end trusts what a confined program wrote,
// and nothing such a program writes travels here.
//
// A message is a memory file with one JSON object, sent with the descriptors that belong to it; as CBOR, since names of files and
// arguments of programs are bytes, not UTF-8.
#pragma once

#include <string>
#include <vector>

#include "envs/base/fd.h"
#include "envs/base/json.h"

namespace assay {

// The descriptor at which the launcher finds its requests.
inline constexpr int kRequestFd = 3;
// The port on a run's own loopback at which it finds the proxy to the registries it may reach.
inline constexpr int kProxyPort = 3128;

struct Packet {
  Json body;
  std::vector<Fd> fds;
};

inline constexpr size_t kPacketFds = 64;

// Opens a path below a directory, close-on-exec, following no link and never leaving it; no descriptor where that fails (errno).
Fd open_beneath(int directory, const std::string& path, uint64_t flags, uint64_t mode = 0);

// "what: No such file or directory", for boundary kSandbox.
Error system_error(const std::string& what, const std::string& where = "", const std::string& hint = "");

// An error in a message, and back.
Json error_body(const Error& error);
Error error_from(const Json& body);

// Two connected ends, close-on-exec.
Result<std::pair<Fd, Fd>> packet_pair();
Status send_packet(int socket, const Json& body, const std::vector<int>& fds = {});
// Blocks. The other end's death is a Packet whose body is null.
Result<Packet> receive_packet(int socket);

}  // namespace assay
