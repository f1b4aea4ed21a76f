// GitHub's API as one asks it: requests with the token, again after failures that pass, in time with its rate limits; answers kept in a
// folder, so that a run goes on where one was stopped and what has not changed costs nothing (docs.github.com/rest: "Best practices for using
// the REST API", "Rate limits for the REST API"; docs.github.com/graphql: "Rate limits and query limits").
//
// The server is not believed: sizes are bounded, no link of its is followed, and an answer that is not of the form it must have is an error of
// which api_reason() says so.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "envs/base/clock.h"
#include "envs/base/http.h"
#include "envs/base/json.h"

namespace assay {

struct GitHubOptions {
  std::string api;                 // "https://api.github.com", "https://HOST/api/v3"
  std::string token;               // may be empty: then there is no GraphQL
  std::string cache;               // folder; empty: none
  int64_t attempts = 5;            // of one request
  int64_t longest_wait_ms = 65 * 60 * 1000;   // for a rate limit; one that lasts longer is an error
  const std::atomic<bool>* cancelled = nullptr;
};

class GitHubClient {
 public:
  // Both are borrowed.
  GitHubClient(GitHubOptions options, HttpClient& http, Clock& clock);

  struct Page {
    Json body;
    bool more = false;             // whether the server names a next page
  };
  // GETs ("/repos/a/b/pulls?page=2"), in flight together; answers in the order of `paths`. Conditional where the answer is known already: 304
  // means that one, and counts towards no limit.
  std::vector<Result<Page>> get(const std::vector<std::string>& paths);
  Result<Page> get(const std::string& path);
  // The same in the form of a git patch; not kept.
  std::vector<Result<std::string>> get_patches(const std::vector<std::string>& paths);

  // POST to the GraphQL endpoint; its "data". An answer that `is_final` holds of is taken from the folder the next time.
  Result<Json> query(const std::string& text, const Json& variables, const std::function<bool(const Json& data)>& is_final);

  int64_t requests() const { return requests_; }       // that were sent
  int64_t unchanged() const { return unchanged_; }     // answers known already
  int64_t waited_ms() const { return waited_ms_; }     // for rate limits

 private:
  std::vector<Result<HttpResponse>> perform(std::vector<HttpRequest> requests);
  HttpRequest request(const std::string& path, const char* accept) const;
  int64_t limit_wait_ms(const HttpResponse& response, int64_t attempt) const;
  Status sleep(int64_t ms);
  Status stopped() const;
  Json known(const std::string& key) const;
  Status keep(const std::string& key, Json entry) const;
  std::string file_of(const std::string& key) const;

  GitHubOptions options_;
  HttpClient& http_;
  Clock& clock_;
  int64_t not_before_ms_ = 0;      // Unix time at which a rate limit ends that is used up
  int64_t requests_ = 0, unchanged_ = 0, waited_ms_ = 0;
};

// "api_malformed" or "api_failed".
std::string api_reason(const Error& error);
Error malformed_answer(const std::string& what, const std::string& where);

}  // namespace assay
