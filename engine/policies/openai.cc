// Any server that speaks the OpenAI chat-completions protocol. All requests of all rollouts are in flight together; one
// that has to be tried again waits for its time beside them.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "engine/openai.h"

namespace assay {
namespace {

constexpr int64_t kConnectTimeoutMs = 10'000;
constexpr int64_t kLongestRetryAfterMs = 10 * 60 * 1000;

// A turn from ask() to its answer.
struct OpenTurn {
  std::string body;
  uint64_t seed = 0;
  int64_t step = 0;
  int64_t attempts = 0;  // made so far
  int64_t request = 0;   // id in flight, or 0
};

class OpenAiPolicy final : public Policy {
 public:
  OpenAiPolicy(const PolicyOptions& options, std::string url, std::unique_ptr<HttpClient> http)
      : options_(options), url_(std::move(url)), where_(shown_url(url_)),
        clock_(options.clock ? *options.clock : system_clock()), http_(std::move(http)) {}

  std::string descriptor() const override { return "openai:" + options_.model; }

  void ask(const Turn& turn) override {
    OpenTurn open;
    open.body = chat_request_body(options_, turn);
    open.seed = turn.seed;
    open.step = turn.step;
    const auto at = turns_.insert_or_assign(turn.rollout, std::move(open)).first;
    send(at->first, at->second);
  }

  std::vector<Action> answer() override {
    std::vector<Action> actions;
    while (actions.empty() && !turns_.empty()) {
      if (options_.cancelled && options_.cancelled->load(std::memory_order_relaxed)) return break_off();
      send_what_is_due();
      for (const HttpResponse& response : http_->wait(ms_to_next_retry())) receive(response, actions);
    }
    return actions;
  }

  void finish(int64_t rollout) override {
    auto turn = turns_.find(rollout);
    if (turn == turns_.end()) return;
    http_->cancel(turn->second.request);
    in_flight_.erase(turn->second.request);
    turns_.erase(turn);
  }

 private:
  void send(int64_t rollout, OpenTurn& turn) {
    HttpRequest request;
    request.url = url_;
    request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    if (!options_.api_key.empty()) request.headers.emplace_back("Authorization", "Bearer " + options_.api_key);
    request.body = turn.body;
    request.timeout_ms = options_.timeout_ms;
    request.connect_timeout_ms = std::min(kConnectTimeoutMs, options_.timeout_ms);
    request.response_bytes = kChatReplyBytes;
    turn.request = http_->submit(std::move(request));
    ++turn.attempts;
    in_flight_[turn.request] = rollout;
  }

  std::vector<Action> break_off() {
    std::vector<Action> actions;
    const Error error = make_error(Boundary::kPolicy, "cancelled while waiting for the endpoint", where_);
    for (const auto& [rollout, turn] : turns_) {
      http_->cancel(turn.request);
      actions.push_back({rollout, error, {}});
    }
    turns_.clear();
    in_flight_.clear();
    retries_.clear();
    return actions;
  }

  void send_what_is_due() {
    const int64_t now = clock_.monotonic_us();
    while (!retries_.empty() && retries_.begin()->first <= now) {
      const int64_t rollout = retries_.begin()->second;
      retries_.erase(retries_.begin());
      // A rollout that finished meanwhile has no open turn, or a newer one that is in flight.
      auto turn = turns_.find(rollout);
      if (turn != turns_.end() && turn->second.request == 0) send(rollout, turn->second);
    }
  }

  int64_t ms_to_next_retry() {
    constexpr int64_t kIdleMs = 250;  // how soon a cancellation is seen
    if (retries_.empty()) return kIdleMs;
    return std::clamp<int64_t>((retries_.begin()->first - clock_.monotonic_us()) / 1000 + 1, 0, kIdleMs);
  }

  void receive(const HttpResponse& response, std::vector<Action>& actions) {
    auto sent = in_flight_.find(response.id);
    if (sent == in_flight_.end()) return;
    const int64_t rollout = sent->second;
    in_flight_.erase(sent);
    OpenTurn& turn = turns_.at(rollout);
    turn.request = 0;
    const bool good = response.failure == HttpFailure::kNone && response.status == 200;
    if (!good && may_retry(response) && turn.attempts <= options_.retries) {
      const auto asked_for = retry_after_ms(response, clock_.unix_ms());
      if (asked_for.value_or(0) <= kLongestRetryAfterMs) {
        const int64_t delay_ms = std::max(asked_for.value_or(0), backoff_ms(turn.seed, rollout, turn.attempts - 1));
        retries_.emplace(clock_.monotonic_us() + delay_ms * 1000, rollout);
        return;
      }
    }
    actions.push_back(good ? action_of(rollout, turn, response) : Action{rollout, failure_of(turn, response), {}});
    turns_.erase(rollout);
  }

  Action action_of(int64_t rollout, const OpenTurn& turn, const HttpResponse& response) const {
    auto reply = parse_chat_reply(response, turn.step, where_);
    if (!reply.ok()) return {rollout, without_key(reply.error()), {}};
    return {rollout, std::move(reply->message), reply->usage};
  }

  Error failure_of(const OpenTurn& turn, const HttpResponse& response) const {
    Error error = chat_error(response, where_);
    if (turn.attempts > 1) error.what += " (tried " + std::to_string(turn.attempts) + " times)";
    if (const auto wait_ms = retry_after_ms(response, clock_.unix_ms()); wait_ms.value_or(0) > kLongestRetryAfterMs)
      error.what += " (it asks to wait " + std::to_string(*wait_ms / 1000) + " s)";
    return without_key(std::move(error));
  }

  // Servers like to quote the key that they refuse; its beginning is enough, for what they say may have been cut.
  Error without_key(Error error) const {
    const std::string& key = options_.api_key;
    const std::string beginning = key.substr(0, 8);
    std::string& text = error.what;
    for (size_t at = 0; !key.empty() && (at = text.find(beginning, at)) != std::string::npos; at += 5) {
      size_t length = beginning.size();
      while (length < key.size() && at + length < text.size() && text[at + length] == key[length]) ++length;
      text.replace(at, length, "[key]");
    }
    return error;
  }

  PolicyOptions options_;
  std::string url_, where_;
  Clock& clock_;
  std::unique_ptr<HttpClient> http_;
  std::map<int64_t, OpenTurn> turns_;                  // by rollout
  std::unordered_map<int64_t, int64_t> in_flight_;     // request -> rollout
  std::multimap<int64_t, int64_t> retries_;            // due time in microseconds -> rollout
};

}  // namespace

Result<std::unique_ptr<Policy>> make_openai_policy(const PolicyOptions& options, std::unique_ptr<HttpClient> http) {
  ASSAY_ASSIGN(std::string url, chat_url(options.argument));
  if (options.model.empty()) return input_error("the name of a model is missing", "policy openai", "--model NAME");
  if (options.timeout_ms <= 0) return input_error("the time limit of a request must be positive", "policy openai");
  return std::unique_ptr<Policy>(new OpenAiPolicy(options, std::move(url), std::move(http)));
}

namespace policies::openai {

PolicyFactory make() {
  auto create = [](const PolicyOptions& options) {
    return make_openai_policy(options, make_http_client({.in_flight = options.in_flight}));
  };
  return {"openai", "a server that speaks the OpenAI chat protocol: openai:URL, with --model NAME", create};
}

}  // namespace policies::openai
}  // namespace assay
