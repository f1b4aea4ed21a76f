#include "datasets/report/trajectory.h"

#include <set>

#include "datasets/report/test_table.h"

namespace assay {
namespace {

// What a browser shows as a picture and never runs.
bool is_picture(const std::string& mime) {
  static const std::set<std::string> kinds = {"image/png", "image/jpeg", "image/gif", "image/webp"};
  return kinds.contains(mime);
}

OrderedJson message_record(Archive& archive, const Message& message) {
  OrderedJson out{{"role", role_name(message.role)}, {"text", archive.add_text(message.text)}};
  if (!message.reasoning.empty()) out["reasoning"] = archive.add_text(message.reasoning);
  for (const ToolCall& call : message.tool_calls) out["calls"].push_back({call.name, archive.add_text(call.arguments)});
  for (const Image& image : message.images)
    if (is_picture(image.mime)) out["images"].push_back(archive.add_text("data:" + image.mime + ";base64," + image.base64));
  return out;
}

}  // namespace

int64_t text_bytes(const Rollout& rollout) {
  size_t bytes = rollout.answer.size();
  for (const Message& message : rollout.messages) {
    bytes += message.text.size() + message.reasoning.size();
    for (const ToolCall& call : message.tool_calls) bytes += call.name.size() + call.arguments.size();
    for (const Image& image : message.images) bytes += image.base64.size();
  }
  for (const Check& check : rollout.verdict.checks) bytes += check.evidence.size();
  if (rollout.state.is_object() && rollout.state.contains("patch") && rollout.state["patch"].is_string()) bytes += rollout.state["patch"].get_ref<const std::string&>().size();
  return static_cast<int64_t>(bytes);
}

int64_t add_trajectory(Archive& archive, const Task& task, const Rollout& rollout) {
  OrderedJson out{{"messages", OrderedJson::array()}, {"checks", OrderedJson::array()}, {"verifier", rollout.verdict.verifier}};
  for (const Message& message : rollout.messages) out["messages"].push_back(message_record(archive, message));
  for (const Check& check : rollout.verdict.checks) out["checks"].push_back({check.name, check.passed, archive.add_text(check.evidence)});
  if (rollout.submitted) out["answer"] = archive.add_text(rollout.answer);
  if (rollout.state.is_object() && rollout.state.contains("patch") && rollout.state["patch"].is_string()) out["patch"] = archive.add_text(rollout.state["patch"].get<std::string>());
  else if (!rollout.state.is_null()) out["change"] = archive.add_text(canonical_json(rollout.state));
  for (const TestLine& line : test_table(task, rollout.verdict)) out["tests"].push_back({line.id, line.must, line.outcome});
  if (rollout.failure) out["failure"] = {boundary_name(rollout.failure->boundary), rollout.failure->what, rollout.failure->where, rollout.failure->hint};
  if (rollout.context)
    for (const ContextReset& reset : rollout.context->resets) out["resets"].push_back({reset.message, reset.kept_from, reset.tokens});
  out["times"] = OrderedJson::array();
  for (const StepTime& time : rollout.times) out["times"].push_back({time.policy_us, time.tool_us});
  out["tokens"] = OrderedJson::array();
  for (const TokenTurn& turn : rollout.turns) out["tokens"].push_back(turn.sampled.size());
  return archive.add_record(out);
}

}  // namespace assay
