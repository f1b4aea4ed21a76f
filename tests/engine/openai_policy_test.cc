#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <set>
#include <thread>

#include "engine/openai.h"
#include "tests/engine/endpoint.h"
#include "tests/engine/toy_world.h"

using namespace assay;
using Catch::Contains;

namespace {

const std::string kKey = "sk-test-0123456789abcdef";

PolicyOptions options_for(const Endpoint& endpoint, const std::string& model) {
  PolicyOptions options;
  options.argument = endpoint.url();
  options.model = model;
  options.api_key = kKey;
  options.timeout_ms = 20'000;
  options.retries = 3;
  return options;
}

std::unique_ptr<Policy> policy_for(const PolicyOptions& options) {
  auto policy = make_openai_policy(options, make_http_client({.in_flight = options.in_flight}));
  REQUIRE(policy.ok());
  return std::move(policy).value();
}

Played play_one(const PolicyOptions& options) {
  auto policy = policy_for(options);
  return play_toy(*policy, ToyWorld()).front();
}

Error failure_of(const PolicyOptions& options) {
  const Played played = play_one(options);
  REQUIRE(played.error);
  CHECK(played.error->boundary == Boundary::kPolicy);
  CHECK(played.error->where.starts_with("http://127.0.0.1:"));
  CHECK_FALSE(played.error->hint.empty());
  CHECK(played.error->text().size() < 1000);
  CHECK(played.error->text().find(kKey.substr(0, 12)) == std::string::npos);
  return *played.error;
}

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

TEST_CASE("openai: plays a task through a real server") {
  Endpoint endpoint;
  const Played played = play_one(options_for(endpoint, "good"));
  INFO((played.error ? played.error->text() : ""));
  REQUIRE(played.submitted);
  const Json answer = Json::parse(played.answer);
  REQUIRE(answer.size() == 3);
  CHECK(answer[0]["hotel"] == "Ax Hotel 0");
  CHECK(answer[2]["evening_restaurant"] == "Diner 1");
  CHECK(played.usage.prompt_tokens == 3 * 120);
  CHECK(played.usage.completion_tokens == 3 * 7);
  CHECK(played.usage.cached_tokens == 3 * 100);

  const auto log = endpoint.log();
  REQUIRE(log.size() == 3);
  for (const Json& request : log) {
    CHECK(request["path"] == "/v1/chat/completions");
    CHECK(request["headers"]["Authorization"] == "Bearer " + kKey);
    CHECK(request["headers"]["Content-Type"] == "application/json");
    CHECK(request["body"].dump().find(kKey) == std::string::npos);
    CHECK(request["body"]["tool_choice"] == "auto");
    CHECK(request["body"]["max_tokens"] == 8192);
    CHECK(request["body"]["tools"].size() == ToyWorld().view.tools.size());
    CHECK(request["body"]["tools"][0]["function"].contains("parameters"));
    CHECK_FALSE(request["body"]["tools"][0]["function"].contains("reveals"));
  }
  CHECK(log[0]["body"]["messages"][0] == Json{{"role", "system"}, {"content", "You plan trips."}});
  CHECK(log[1]["body"]["messages"][3]["tool_call_id"] == "id_0");
  CHECK(log[0]["body"]["seed"] != log[1]["body"]["seed"]);
}

TEST_CASE("openai: the same run sends the same bytes") {
  ToyWorld world;
  Conversation conversation = {{.role = Role::kUser, .text = "hi"}};
  PolicyOptions options;
  auto body = [&](uint64_t seed, int64_t sample, int64_t step) {
    const Turn turn{.task = &world.view, .conversation = &conversation, .seed = seed, .sample = sample, .step = step};
    return chat_request_body(options, turn);
  };
  CHECK(body(1, 2, 3) == body(1, 2, 3));
  std::set<std::string> all;
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j)
      for (int k = 0; k < 4; ++k) all.insert(body(i, j, k));
  CHECK(all.size() == 64);
}

TEST_CASE("openai: hundreds of rollouts share few connections") {
  Endpoint endpoint;
  PolicyOptions options = options_for(endpoint, "good");
  options.in_flight = 16;
  auto policy = policy_for(options);
  const auto all = play_toy(*policy, ToyWorld(), {.samples = 200});
  size_t submitted = 0;
  for (const Played& played : all) submitted += played.submitted;
  CHECK(submitted == 200);
  std::set<int> peers;
  const auto log = endpoint.log();
  for (const Json& request : log) peers.insert(request["peer"].get<int>());
  CHECK(log.size() == 600);
  CHECK(peers.size() <= 16);
  CHECK(peers.size() > 1);
}

TEST_CASE("openai: keeps reasoning while tool results follow, under either name") {
  Endpoint endpoint;
  const Played played = play_one(options_for(endpoint, "reasoning"));
  INFO((played.error ? played.error->text() : ""));
  REQUIRE(played.submitted);
  CHECK(played.messages[2].reasoning == "thought 0");
  CHECK(played.messages.back().role == Role::kTool);
}

TEST_CASE("openai: old reasoning is not sent after a new user message") {
  ToyWorld world;
  const Conversation conversation = {{.role = Role::kUser, .text = "a"},
                                     {.role = Role::kAssistant, .text = "b", .reasoning = "old thought"},
                                     {.role = Role::kUser, .text = "c"},
                                     {.role = Role::kAssistant, .text = "d", .reasoning = "new thought"}};
  const std::string body = chat_request_body({}, {.task = &world.view, .conversation = &conversation});
  CHECK(body.find("old thought") == std::string::npos);
  CHECK(body.find("new thought") != std::string::npos);
}

TEST_CASE("openai: comes back after the time that Retry-After asks for") {
  Endpoint endpoint;
  SECTION("in seconds") {
    Stopwatch watch;
    const Played played = play_one(options_for(endpoint, "rate_limited"));
    INFO((played.error ? played.error->text() : ""));
    CHECK(played.submitted);
    CHECK(watch.seconds() >= 2);
    CHECK(endpoint.log().size() == 5);
  }
  SECTION("as a date") {
    const Played played = play_one(options_for(endpoint, "rate_limited_until"));
    INFO((played.error ? played.error->text() : ""));
    CHECK(played.submitted);
  }
  SECTION("unless that is very long") {
    Stopwatch watch;
    const Error error = failure_of(options_for(endpoint, "rate_limited_for_long"));
    CHECK_THAT(error.what, Contains("429") && Contains("quota used up") && Contains("86400 s"));
    CHECK(watch.seconds() < 5);
  }
}

TEST_CASE("openai: gives up after the retries allowed") {
  Endpoint endpoint;
  PolicyOptions options = options_for(endpoint, "status_500");
  options.retries = 2;
  const Error error = failure_of(options);
  CHECK_THAT(error.what, Contains("500") && Contains("the GPU fell off the bus") && Contains("tried 3 times"));
  CHECK(endpoint.log().size() == 3);
}

TEST_CASE("openai: tries again after a broken connection") {
  Endpoint endpoint;
  CHECK(play_one(options_for(endpoint, "hang_up_once")).submitted);
  PolicyOptions options = options_for(endpoint, "hang_up");
  options.retries = 1;
  CHECK_THAT(failure_of(options).what, Contains("broke off") && Contains("tried 2 times"));
  options.model = "no_answer";
  CHECK_THAT(failure_of(options).what, Contains("broke off") && Contains("tried 2 times"));
}

TEST_CASE("openai: an endpoint that is down is named") {
  std::string url;
  { url = Endpoint().url(); }  // nobody listens there any more
  PolicyOptions options;
  options.argument = url;
  options.model = "m";
  options.api_key = kKey;
  options.retries = 1;
  const Error error = failure_of(options);
  CHECK_THAT(error.what, Contains("cannot connect") && Contains("tried 2 times"));
  CHECK_THAT(error.where, Contains(url));
}

TEST_CASE("openai: an endpoint that is slow runs into the time limit") {
  Endpoint endpoint;
  PolicyOptions options = options_for(endpoint, "slow");
  options.timeout_ms = 300;
  options.retries = 0;
  Stopwatch watch;
  CHECK_THAT(failure_of(options).what, Contains("time limit of 300 ms"));
  CHECK(watch.seconds() < 4);
}

TEST_CASE("openai: a cancelled run does not wait for a slow endpoint") {
  Endpoint endpoint;
  PolicyOptions options = options_for(endpoint, "slow");
  std::atomic<bool> cancelled = false;
  options.cancelled = &cancelled;
  auto policy = policy_for(options);
  std::thread later([&] {
    for (int i = 0; i < 200 && endpoint.log().empty(); ++i) ::usleep(20'000);
    cancelled = true;
  });
  const auto all = play_toy(*policy, ToyWorld(), {.samples = 3});
  later.join();
  for (const Played& played : all) {
    REQUIRE(played.error);
    CHECK_THAT(played.error->what, Contains("cancelled"));
  }
  CHECK(policy->answer().empty());
}

TEST_CASE("openai: a reply of 100 MB is broken off early") {
  Endpoint endpoint;
  CHECK_THAT(failure_of(options_for(endpoint, "huge")).what, Contains("longer than the limit"));
  for (int i = 0; i < 100 && endpoint.log().size() < 2; ++i) ::usleep(50'000);
  const auto log = endpoint.log();
  REQUIRE(log.size() == 2);  // it was not tried again
  CHECK(log[1]["huge_bytes_sent"].get<size_t>() < 2 * kChatReplyBytes);
}

TEST_CASE("openai: replies that are no chat completion fail at once and say why") {
  Endpoint endpoint;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"html", "HTML page"},
      {"html_error", "status 404: an HTML page"},
      {"invalid_json", "not JSON"},
      {"deep", "nested deeper"},
      {"nan", "not JSON"},
      {"duplicate_keys", "\"content\" occurs twice"},
      {"no_choices", "no choices"},
      {"content_is_a_list", "\"content\" is of type array"},
      {"calls_are_no_list", "\"tool_calls\" is no array"},
      {"call_without_name", "no function name"},
      {"error_in_200", "model is loading"},
      {"status_400", "maximum context length is 8192 tokens"},
      {"status_401", "Incorrect API key provided: [key]"},
      {"status_401_cut", "yyy[key]"},
      {"redirect", "status 307 to http://127.0.0.2:1/v1/chat/completions"},
  };
  for (const auto& [model, expected] : cases) {
    INFO(model);
    const size_t before = endpoint.log().size();
    const Error error = failure_of(options_for(endpoint, model));
    CHECK_THAT(error.what, Contains(expected));
    CHECK(error.what.find('\x1b') == std::string::npos);
    CHECK(endpoint.log().size() == before + 1);
  }
}

TEST_CASE("openai: what a model calls is passed on as it is") {
  Endpoint endpoint;
  SECTION("a tool that does not exist") {
    const Played played = play_one(options_for(endpoint, "unknown_tool"));
    REQUIRE_FALSE(played.error);
    CHECK(played.messages[2].tool_calls[0].name == "get_moon_phase");
    CHECK(played.messages.back().text == "I give up.");
  }
  SECTION("arguments of the wrong type, malformed, or as an object; ids that lack or repeat") {
    const Played played = play_one(options_for(endpoint, "wrong_types"));
    INFO((played.error ? played.error->text() : ""));
    REQUIRE_FALSE(played.error);
    const auto& calls = played.messages[2].tool_calls;
    REQUIRE(calls.size() == 3);
    CHECK(calls[0].arguments == R"({"city": 7})");
    CHECK(calls[1].arguments == "{not json");
    CHECK(calls[2].arguments == R"({"as":["an object"]})");
    CHECK(calls[0].id == "call_0_0");
    CHECK(calls[1].id == "id_1");
    CHECK(calls[2].id == "call_0_2");
    CHECK(played.messages.back().text == "I give up.");
  }
  SECTION("a usage that makes no sense counts nothing") {
    const Played played = play_one(options_for(endpoint, "strange_usage"));
    REQUIRE_FALSE(played.error);
    CHECK(played.usage.prompt_tokens == 0);
    CHECK(played.usage.completion_tokens == 0);
  }
}

TEST_CASE("openai: the address may be given in every usual form") {
  auto url = [](const std::string& text) { return std::move(chat_url(text)).value(); };
  CHECK(url("http://localhost:8000") == "http://localhost:8000/v1/chat/completions");
  CHECK(url("http://localhost:8000/") == "http://localhost:8000/v1/chat/completions");
  CHECK(url("https://api.example.org/v1") == "https://api.example.org/v1/chat/completions");
  CHECK(url("https://api.example.org/v1/") == "https://api.example.org/v1/chat/completions");
  CHECK(url("https://api.example.org/v1/chat/completions") == "https://api.example.org/v1/chat/completions");
  CHECK(url("https://x.org/openai/d/m?api-version=2") == "https://x.org/openai/d/m/chat/completions?api-version=2");
  for (const char* bad : {"", "localhost:8000", "ftp://x/v1", "file:///etc/passwd", "http://", "http:///"}) {
    INFO(bad);
    const auto result = chat_url(bad);
    REQUIRE_FALSE(result.ok());
    CHECK_THAT(result.error().hint, Contains("http://localhost:8000/v1"));
  }
}

TEST_CASE("openai: neither key nor user info shows in names and errors") {
  PolicyOptions options;
  options.argument = "http://joe:hunter2@127.0.0.1:1/v1?token=abc";
  options.model = "m";
  options.retries = 0;
  auto policy = policy_for(options);
  CHECK(policy->descriptor() == "openai:m");
  const Error error = *play_toy(*policy, ToyWorld()).front().error;
  CHECK_THAT(error.text(), Contains("127.0.0.1:1") && !Contains("joe") && !Contains("hunter2") && !Contains("abc"));
  options.api_key = "line\r\nX-Injected: 1";
  const Error refused = *play_toy(*policy_for(options), ToyWorld()).front().error;
  CHECK_THAT(refused.text(), Contains("cannot be made") && !Contains("Injected"));
  options.model = "";
  const auto nameless = make_openai_policy(options, make_http_client());
  REQUIRE_FALSE(nameless.ok());
  CHECK(nameless.error().hint == "--model NAME");
}

// Answers from a list, and lets time pass when it is waited for.
class FakeHttp final : public HttpClient {
 public:
  FakeHttp(ManualClock& clock, std::deque<HttpResponse> answers, std::vector<int64_t>& sent_ms)
      : clock_(clock), answers_(std::move(answers)), sent_ms_(sent_ms) {}
  int64_t submit(HttpRequest) override {
    sent_ms_.push_back(clock_.unix_ms());
    open_.push_back(++last_);
    return last_;
  }
  std::vector<HttpResponse> wait(int64_t timeout_ms) override {
    if (open_.empty()) return clock_.advance_ms(timeout_ms), std::vector<HttpResponse>{};
    HttpResponse response = answers_.front();
    answers_.pop_front();
    response.id = open_.front();
    open_.pop_front();
    return {response};
  }
  void cancel(int64_t id) override { std::erase(open_, id); }

 private:
  ManualClock& clock_;
  std::deque<HttpResponse> answers_;
  std::deque<int64_t> open_;
  std::vector<int64_t>& sent_ms_;
  int64_t last_ = 0;
};

TEST_CASE("openai: back-off doubles, with jitter that is the same every time") {
  ToyWorld world;
  const Conversation conversation = {{.role = Role::kUser, .text = "hi"}};
  auto run = [&](uint64_t seed) {
    ManualClock clock;
    std::vector<int64_t> sent_ms;
    PolicyOptions options;
    options.argument = "http://x";
    options.model = "m";
    options.retries = 8;
    options.clock = &clock;
    std::deque<HttpResponse> busy(9, HttpResponse{.status = 503});
    auto policy = std::move(make_openai_policy(options, std::make_unique<FakeHttp>(clock, busy, sent_ms))).value();
    policy->ask({.rollout = 3, .task = &world.view, .conversation = &conversation, .seed = seed});
    const auto actions = policy->answer();
    REQUIRE(actions.size() == 1);
    CHECK_FALSE(actions[0].message.ok());
    CHECK(policy->answer().empty());
    return sent_ms;
  };
  const auto times = run(1);
  REQUIRE(times.size() == 9);
  int64_t whole = 500;
  for (size_t i = 1; i < times.size(); ++i, whole = std::min<int64_t>(whole * 2, 30'000)) {
    CHECK(times[i] - times[i - 1] >= whole / 2);
    CHECK(times[i] - times[i - 1] <= whole + 2);
  }
  CHECK(times == run(1));
  CHECK(times != run(2));
}

TEST_CASE("openai: a rollout that waits for its retry does not hold up others") {
  ManualClock clock;
  std::vector<int64_t> sent_ms;
  PolicyOptions options;
  options.argument = "http://x";
  options.model = "m";
  options.clock = &clock;
  const HttpResponse good{.status = 200, .body = R"({"choices":[{"message":{"content":"x"}}]})"};
  const std::deque<HttpResponse> answers = {{.status = 503}, good, good};
  auto policy = std::move(make_openai_policy(options, std::make_unique<FakeHttp>(clock, answers, sent_ms))).value();
  ToyWorld world;
  const Conversation conversation = {{.role = Role::kUser, .text = "hi"}};
  policy->ask({.rollout = 1, .task = &world.view, .conversation = &conversation});
  policy->ask({.rollout = 2, .task = &world.view, .conversation = &conversation});
  const auto first = policy->answer();
  REQUIRE(first.size() == 1);
  CHECK(first[0].rollout == 2);
  CHECK(clock.unix_ms() == 0);
  SECTION("and comes later") {
    const auto second = policy->answer();
    REQUIRE(second.size() == 1);
    CHECK(second[0].rollout == 1);
    CHECK(second[0].message.ok());
    CHECK(sent_ms.back() >= 250);
  }
  SECTION("and does not come once it has finished") {
    policy->finish(1);
    CHECK(policy->answer().empty());
    CHECK(sent_ms.size() == 2);
  }
}
