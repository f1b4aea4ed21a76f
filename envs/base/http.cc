#include "envs/base/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>

namespace assay {
namespace {

constexpr size_t kHeaderBytes = 256u << 10;
constexpr int64_t kLongestWaitMs = int64_t{1} << 30;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != text.npos) text.remove_suffix(1);
  return text;
}

struct EasyCloser {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListCloser {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// One request and what has arrived for it; libcurl holds its address, so it never moves.
struct Transfer {
  HttpRequest request;
  HttpResponse response;
  size_t header_bytes = 0;
  bool too_large = false;
  std::unique_ptr<curl_slist, ListCloser> headers;  // outlives `easy`
  std::unique_ptr<CURL, EasyCloser> easy;
};

size_t receive_body(char* bytes, size_t, size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (transfer.response.body.size() + count > transfer.request.response_bytes) {
    transfer.too_large = true;
    return 0;
  }
  transfer.response.body.append(bytes, count);
  return count;
}

size_t receive_header(char* bytes, size_t, size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  transfer.header_bytes += count;
  if (transfer.header_bytes > kHeaderBytes) {
    transfer.too_large = true;
    return 0;
  }
  const std::string_view line = trim({bytes, count});
  // A status line begins the headers anew, after "100 Continue" for one.
  if (line.starts_with("HTTP/")) transfer.response.headers.clear();
  else if (size_t colon = line.find(':'); colon != std::string_view::npos)
    transfer.response.headers.emplace_back(lower(trim(line.substr(0, colon))), trim(line.substr(colon + 1)));
  return count;
}

HttpFailure failure_of(CURLcode code) {
  switch (code) {
    case CURLE_OK: return HttpFailure::kNone;
    case CURLE_OPERATION_TIMEDOUT: return HttpFailure::kTimeout;
    case CURLE_FILESIZE_EXCEEDED: return HttpFailure::kTooLarge;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT: return HttpFailure::kConnect;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM: return HttpFailure::kRefused;
    default: return HttpFailure::kTransfer;
  }
}

constexpr std::string_view kTooLarge = "longer than the limit of ";

Error error_of(const Transfer& transfer, HttpFailure failure, CURLcode code) {
  const HttpRequest& request = transfer.request;
  const std::string where = shown_url(request.url);
  switch (failure) {
    case HttpFailure::kTooLarge:
      if (transfer.header_bytes > kHeaderBytes)
        return input_error("the answer's headers are longer than " + std::to_string(kHeaderBytes) + " bytes", where);
      return input_error("the answer is " + std::string(kTooLarge) + std::to_string(request.response_bytes) + " bytes",
                         where);
    case HttpFailure::kTimeout:
      return input_error("no complete answer within the time limit of " + std::to_string(request.timeout_ms) +
                             " ms (to connect: " + std::to_string(request.connect_timeout_ms) + " ms)", where);
    case HttpFailure::kConnect:
      return input_error(std::string("cannot connect: ") + curl_easy_strerror(code), where);
    case HttpFailure::kRefused:
      return input_error(std::string("the request cannot be made: ") + curl_easy_strerror(code), where);
    default:
      return input_error(std::string("the answer broke off: ") + curl_easy_strerror(code), where);
  }
}

class CurlClient final : public HttpClient {
 public:
  explicit CurlClient(const HttpOptions& options) : options_(options) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    ASSAY_ASSERT(initialised == CURLE_OK);
    multi_ = curl_multi_init();
    ASSAY_ASSERT(multi_ != nullptr);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(places()));
  }

  ~CurlClient() override {
    for (auto& [id, transfer] : open_)
      if (transfer->easy) curl_multi_remove_handle(multi_, transfer->easy.get());
    open_.clear();
    curl_multi_cleanup(multi_);
  }

  int64_t submit(HttpRequest request) override {
    auto transfer = std::make_unique<Transfer>();
    transfer->request = std::move(request);
    const int64_t id = transfer->response.id = next_id_++;
    open_.emplace(id, std::move(transfer));
    waiting_.push_back(id);
    return id;
  }

  std::vector<HttpResponse> wait(int64_t timeout_ms) override {
    advance();
    if (finished_.empty() && timeout_ms > 0) {
      const int64_t bounded = std::min(timeout_ms, kLongestWaitMs);
      curl_multi_poll(multi_, nullptr, 0, static_cast<int>(bounded), nullptr);
      advance();
    }
    return std::exchange(finished_, {});
  }

  void cancel(int64_t id) override {
    auto it = open_.find(id);
    if (it == open_.end()) return;
    if (it->second->easy) {
      curl_multi_remove_handle(multi_, it->second->easy.get());
      --on_wire_;
    }
    open_.erase(it);
  }

 private:
  size_t places() const { return static_cast<size_t>(std::clamp<int64_t>(options_.in_flight, 1, 4096)); }

  void advance() {
    start_waiting();
    int running = 0;
    curl_multi_perform(multi_, &running);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left))
      if (message->msg == CURLMSG_DONE) end(message->easy_handle, message->data.result);
    // Places that became free are taken at once, so that the next poll watches them.
    if (start_waiting()) curl_multi_perform(multi_, &running);
  }

  bool start_waiting() {
    bool started = false;
    while (on_wire_ < places() && !waiting_.empty()) {
      auto it = open_.find(waiting_.front());
      waiting_.pop_front();
      if (it == open_.end()) continue;  // cancelled
      start(*it->second);
      started = true;
    }
    return started;
  }

  void start(Transfer& transfer) {
    transfer.easy.reset(curl_easy_init());
    const CURLcode code = transfer.easy ? prepare(transfer) : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK && curl_multi_add_handle(multi_, transfer.easy.get()) == CURLM_OK) {
      ++on_wire_;
      return;
    }
    finish(transfer, code == CURLE_OK ? CURLE_OUT_OF_MEMORY : code);
  }

  static CURLcode add_header(Transfer& transfer, const std::string& line) {
    // A line break would let a value (a key read from a file, say) write headers of its own.
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) return CURLE_BAD_FUNCTION_ARGUMENT;
    curl_slist* longer = curl_slist_append(transfer.headers.get(), line.c_str());
    if (!longer) return CURLE_OUT_OF_MEMORY;
    transfer.headers.release();
    transfer.headers.reset(longer);
    return CURLE_OK;
  }

  CURLcode prepare(Transfer& transfer) {
    CURL* easy = transfer.easy.get();
    const HttpRequest& request = transfer.request;
    // Else libcurl asks before it sends a long body, and waits a second for servers that do not answer that.
    CURLcode code = add_header(transfer, "Expect:");
    for (const auto& [name, value] : request.headers)
      if (code == CURLE_OK) code = add_header(transfer, name + ": " + value);
    auto set = [&](CURLoption option, auto value) {
      if (code == CURLE_OK) code = curl_easy_setopt(easy, option, value);
    };
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_HTTPHEADER, transfer.headers.get());
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout_ms));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout_ms));
    set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.response_bytes));
    set(CURLOPT_WRITEFUNCTION, receive_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
    set(CURLOPT_HEADERFUNCTION, receive_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
    set(CURLOPT_PRIVATE, static_cast<void*>(&transfer));
    if (!request.body.empty()) {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.data());
    }
    return code;
  }

  void end(CURL* easy, CURLcode code) {
    Transfer* transfer = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    curl_multi_remove_handle(multi_, easy);
    --on_wire_;
    finish(*transfer, code);
  }

  void finish(Transfer& transfer, CURLcode code) {
    HttpResponse& response = transfer.response;
    response.failure = transfer.too_large ? HttpFailure::kTooLarge : failure_of(code);
    if (response.failure == HttpFailure::kNone) {
      long status = 0;
      curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
      response.status = static_cast<int>(status);
    } else {
      response.error = error_of(transfer, response.failure, code);
      response.body.clear();
    }
    const int64_t id = response.id;
    finished_.push_back(std::move(response));
    open_.erase(id);
  }

  HttpOptions options_;
  CURLM* multi_ = nullptr;
  int64_t next_id_ = 1;
  size_t on_wire_ = 0;
  std::map<int64_t, std::unique_ptr<Transfer>> open_;  // waiting or on the wire
  std::deque<int64_t> waiting_;
  std::vector<HttpResponse> finished_;
};

}  // namespace

std::optional<std::string_view> HttpResponse::header(std::string_view name) const {
  for (auto it = headers.rbegin(); it != headers.rend(); ++it)
    if (it->first == name) return it->second;
  return std::nullopt;
}

std::unique_ptr<HttpClient> make_http_client(const HttpOptions& options) {
  return std::make_unique<CurlClient>(options);
}

bool is_too_large(const Error& error) { return error.what.find(kTooLarge) != std::string::npos; }

std::string shown_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  std::string out;
  size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) {
    out = url.substr(0, scheme + 3);
    url.remove_prefix(scheme + 3);
  }
  // User info may itself hold '/' or '@' when it was not escaped: everything up to the last '@' goes.
  if (size_t at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
  for (char c : url.substr(0, 300)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out;
}

std::optional<int64_t> retry_after_ms(const HttpResponse& response, int64_t now_unix_ms) {
  const auto value = response.header("retry-after");
  if (!value || value->empty() || value->size() > 64) return std::nullopt;
  int64_t seconds = 0;
  const auto [end, problem] = std::from_chars(value->data(), value->data() + value->size(), seconds);
  if (end == value->data() + value->size() && problem == std::errc() && seconds >= 0)
    return std::min(seconds, INT64_MAX / 1000) * 1000;
  const time_t date = curl_getdate(std::string(*value).c_str(), nullptr);
  if (date < 0) return std::nullopt;
  return std::max<int64_t>(0, static_cast<int64_t>(date) * 1000 - now_unix_ms);
}

}  // namespace assay
