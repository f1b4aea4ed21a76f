#include "datasets/rollout_text.h"

#include <algorithm>

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

}  // namespace

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

}  // namespace assay
