// The only way out of a run that may reach registries: an HTTP proxy on the run's own loopback, served from outside.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sandbox/protocol.h"

namespace assay {

// Serves CONNECT and plain requests for the named hosts alone, on ports 80 and 443 or the port named with the host
// ("pypi.org", "localhost:8080"); everything else is refused with 403 and written down. Names are compared as they are asked
// for, before they are resolved. Runs in threads of its own until destroyed.
class Proxy {
 public:
  static std::unique_ptr<Proxy> start(Fd listener, std::vector<std::string> hosts, std::string upstream);
  ~Proxy();
  // "host:port", each once.
  std::vector<std::string> refused() const;

 private:
  struct State;
  explicit Proxy(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay
