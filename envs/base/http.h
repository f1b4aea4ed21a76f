// An asynchronous HTTP client: many requests in flight from one thread, connections reused, sizes and times bounded.
//
// Only http and https, without a proxy (the environment is not read). Redirects are not followed, because a key must not
// travel to another host: a 3xx answer is returned as it is. Errors never quote the headers or body of a request, nor the
// user info or query of a URL.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "envs/base/status.h"

namespace assay {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string url;
  HttpHeaders headers;
  std::string body;                           // POST when not empty, else GET
  int64_t connect_timeout_ms = 10'000;
  int64_t timeout_ms = 120'000;               // of the transfer; waiting for a free place does not count
  size_t response_bytes = size_t{64} << 20;   // a longer body is broken off
};

enum class HttpFailure {
  kNone,
  kRefused,    // the request cannot be made: URL, scheme, certificate
  kConnect,    // no connection: unknown host, nobody listens
  kTimeout,
  kTransfer,   // broken off by the other side, or not HTTP
  kTooLarge,
};

// Whether `error`, or one made from it, says that an answer was longer than response_bytes.
bool is_too_large(const Error& error);

struct HttpResponse {
  int64_t id = 0;
  HttpFailure failure = HttpFailure::kNone;
  Error error;           // when failure is not kNone; boundary kInput, for the caller to change
  int status = 0;        // when failure is kNone
  HttpHeaders headers;   // names in lower case, in order of arrival
  std::string body;

  // The last header of that name (lower case), or nullopt.
  std::optional<std::string_view> header(std::string_view name) const;
};

// Used by one thread. Destruction breaks off what is open.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Never blocks and never fails: what is wrong with a request comes back as its response. Ids count up.
  virtual int64_t submit(HttpRequest request) = 0;
  // The responses that are there; else blocks until something happens, at most `timeout_ms`. May return empty early.
  virtual std::vector<HttpResponse> wait(int64_t timeout_ms) = 0;
  // Drops a request; its response will not come. Unknown ids are ignored.
  virtual void cancel(int64_t id) = 0;
};

struct HttpOptions {
  int64_t in_flight = 64;   // requests on the wire at once; the rest wait in order
};

std::unique_ptr<HttpClient> make_http_client(const HttpOptions& options = {});

// "https://host:8000/v1/x" without user info, query and fragment: what may be shown. Total; bounded to 300 bytes.
std::string shown_url(std::string_view url);

// What Retry-After (seconds, or an HTTP date) asks for, from now; nullopt when it is absent or not understood.
std::optional<int64_t> retry_after_ms(const HttpResponse& response, int64_t now_unix_ms);

}  // namespace assay
