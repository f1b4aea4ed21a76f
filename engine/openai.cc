#include "engine/openai.h"

#include <algorithm>
#include <set>

#include "envs/base/rng.h"

namespace assay {
namespace {

constexpr size_t kShownBytes = 300;         // of a server's own words in an error
constexpr size_t kReplyDepth = 64;
constexpr size_t kCallsPerMessage = 1024;
constexpr int64_t kFirstBackoffMs = 500, kLongestBackoffMs = 30'000;

template <typename AnyJson>
std::string printed(const AnyJson& json) {
  return json.dump(-1, ' ', false, AnyJson::error_handler_t::replace);
}

// One line of printable text, bounded.
std::string shown(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, kShownBytes)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  // A character cut in the middle would make the error itself invalid UTF-8.
  const bool cut = text.size() > kShownBytes;
  while (cut && !out.empty() && (static_cast<unsigned char>(out.back()) & 0xc0) == 0x80) out.pop_back();
  if (cut && !out.empty() && static_cast<unsigned char>(out.back()) >= 0xc0) out.pop_back();
  // Other bytes that are no UTF-8 are replaced on the way through JSON.
  return Json::parse(printed(Json(out))).get<std::string>() + (cut ? "…" : "");
}

Error policy_error(std::string what, const std::string& where, std::string hint = "see the server's log") {
  return make_error(Boundary::kPolicy, std::move(what), where, std::move(hint));
}

bool looks_like_html(const HttpResponse& response) {
  const std::string_view type = response.header("content-type").value_or("");
  const size_t first = response.body.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  return type.starts_with("text/html") || (first != std::string::npos && response.body[first] == '<');
}

OrderedJson sent_message(const Message& message) {
  Message copy = message;
  for (ToolCall& call : copy.tool_calls) {
    const auto arguments = parse_json(call.arguments, "arguments");
    if (!arguments.ok() || !arguments->is_object()) call.arguments = printed(Json{{"malformed", call.arguments}});
  }
  return to_json(copy);
}

// The member if it is there and not null.
const Json* find(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

Result<std::string> text_of(const Json& object, const char* name, const std::string& where) {
  const Json* value = find(object, name);
  if (!value) return std::string();
  if (value->is_string()) return value->get<std::string>();
  return policy_error(std::string("the reply's \"") + name + "\" is of type " + value->type_name() +
                          ", expected a string or null", where);
}

Result<ToolCall> call_of(const Json& item, const std::string& fallback_id, const std::string& where) {
  const Json* function = find(item, "function");
  const Json* name = function ? find(*function, "name") : nullptr;
  if (!name || !name->is_string())
    return policy_error("a tool call of the reply has no function name", where, "switch tool calling on in the server");
  ToolCall call{fallback_id, name->get<std::string>(), ""};
  if (const Json* id = find(item, "id"); id && id->is_string() && *id != "") call.id = id->get<std::string>();
  if (const Json* arguments = find(*function, "arguments"))
    call.arguments = arguments->is_string() ? arguments->get<std::string>() : canonical_json(*arguments);
  return call;
}

Result<std::vector<ToolCall>> calls_of(const Json& message, int64_t step, const std::string& where) {
  std::vector<ToolCall> calls;
  const Json* list = find(message, "tool_calls");
  if (!list) return calls;
  if (!list->is_array()) return policy_error("the reply's \"tool_calls\" is no array", where);
  if (list->size() > kCallsPerMessage)
    return policy_error("the reply makes more than " + std::to_string(kCallsPerMessage) + " tool calls at once", where);
  std::set<std::string> ids;
  for (const Json& item : *list) {
    const std::string made = "call_" + std::to_string(step) + "_" + std::to_string(calls.size());
    ASSAY_ASSIGN(ToolCall call, call_of(item, made, where));
    if (!ids.insert(call.id).second) call.id = made;
    calls.push_back(std::move(call));
  }
  return calls;
}

int64_t count_of(const Json* object, const char* name) {
  const Json* value = object ? find(*object, name) : nullptr;
  constexpr int64_t kMost = int64_t{1} << 40;
  if (!value || !value->is_number_integer()) return 0;
  if (value->is_number_unsigned()) return static_cast<int64_t>(std::min<uint64_t>(value->get<uint64_t>(), kMost));
  return std::clamp<int64_t>(value->get<int64_t>(), 0, kMost);
}

Usage usage_of(const Json& reply) {
  const Json* usage = find(reply, "usage");
  const Json* details = usage ? find(*usage, "prompt_tokens_details") : nullptr;
  return {count_of(usage, "prompt_tokens"), count_of(usage, "completion_tokens"), count_of(details, "cached_tokens")};
}

// What a server says went wrong: {"error": {"message"}}, {"error": TEXT}, {"message"}, {"detail"}; else the beginning
// of its words.
std::string servers_words(const HttpResponse& response) {
  if (looks_like_html(response)) return "an HTML page";
  const auto json = parse_json(response.body, "reply", {.bytes = 1u << 20, .depth = kReplyDepth});
  if (!json.ok()) return shown(response.body);
  const Json* found = find(*json, "error");
  if (found && found->is_object()) found = find(*found, "message");
  if (!found) found = find(*json, "message");
  if (!found) found = find(*json, "detail");
  return shown(found && found->is_string() ? found->get<std::string>() : canonical_json(found ? *found : *json));
}

std::string hint_for(int status) {
  if (status >= 300 && status < 400) return "the address that it redirects to; redirects are not followed";
  if (status == 401 || status == 403) return "check the API key (of OPENAI_API_KEY, or --key-env)";
  if (status == 404 || status == 405) return "check the URL (as far as /v1) and --model";
  if (status == 400 || status == 422) return "check --model and what the server supports (tools, context length)";
  if (status == 429) return "fewer requests in flight, or later";
  return "see the server's log";
}

std::string hint_for(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::kConnect: return "start the server, or check host and port";
    case HttpFailure::kTimeout: return "a longer time limit, or fewer requests in flight";
    case HttpFailure::kTooLarge: return "check that this is a chat endpoint";
    case HttpFailure::kRefused: return "check the URL, the API key's characters and the server's certificate";
    default: return "see the server's log";
  }
}

}  // namespace

Result<std::string> chat_url(const std::string& url) {
  const bool http = url.starts_with("http://") || url.starts_with("https://");
  const size_t host = url.find("://") + 3;
  const size_t query = std::min(url.find_first_of("?#"), url.size());
  const char* example = "openai:http://localhost:8000/v1";
  if (!http || query <= host)
    return input_error("not an http:// or https:// address", "policy openai:" + shown_url(url), example);
  std::string base = url.substr(0, query);
  while (base.back() == '/') base.pop_back();
  if (base.size() < host) return input_error("the address has no host", "policy openai", example);
  const bool has_path = base.find('/', host) != std::string::npos;
  if (!base.ends_with("/chat/completions")) base += has_path ? "/chat/completions" : "/v1/chat/completions";
  const std::string rest = url.substr(query);
  return base + rest.substr(0, rest.find('#'));
}

std::string chat_request_body(const PolicyOptions& options, const Turn& turn) {
  OrderedJson body;
  body["model"] = options.model;
  OrderedJson& messages = body["messages"] = OrderedJson::array();
  for (const Message& message : drop_old_reasoning(*turn.conversation)) messages.push_back(sent_message(message));
  if (!turn.task->tools.empty()) {
    OrderedJson& tools = body["tools"] = OrderedJson::array();
    for (const ToolSpec& tool : turn.task->tools) tools.push_back(public_tool_json(tool));
    body["tool_choice"] = "auto";
  }
  body["temperature"] = options.temperature;
  body["max_tokens"] = options.max_tokens;
  const uint64_t of_sample = Rng(turn.seed, "openai", static_cast<uint64_t>(turn.sample)).next();
  // 31 bits: some servers read the seed into an int.
  body["seed"] = Rng(of_sample, "step", static_cast<uint64_t>(turn.step)).next() >> 33;
  return printed(body);
}

Result<ChatReply> parse_chat_reply(const HttpResponse& response, int64_t step, const std::string& where) {
  const char* no_chat = "check the URL (as far as /v1): this may be no chat endpoint";
  if (looks_like_html(response)) return policy_error("the endpoint answered with an HTML page, not JSON", where, no_chat);
  const auto json = parse_json(response.body, where, {.bytes = kChatReplyBytes, .depth = kReplyDepth});
  if (!json.ok()) return policy_error("the reply is not valid: " + shown(json.error().what), where, no_chat);
  if (find(*json, "error")) return policy_error("the endpoint reports an error: " + servers_words(response), where);
  const Json* choices = find(*json, "choices");
  if (!choices || !choices->is_array() || choices->empty())
    return policy_error("the reply has no choices", where, no_chat);
  const Json* message = find((*choices)[0], "message");
  if (!message || !message->is_object()) return policy_error("the reply's first choice has no message", where, no_chat);
  ChatReply reply;
  reply.message.role = Role::kAssistant;
  ASSAY_ASSIGN(reply.message.text, text_of(*message, "content", where));
  const char* reasoning = find(*message, "reasoning_content") ? "reasoning_content" : "reasoning";
  ASSAY_ASSIGN(reply.message.reasoning, text_of(*message, reasoning, where));
  ASSAY_ASSIGN(reply.message.tool_calls, calls_of(*message, step, where));
  reply.usage = usage_of(*json);
  return reply;
}

Error chat_error(const HttpResponse& response, const std::string& where) {
  if (response.failure != HttpFailure::kNone)
    return policy_error(response.error.what, where, hint_for(response.failure));
  std::string what = "the endpoint answered with status " + std::to_string(response.status);
  if (const auto to = response.header("location")) what += " to " + shown_url(*to);
  else if (const std::string words = servers_words(response); !words.empty()) what += ": " + words;
  return policy_error(what, where, hint_for(response.status));
}

bool may_retry(const HttpResponse& response) {
  switch (response.failure) {
    case HttpFailure::kConnect:
    case HttpFailure::kTimeout:
    case HttpFailure::kTransfer: return true;
    case HttpFailure::kRefused:
    case HttpFailure::kTooLarge: return false;
    case HttpFailure::kNone: break;
  }
  constexpr int kTransient[] = {408, 429, 500, 502, 503, 504};
  return std::find(std::begin(kTransient), std::end(kTransient), response.status) != std::end(kTransient);
}

int64_t backoff_ms(uint64_t seed, int64_t rollout, int64_t attempt) {
  const int64_t whole = std::min(kLongestBackoffMs, kFirstBackoffMs << std::min<int64_t>(attempt, 16));
  Rng rng(seed, "openai/backoff", mix64(static_cast<uint64_t>(rollout)) + static_cast<uint64_t>(attempt));
  return whole / 2 + rng.between(0, whole / 2);
}

}  // namespace assay
