// The OpenAI chat-completions protocol, as every compatible server speaks it: what is sent, what comes back, and what
// each failure means. Pure functions, and the policy that plays them over HTTP.
//
// Every failure is an Error of boundary kPolicy with bounded, printable texts; the policy strikes its API key out of what a
// server quotes.
#pragma once

#include <memory>
#include <string>

#include "engine/policy_factory.h"
#include "envs/base/http.h"

namespace assay {

// The address that requests go to. A server ("http://host:8000", "https://host/") gets "/v1/chat/completions", any
// other path ("…/v1", "…/openai/") gets "/chat/completions", and one that ends with that stays. A query is kept. Fails
// without http(s)://.
Result<std::string> chat_url(const std::string& url);

inline constexpr size_t kChatReplyBytes = 16u << 20;  // longer replies are broken off

// The body: model, messages (old reasoning dropped by the report's rule), tools, temperature, max_tokens and a seed
// drawn from (run's seed, sample, step). Arguments of earlier calls that are no JSON object are sent as {"malformed":
// TEXT}, because servers that render them with a template refuse the whole conversation otherwise; the rollout keeps
// what was written.
std::string chat_request_body(const PolicyOptions& options, const Turn& turn);

struct ChatReply {
  Message message;
  Usage usage;
};

// Reads a reply of status 200. Calls without an id, or with one that occurs twice, get "call_STEP_POSITION". Arguments
// stay as written (an object becomes JSON text): whether the tool exists and takes them is for the episode to say.
Result<ChatReply> parse_chat_reply(const HttpResponse& response, int64_t step, const std::string& where);

// What a failure, or a status other than 200, means for the user.
Error chat_error(const HttpResponse& response, const std::string& where);

// Whether trying again may help: 408, 429, 500, 502, 503, 504, no connection, a time-out, an answer that broke off.
bool may_retry(const HttpResponse& response);

// Exponential back-off, half of it jitter, deterministic in (seed, rollout, attempt); attempt counts from 0.
int64_t backoff_ms(uint64_t seed, int64_t rollout, int64_t attempt);

// Takes `http` over. Needs options.argument and options.model. Rollouts wait for their retries without holding up
// others.
Result<std::unique_ptr<Policy>> make_openai_policy(const PolicyOptions& options, std::unique_ptr<HttpClient> http);

}  // namespace assay
