#include "sandbox/proxy.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

namespace assay {
namespace {

constexpr size_t kMostHeaderBytes = 32 << 10;
constexpr size_t kMostRefused = 64;
constexpr int kMostConnections = 64;
constexpr int kPatienceMs = 30'000;

struct Target {
  std::string host, port;
  bool tunnel = false;       // CONNECT
  std::string request;       // what goes on to the target, or upstream
};

// "host", "host:port" or "[v6]:port".
std::pair<std::string, std::string> split_host(const std::string& text, const std::string& fallback) {
  const size_t colon = text.rfind(':'), bracket = text.rfind(']');
  if (colon == std::string::npos || (bracket != std::string::npos && colon < bracket)) return {text, fallback};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::optional<Target> target_of(const std::string& head) {
  const size_t line_end = head.find("\r\n"), first = head.find(' '), second = head.find(' ', first + 1);
  if (line_end == std::string::npos || first == std::string::npos || second == std::string::npos || second > line_end) return std::nullopt;
  const std::string method = head.substr(0, first), where = head.substr(first + 1, second - first - 1);
  Target out;
  if (method == "CONNECT") {
    std::tie(out.host, out.port) = split_host(where, "443");
    out.tunnel = true;
    out.request = head;
  } else {
    const std::string scheme = "http://";
    if (lower(where.substr(0, scheme.size())) != scheme) return std::nullopt;
    const size_t slash = where.find('/', scheme.size());
    std::tie(out.host, out.port) = split_host(where.substr(scheme.size(), slash == std::string::npos ? slash : slash - scheme.size()), "80");
    // One request a connection: what follows on it could be for another host.
    std::string rest = head.substr(line_end + 2);
    out.request = method + " " + (slash == std::string::npos ? "/" : where.substr(slash)) + " HTTP/1.1\r\nConnection: close\r\n";
    for (size_t at = 0; at < rest.size();) {
      const size_t end = rest.find("\r\n", at);
      const std::string line = rest.substr(at, end - at), name = lower(line.substr(0, line.find(':')));
      if (name != "connection" && name != "proxy-connection" && name != "keep-alive" && !name.starts_with("proxy-")) out.request += line + "\r\n";
      at = end + 2;
    }
  }
  out.host = lower(out.host);
  if (out.host.find('@') != std::string::npos || out.host.empty()) return std::nullopt;
  return out;
}

Fd connect_to(const std::string& host, const std::string& port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return {};
  Fd out;
  for (addrinfo* each = found; each && !out; each = each->ai_next) {
    out.reset(socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (out && connect(out.get(), each->ai_addr, each->ai_addrlen) != 0) out.reset();
  }
  freeaddrinfo(found);
  return out;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

}  // namespace

struct Proxy::State {
  Fd listener, stop;
  std::set<std::string> hosts;
  std::string upstream_host, upstream_port;
  std::thread acceptor;
  std::atomic<int> open = 0;
  mutable std::mutex mutex;
  std::set<std::string> refused;

  bool allowed(const Target& target) const {
    return hosts.count(target.host + ":" + target.port) || (hosts.count(target.host) && (target.port == "80" || target.port == "443"));
  }

  void accept_all() {
    for (;;) {
      pollfd wait[] = {{listener.get(), POLLIN, 0}, {stop.get(), POLLIN, 0}};
      if (poll(wait, 2, -1) < 0 && errno != EINTR) return;
      if (wait[1].revents) break;
      const int accepted = accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (accepted < 0) continue;
      if (open >= kMostConnections) {
        close(accepted);
        continue;
      }
      ++open;
      std::thread([this, accepted] {
        serve(Fd(accepted));
        --open;
      }).detach();
    }
    while (open > 0) usleep(1'000);   // they see `stop` as well
  }

  // False at the end of the stream, after kPatienceMs, or when the proxy ends.
  bool readable(int fd, int other = -1) const {
    pollfd wait[] = {{stop.get(), POLLIN, 0}, {fd, POLLIN, 0}, {other, POLLIN, 0}};
    return poll(wait, 3, kPatienceMs) > 0 && !wait[0].revents;
  }

  void serve(Fd client) {
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      char space[4096];
      if (head.size() > kMostHeaderBytes || !readable(client.get())) return;
      const ssize_t got = recv(client.get(), space, sizeof space, 0);
      if (got <= 0) return;
      head.append(space, static_cast<size_t>(got));
    }
    const size_t body = head.find("\r\n\r\n") + 4;
    const std::optional<Target> target = target_of(head.substr(0, body));
    if (!target || !allowed(*target)) {
      if (target) note(target->host + ":" + target->port);
      send_all(client.get(), "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    const Fd server = upstream_host.empty() ? connect_to(target->host, target->port) : connect_to(upstream_host, upstream_port);
    if (!server) {
      send_all(client.get(), "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    const bool direct_tunnel = target->tunnel && upstream_host.empty();
    if (direct_tunnel && !send_all(client.get(), "HTTP/1.1 200 Connection established\r\n\r\n")) return;
    if (!direct_tunnel && !send_all(server.get(), upstream_host.empty() ? target->request : head.substr(0, body))) return;
    if (!send_all(server.get(), std::string_view(head).substr(body))) return;
    relay(client.get(), server.get());
  }

  void relay(int client, int server) const {
    bool from_client = true, from_server = true;
    while (from_server && readable(from_client ? client : -1, server)) {
      for (auto [from, to, alive] : {std::tuple(client, server, &from_client), std::tuple(server, client, &from_server)}) {
        pollfd wait{*alive ? from : -1, POLLIN, 0};
        if (poll(&wait, 1, 0) != 1) continue;
        char space[1 << 16];
        const ssize_t got = recv(from, space, sizeof space, 0);
        if (got <= 0 || !send_all(to, {space, static_cast<size_t>(got)})) {
          *alive = false;
          shutdown(to, SHUT_WR);
        }
      }
    }
  }

  void note(std::string text) {
    std::lock_guard lock(mutex);
    if (refused.size() < kMostRefused) refused.insert(std::move(text));
  }
};

Proxy::Proxy(std::unique_ptr<State> state) : state_(std::move(state)) {}

std::unique_ptr<Proxy> Proxy::start(Fd listener, std::vector<std::string> hosts, std::string upstream) {
  auto state = std::make_unique<State>();
  state->listener = std::move(listener);
  state->stop.reset(eventfd(0, EFD_CLOEXEC));
  for (const std::string& host : hosts) state->hosts.insert(lower(host));
  if (const size_t scheme = upstream.find("://"); scheme != std::string::npos) upstream = upstream.substr(scheme + 3);
  while (upstream.ends_with("/")) upstream.pop_back();
  if (!upstream.empty()) std::tie(state->upstream_host, state->upstream_port) = split_host(upstream, "3128");
  state->acceptor = std::thread([raw = state.get()] { raw->accept_all(); });
  return std::unique_ptr<Proxy>(new Proxy(std::move(state)));
}

Proxy::~Proxy() {
  eventfd_write(state_->stop.get(), 1);
  state_->acceptor.join();
}

std::vector<std::string> Proxy::refused() const {
  std::lock_guard lock(state_->mutex);
  return {state_->refused.begin(), state_->refused.end()};
}

}  // namespace assay
