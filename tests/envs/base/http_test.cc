#include "envs/base/http.h"

#include <catch2/catch.hpp>
#include <map>

#include "tests/engine/endpoint.h"

using namespace assay;
using Catch::Contains;

namespace {

HttpRequest ask(const Endpoint& endpoint, const std::string& model) {
  return {.url = endpoint.url() + "/v1/chat/completions",
          .body = Json{{"model", model}, {"messages", Json::array()}, {"tools", Json::array()}}.dump()};
}

// Waits for so many responses, by id.
std::map<int64_t, HttpResponse> collect(HttpClient& client, size_t count) {
  std::map<int64_t, HttpResponse> out;
  for (int i = 0; i < 1000 && out.size() < count; ++i)
    for (HttpResponse& response : client.wait(100)) {
      CHECK(out.count(response.id) == 0);
      out[response.id] = std::move(response);
    }
  REQUIRE(out.size() == count);
  return out;
}

HttpResponse fetch(HttpRequest request) {
  auto client = make_http_client();
  const int64_t id = client->submit(std::move(request));
  return collect(*client, 1).at(id);
}

}  // namespace

TEST_CASE("http: gives status, headers and body") {
  Endpoint endpoint;
  const HttpResponse response = fetch({.url = endpoint.url() + "/x"});
  CHECK(response.failure == HttpFailure::kNone);
  CHECK(response.status == 200);
  CHECK(response.body == "hello");
  CHECK(response.header("content-type") == "text/plain");
  CHECK(response.header("x-twice") == "second");
  CHECK_FALSE(response.header("retry-after"));
}

TEST_CASE("http: an error status is a response, not a failure") {
  Endpoint endpoint;
  const HttpResponse response = fetch(ask(endpoint, "status_500"));
  CHECK(response.failure == HttpFailure::kNone);
  CHECK(response.status == 500);
  CHECK_THAT(response.body, Contains("fell off the bus"));
}

TEST_CASE("http: redirects are not followed") {
  Endpoint endpoint;
  const HttpResponse response = fetch(ask(endpoint, "redirect"));
  CHECK(response.status == 307);
  CHECK(response.header("location"));
}

TEST_CASE("http: only http and https addresses are asked") {
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "", "http://", "http://a b/"}) {
    INFO(url);
    const HttpResponse response = fetch({.url = url});
    CHECK(response.failure == HttpFailure::kRefused);
    CHECK(response.body.empty());
    CHECK_FALSE(response.error.what.empty());
  }
}

TEST_CASE("http: a header cannot smuggle another in") {
  Endpoint endpoint;
  HttpRequest request = ask(endpoint, "html");
  request.headers = {{"X-Key", "a\r\nX-Other: b"}};
  CHECK(fetch(request).failure == HttpFailure::kRefused);
  CHECK(endpoint.log().empty());
}

TEST_CASE("http: failures are told apart") {
  Endpoint endpoint;
  CHECK(fetch({.url = "http://127.0.0.1:1/"}).failure == HttpFailure::kConnect);
  CHECK(fetch(ask(endpoint, "no_answer")).failure == HttpFailure::kTransfer);
  HttpRequest slow = ask(endpoint, "slow");
  slow.timeout_ms = 200;
  CHECK(fetch(slow).failure == HttpFailure::kTimeout);
}

TEST_CASE("http: a body is taken up to the limit and not a byte further") {
  Endpoint endpoint;
  for (const char* path : {"/announced", "/chunked"}) {
    INFO(path);
    HttpRequest request{.url = endpoint.url() + path};
    request.response_bytes = 5;
    CHECK(fetch(request).body == "hello");
    request.response_bytes = 4;
    const HttpResponse response = fetch(request);
    CHECK(response.failure == HttpFailure::kTooLarge);
    CHECK(response.body.empty());
    CHECK_THAT(response.error.what, Contains("limit of 4 bytes"));
  }
  HttpRequest huge = ask(endpoint, "huge");
  huge.response_bytes = 1 << 20;
  const HttpResponse response = fetch(huge);
  CHECK(response.failure == HttpFailure::kTooLarge);
  CHECK(is_too_large(response.error));
}

TEST_CASE("http: more requests than places all get answered, each once") {
  Endpoint endpoint;
  auto client = make_http_client({.in_flight = 3});
  std::vector<int64_t> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(client->submit({.url = endpoint.url() + "/x"}));
  const auto all = collect(*client, ids.size());
  for (int64_t id : ids) CHECK(all.at(id).body == "hello");
  CHECK(client->wait(0).empty());
}

TEST_CASE("http: a cancelled request is not answered and frees its place") {
  Endpoint endpoint;
  auto client = make_http_client({.in_flight = 1});
  const int64_t slow = client->submit(ask(endpoint, "slow"));
  const int64_t quick = client->submit({.url = endpoint.url() + "/x"});
  const int64_t never = client->submit({.url = endpoint.url() + "/x"});
  CHECK(client->wait(50).empty());
  client->cancel(never);
  client->cancel(slow);
  client->cancel(12345);
  const auto all = collect(*client, 1);
  CHECK(all.begin()->first == quick);
  CHECK(client->wait(0).empty());
}

TEST_CASE("http: what is shown of an address holds no secrets") {
  CHECK(shown_url("https://host:8000/v1/x") == "https://host:8000/v1/x");
  CHECK(shown_url("http://joe:pass@host/v1?key=1#f") == "http://host/v1");
  CHECK(shown_url("http://joe:p/a@ss@host/v1") == "http://host/v1");
  CHECK(shown_url("http://h/\x1b[31m\n") == "http://h/?[31m?");
  CHECK(shown_url("").empty());
  CHECK(shown_url(std::string(5000, 'x')).size() == 300);
}

TEST_CASE("http: Retry-After in seconds or as a date") {
  auto after = [](const std::string& value, int64_t now_ms = 0) {
    return retry_after_ms({.headers = {{"retry-after", value}}}, now_ms);
  };
  CHECK(after("0") == 0);
  CHECK(after("120") == 120'000);
  CHECK(after("Thu, 01 Jan 1970 00:01:00 GMT", 15'000) == 45'000);
  CHECK(after("Thu, 01 Jan 1970 00:01:00 GMT", 90'000) == 0);
  CHECK(after("9223372036854775807") > 0);
  for (const char* bad : {"", "-5", "soon", "1.5x", "99999999999999999999999"}) {
    INFO(bad);
    CHECK_FALSE(after(bad));
  }
  CHECK_FALSE(retry_after_ms({}, 0));
}
