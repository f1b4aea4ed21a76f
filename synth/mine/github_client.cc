#include "synth/mine/github_client.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <filesystem>
#include <map>

#include "envs/base/hash.h"

namespace assay {
namespace {

constexpr int64_t kSliceMs = 250;           // how soon a cancellation is seen
constexpr int64_t kSecondaryWaitMs = 60'000;
constexpr const char* kMalformed = "malformed answer: ";
constexpr size_t kAnswerBytes = size_t{32} << 20;

std::optional<int64_t> number_in(const HttpResponse& response, std::string_view header) {
  const auto text = response.header(header);
  int64_t number = 0;
  if (!text) return std::nullopt;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), number);
  return problem == std::errc() && end == text->data() + text->size() ? std::optional(number) : std::nullopt;
}

// What the server says is wrong, without believing that it says so in JSON.
std::string message_of(const HttpResponse& response) {
  const Result<Json> json = parse_json(response.body, "answer");
  std::string text = json.ok() && json->is_object() && json->contains("message") && (*json)["message"].is_string() ? (*json)["message"].get<std::string>() : "";
  return text.substr(0, 300);
}

bool is_limit(const HttpResponse& response) {
  if (response.status == 429) return true;
  if (response.status != 403) return false;
  return number_in(response, "x-ratelimit-remaining") == 0 || response.header("retry-after") || message_of(response).find("rate limit") != std::string::npos;
}

bool may_pass(const HttpResponse& response) {
  if (response.failure != HttpFailure::kNone) return response.failure != HttpFailure::kRefused && response.failure != HttpFailure::kTooLarge;
  return response.status >= 500;
}

Error refusal(const HttpResponse& response, const std::string& where) {
  if (response.failure != HttpFailure::kNone) return response.error;
  const std::string said = message_of(response), status = "status " + std::to_string(response.status) + (said.empty() ? "" : ": " + said);
  if (response.status == 401) return input_error("the token is not accepted: " + status, where, "a token that may read the repository");
  if (response.status == 404) return input_error("not found: " + status, where, "OWNER/NAME as GitHub spells it; a private repository needs a token that may read it");
  if (response.status == 301 || response.status == 307) return input_error("the repository has another name now: " + status, where, "that name");
  return input_error(status, where);
}

Result<Json> json_of(const HttpResponse& response, const std::string& where) {
  Result<Json> json = parse_json(response.body, where, {.bytes = kAnswerBytes});
  if (json.ok()) return json;
  const auto type = response.header("content-type");
  return malformed_answer("not JSON" + (type ? " but " + std::string(type->substr(0, 60)) : ""), where);
}

}  // namespace

GitHubClient::GitHubClient(GitHubOptions options, HttpClient& http, Clock& clock) : options_(std::move(options)), http_(http), clock_(clock) {
  while (options_.api.ends_with('/')) options_.api.pop_back();
}

Status GitHubClient::stopped() const {
  if (options_.cancelled && options_.cancelled->load(std::memory_order_relaxed)) return input_error("stopped", shown_url(options_.api));
  return {};
}

Status GitHubClient::sleep(int64_t ms) {
  for (; ms > 0; ms -= kSliceMs) {
    ASSAY_TRY(stopped());
    clock_.sleep_ms(std::min(ms, kSliceMs));
  }
  return stopped();
}

// How long a limit asks to wait: Retry-After, else until the limit begins anew, else longer each time.
int64_t GitHubClient::limit_wait_ms(const HttpResponse& response, int64_t attempt) const {
  if (const auto ms = retry_after_ms(response, clock_.unix_ms())) return *ms;
  if (number_in(response, "x-ratelimit-remaining") == 0)
    if (const auto reset_s = number_in(response, "x-ratelimit-reset")) return std::clamp<int64_t>(*reset_s, 0, INT64_MAX / 2000) * 1000 - clock_.unix_ms();
  return kSecondaryWaitMs << std::min<int64_t>(attempt, 6);
}

// Each request until it is answered, refused for good, or has failed too often. A limit that is used up holds all of them back.
std::vector<Result<HttpResponse>> GitHubClient::perform(std::vector<HttpRequest> requests) {
  std::vector<Result<HttpResponse>> out(requests.size(), Result<HttpResponse>(input_error("stopped", shown_url(options_.api))));
  std::deque<size_t> open;
  for (size_t i = 0; i < requests.size(); ++i) open.push_back(i);
  std::vector<int64_t> attempts(requests.size());
  std::map<int64_t, size_t> in_flight;
  int64_t backoff_ms = 0;
  while (!open.empty() || !in_flight.empty()) {
    if (!stopped().ok()) break;
    if (in_flight.empty()) {
      const int64_t limit_ms = std::max<int64_t>(not_before_ms_ - clock_.unix_ms(), 0);
      if (limit_ms > options_.longest_wait_ms) {
        for (size_t i : open)
          out[i] = input_error("the rate limit is used up for another " + std::to_string(limit_ms / 60'000) + " minutes", shown_url(options_.api), "the same command, then");
        break;
      }
      waited_ms_ += limit_ms;
      if (!sleep(std::max(limit_ms, backoff_ms)).ok()) break;
      backoff_ms = 0;
      for (; !open.empty(); open.pop_front(), ++requests_) in_flight.emplace(http_.submit(requests[open.front()]), open.front());
    }
    for (HttpResponse& response : http_.wait(kSliceMs)) {
      const auto sent = in_flight.find(response.id);
      if (sent == in_flight.end()) continue;
      const size_t i = sent->second;
      in_flight.erase(sent);
      const bool answered = response.failure == HttpFailure::kNone;
      const bool again = ++attempts[i] < options_.attempts;
      if (answered && (is_limit(response) || number_in(response, "x-ratelimit-remaining") == 0))
        not_before_ms_ = std::max(not_before_ms_, clock_.unix_ms() + limit_wait_ms(response, attempts[i] - 1));
      if (answered && is_limit(response) && again) {
        open.push_back(i);
      } else if (may_pass(response) && again) {
        backoff_ms = std::max<int64_t>(backoff_ms, 500 << std::min<int64_t>(attempts[i], 6));
        open.push_back(i);
      } else if (answered && (response.status == 200 || response.status == 304)) {
        out[i] = std::move(response);
      } else {
        out[i] = refusal(response, shown_url(requests[i].url));
      }
    }
  }
  for (const auto& [id, i] : in_flight) http_.cancel(id);
  return out;
}

HttpRequest GitHubClient::request(const std::string& path, const char* accept) const {
  HttpRequest request;
  request.url = options_.api + path;
  request.headers = {{"Accept", accept}, {"User-Agent", "assay"}, {"X-GitHub-Api-Version", "2022-11-28"}};
  if (!options_.token.empty()) request.headers.emplace_back("Authorization", "Bearer " + options_.token);
  request.response_bytes = kAnswerBytes;
  return request;
}

std::string GitHubClient::file_of(const std::string& key) const { return options_.cache + "/" + sha256_hex(options_.api + "\n" + key) + ".json"; }

// {"etag","more","body"}, or null. A damaged file is as good as none.
Json GitHubClient::known(const std::string& key) const {
  if (options_.cache.empty()) return nullptr;
  Result<Json> entry = read_json_file(file_of(key));
  const bool whole = entry.ok() && entry->is_object() && entry->contains("body") && entry->value("more", Json()).is_boolean() && entry->value("etag", Json()).is_string();
  return whole ? std::move(*entry) : Json();
}

Status GitHubClient::keep(const std::string& key, Json entry) const {
  if (options_.cache.empty()) return {};
  std::error_code failure;
  std::filesystem::create_directories(options_.cache, failure);
  if (failure) return input_error("cannot make the folder: " + failure.message(), options_.cache);
  return write_file(file_of(key), canonical_json(entry));
}

std::vector<Result<GitHubClient::Page>> GitHubClient::get(const std::vector<std::string>& paths) {
  std::vector<HttpRequest> requests;
  std::vector<Json> entries;
  for (const std::string& path : paths) {
    entries.push_back(known(path));
    requests.push_back(request(path, "application/vnd.github+json"));
    if (const std::string etag = entries.back().is_null() ? "" : entries.back()["etag"].get<std::string>(); !etag.empty()) requests.back().headers.emplace_back("If-None-Match", etag);
  }
  std::vector<Result<Page>> out;
  std::vector<Result<HttpResponse>> responses = perform(std::move(requests));
  for (size_t i = 0; i < paths.size(); ++i) {
    const std::string where = shown_url(options_.api + paths[i]);
    if (!responses[i].ok()) {
      out.push_back(responses[i].error());
    } else if (responses[i]->status == 304) {
      ++unchanged_;
      if (entries[i].is_null()) out.push_back(malformed_answer("nothing has changed, but nothing was known", where));
      else out.push_back(Page{entries[i]["body"], entries[i]["more"].get<bool>()});
    } else if (Result<Json> body = json_of(*responses[i], where); !body.ok()) {
      out.push_back(body.error());
    } else {
      const auto link = responses[i]->header("link"), etag = responses[i]->header("etag");
      const Page page{std::move(*body), link && link->find("rel=\"next\"") != std::string_view::npos};
      const Status kept = etag ? keep(paths[i], {{"etag", *etag}, {"more", page.more}, {"body", page.body}}) : Status();
      out.push_back(kept.ok() ? Result<Page>(page) : Result<Page>(kept.error()));
    }
  }
  return out;
}

Result<GitHubClient::Page> GitHubClient::get(const std::string& path) { return std::move(get(std::vector{path}).front()); }

std::vector<Result<std::string>> GitHubClient::get_patches(const std::vector<std::string>& paths) {
  std::vector<HttpRequest> requests;
  for (const std::string& path : paths) requests.push_back(request(path, "application/vnd.github.diff"));
  std::vector<Result<std::string>> out;
  for (Result<HttpResponse>& response : perform(std::move(requests)))
    out.push_back(response.ok() ? Result<std::string>(std::move(response->body)) : Result<std::string>(response.error()));
  return out;
}

Result<Json> GitHubClient::query(const std::string& text, const Json& variables, const std::function<bool(const Json& data)>& is_final) {
  const std::string body = canonical_json({{"query", text}, {"variables", variables}});
  if (const Json entry = known(body); !entry.is_null()) {
    ++unchanged_;
    return entry["body"];
  }
  HttpRequest post = request("/graphql", "application/json");
  if (options_.api.ends_with("/v3")) post.url = options_.api.substr(0, options_.api.size() - 3) + "/graphql";
  post.headers.emplace_back("Content-Type", "application/json");
  post.body = body;
  const std::string where = shown_url(post.url);
  for (int64_t attempt = 0;; ++attempt) {
    Result<HttpResponse> response = std::move(perform({post}).front());
    if (!response.ok()) return response.error();
    ASSAY_ASSIGN(const Json json, json_of(*response, where));
    if (!json.is_object()) return malformed_answer("not an object", where);
    const Json errors = json.value("errors", Json());
    const Json first = errors.is_array() && !errors.empty() && errors[0].is_object() ? errors[0] : Json();
    if (first.is_object() && first.value("type", Json()) == "RATE_LIMITED" && attempt + 1 < options_.attempts) {
      not_before_ms_ = clock_.unix_ms() + limit_wait_ms(*response, attempt);
      continue;
    }
    const Json data = json.value("data", Json());
    if (first.is_object() && !data.is_object())
      return input_error(first.value("message", Json()).is_string() ? first["message"].get<std::string>().substr(0, 300) : "the query failed", where);
    if (!data.is_object()) return malformed_answer("neither data nor errors", where);
    if (first.is_null() && is_final(data)) ASSAY_TRY(keep(body, {{"etag", ""}, {"more", false}, {"body", data}}));
    return data;
  }
}

std::string api_reason(const Error& error) { return error.what.starts_with(kMalformed) ? "api_malformed" : "api_failed"; }

Error malformed_answer(const std::string& what, const std::string& where) { return input_error(kMalformed + what, where); }

}  // namespace assay
