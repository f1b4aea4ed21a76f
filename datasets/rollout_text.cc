#include "datasets/rollout_text.h"

#include <algorithm>

#include "envs/base/hash.h"
#include "envs/base/text_reader.h"
#include "envs/base/text_writer.h"

namespace assay {
namespace {

void put_member(TextWriter& out, const char* name, std::string_view text) {
  out.put(name);
  out.put_json_string(text);
}

void put_member(TextWriter& out, const char* name, int64_t value) {
  out.put(name);
  out.put_integer(value);
}

// Images, declared tools and response formats are few: those messages are written from their tree.
bool is_plain(const Message& message) {
  return message.images.empty() && message.tools.is_null() && message.response_format.is_null();
}

void put_message(TextWriter& out, const Message& message) {
  if (!is_plain(message)) return out.put(canonical_json(Json(stored_json(message))));
  put_member(out, "{\"content\":", message.text);
  if (!message.reasoning.empty()) put_member(out, ",\"reasoning_content\":", message.reasoning);
  put_member(out, ",\"role\":", role_name(message.role));
  if (message.role == Role::kTool) put_member(out, ",\"tool_call_id\":", message.tool_call_id);
  const char* before = ",\"tool_calls\":[";
  for (const ToolCall& call : message.tool_calls) {
    out.put(before);
    put_member(out, "{\"function\":{\"arguments\":", call.arguments);
    put_member(out, ",\"name\":", call.name);
    put_member(out, "},\"id\":", call.id);
    out.put(",\"type\":\"function\"}");
    before = ",";
  }
  if (!message.tool_calls.empty()) out.put("]");
  out.put("}");
}

void put_verdict(TextWriter& out, const Verdict& verdict) {
  out.put("{\"checks\":[");
  for (const Check& check : verdict.checks) {
    if (&check != &verdict.checks.front()) out.put(",");
    out.put("{");
    if (!check.evidence.empty()) put_member(out, "\"evidence\":", check.evidence), out.put(",");
    put_member(out, "\"name\":", check.name);
    out.put(check.passed ? ",\"passed\":true}" : ",\"passed\":false}");
  }
  out.put(verdict.passed ? "],\"passed\":true,\"reward\":" : "],\"passed\":false,\"reward\":");
  out.put(canonical_json(Json(verdict.reward)));
  put_member(out, ",\"verifier\":", verdict.verifier);
  out.put("}");
}

// ---- The way back: each function reads what its namesake above puts ----

void get_member(TextReader& in, const char* name, std::string& text) {
  in.expect(name);
  text = in.json_string();
}

void get_member(TextReader& in, const char* name, int64_t& count) {
  in.expect(name);
  const auto value = in.integer<uint64_t>();
  if (value > INT64_MAX) in.fail();
  count = static_cast<int64_t>(value);
}

Role get_role(TextReader& in) {
  in.expect(",\"role\":");
  const std::string name = in.json_string();
  for (const Role role : {Role::kSystem, Role::kDeveloper, Role::kUser, Role::kAssistant, Role::kTool})
    if (name == role_name(role)) return role;
  in.fail();
  return Role::kUser;
}

Message get_message(TextReader& in) {
  Message message;
  get_member(in, "{\"content\":", message.text);
  if (in.take(",\"reasoning_content\":")) message.reasoning = in.json_string();
  message.role = get_role(in);
  if (message.role == Role::kTool) get_member(in, ",\"tool_call_id\":", message.tool_call_id);
  if (in.take(",\"tool_calls\":[")) {
    do {
      ToolCall& call = message.tool_calls.emplace_back();
      get_member(in, "{\"function\":{\"arguments\":", call.arguments);
      get_member(in, ",\"name\":", call.name);
      get_member(in, "},\"id\":", call.id);
      in.expect(",\"type\":\"function\"}");
      if (call.name.empty()) in.fail();
    } while (in.take(","));
    in.expect("]");
  }
  in.expect("}");
  return message;
}

Verdict get_verdict(TextReader& in) {
  Verdict verdict;
  in.expect("{\"checks\":[");
  while (!in.failed() && !in.take("]")) {
    Check& check = verdict.checks.emplace_back();
    in.expect(verdict.checks.size() > 1 ? ",{" : "{");
    if (in.take("\"evidence\":")) check.evidence = in.json_string(), in.expect(",");
    get_member(in, "\"name\":", check.name);
    check.passed = in.take(",\"passed\":true}");
    if (!check.passed) in.expect(",\"passed\":false}");
  }
  verdict.passed = in.take(",\"passed\":true");
  if (!verdict.passed) in.expect(",\"passed\":false");
  in.expect(",\"reward\":");
  const std::string_view reward = in.until(',');
  std::from_chars(reward.data(), reward.data() + reward.size(), verdict.reward);
  if (canonical_json(Json(verdict.reward)) != reward) in.fail();
  get_member(in, ",\"verifier\":", verdict.verifier);
  in.expect("}");
  return verdict;
}

Json get_state(TextReader& in) {
  Result<Json> state = parse_json(in.json_object(), "");
  if (!state.ok()) in.fail();
  return state.ok() ? std::move(*state) : Json();
}

}  // namespace

std::string verdict_text(const Verdict& verdict) {
  TextWriter out;
  put_verdict(out, verdict);
  return out.text();
}

std::string verdict_digest(const Verdict& verdict) { return sha256_hex(verdict_text(verdict)).substr(0, 32); }

std::string rollout_text(const Rollout& rollout) {
  if (rollout.status != RolloutStatus::kScored || rollout.context) return canonical_json(to_json(rollout));  // few
  TextWriter out;
  put_member(out, "{\"answer\":", rollout.answer);
  put_member(out, ",\"calls\":", rollout.calls);
  put_member(out, ",\"failed_calls\":", rollout.failed_calls);
  put_member(out, ",\"format\":\"assay-rollout/1\",\"id\":", rollout.id);
  out.put(",\"messages\":[");
  for (const Message& message : rollout.messages) {
    if (&message != &rollout.messages.front()) out.put(",");
    put_message(out, message);
  }
  put_member(out, "],\"policy\":", rollout.policy);
  put_member(out, ",\"sample\":", rollout.sample);
  out.put(",\"seed\":");
  out.put_integer(rollout.seed);
  if (!rollout.state.is_null()) out.put(",\"state\":" + canonical_json(rollout.state));
  put_member(out, ",\"steps\":", rollout.steps);
  put_member(out, ",\"stop\":", rollout.stop);
  out.put(rollout.submitted ? ",\"submitted\":true" : ",\"submitted\":false");
  put_member(out, ",\"task\":", rollout.task);
  out.put(",\"times\":[");
  for (const StepTime& time : rollout.times) {
    put_member(out, &time == &rollout.times.front() ? "[" : ",[", time.policy_us);
    put_member(out, ",", time.tool_us);
    out.put("]");
  }
  put_member(out, "],\"tool_us\":", rollout.tool_us);
  put_member(out, ",\"usage\":{\"cached_tokens\":", rollout.usage.cached_tokens);
  put_member(out, ",\"completion_tokens\":", rollout.usage.completion_tokens);
  put_member(out, ",\"prompt_tokens\":", rollout.usage.prompt_tokens);
  out.put("},\"verdict\":");
  put_verdict(out, rollout.verdict);
  put_member(out, ",\"wall_us\":", rollout.wall_us);
  out.put("}");
  return out.text();
}

std::optional<Rollout> rollout_of_text(std::string_view text) {
  TextReader in(text);
  Rollout rollout;
  get_member(in, "{\"answer\":", rollout.answer);
  get_member(in, ",\"calls\":", rollout.calls);
  get_member(in, ",\"failed_calls\":", rollout.failed_calls);
  get_member(in, ",\"format\":\"assay-rollout/1\",\"id\":", rollout.id);
  in.expect(",\"messages\":[");
  while (!in.failed() && !in.take("]")) {
    if (!rollout.messages.empty()) in.expect(",");
    rollout.messages.push_back(get_message(in));
  }
  get_member(in, ",\"policy\":", rollout.policy);
  get_member(in, ",\"sample\":", rollout.sample);
  in.expect(",\"seed\":");
  rollout.seed = in.integer<uint64_t>();
  if (in.take(",\"state\":")) rollout.state = get_state(in);
  get_member(in, ",\"steps\":", rollout.steps);
  get_member(in, ",\"stop\":", rollout.stop);
  rollout.submitted = in.take(",\"submitted\":true");
  if (!rollout.submitted) in.expect(",\"submitted\":false");
  get_member(in, ",\"task\":", rollout.task);
  in.expect(",\"times\":[");
  while (!in.failed() && !in.take("]")) {
    StepTime& time = rollout.times.emplace_back();
    get_member(in, rollout.times.size() > 1 ? ",[" : "[", time.policy_us);
    get_member(in, ",", time.tool_us);
    in.expect("]");
  }
  get_member(in, ",\"tool_us\":", rollout.tool_us);
  get_member(in, ",\"usage\":{\"cached_tokens\":", rollout.usage.cached_tokens);
  get_member(in, ",\"completion_tokens\":", rollout.usage.completion_tokens);
  get_member(in, ",\"prompt_tokens\":", rollout.usage.prompt_tokens);
  in.expect("},\"verdict\":");
  rollout.verdict = get_verdict(in);
  get_member(in, ",\"wall_us\":", rollout.wall_us);
  in.expect("}");
  return in.at_end() ? std::optional(std::move(rollout)) : std::nullopt;
}

}  // namespace assay
