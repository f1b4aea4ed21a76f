#include "envs/episode.h"

#include <algorithm>

namespace assay {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

void cut(std::string& text, int64_t limit) {
  const size_t whole = text.size();
  if (whole <= static_cast<size_t>(limit)) return;
  size_t end = static_cast<size_t>(limit);
  for (int back = 0; back < 3 && end > 0 && continues_character(text[end]); ++back) --end;
  text.resize(end);
  text += "\n[The result was cut here: " + std::to_string(whole - end) + " more bytes were left out.]";
}

const ToolSpec* find_spec(const std::vector<ToolSpec>& specs, std::string_view name) {
  const auto it = std::find_if(specs.begin(), specs.end(), [&](const ToolSpec& spec) { return spec.name == name; });
  return it == specs.end() ? nullptr : &*it;
}

}  // namespace

Episode::Episode(const Task& task, Tools& tools) : task_(task), tools_(tools) {}

Conversation Episode::opening() const {
  Conversation out;
  if (!task_.system.empty()) out.push_back({Role::kSystem, task_.system, "", {}, ""});
  out.push_back({Role::kUser, task_.prompt, "", {}, ""});
  return out;
}

Result<Observation> Episode::call(std::string_view tool, std::string_view arguments) {
  const ToolSpec* spec = find_spec(tools_.specs(), tool);
  return counted([&] { return spec && spec->effect == ToolEffect::kSubmit ? submit(*spec, arguments) : tools_.call(tool, arguments); });
}

Result<Observation> Episode::counted(const std::function<Result<Observation>()>& carry_out) {
  if (done()) return error_observation("the episode is over (" + stop_ + "); the call was not carried out");
  ++calls_;
  Result<Observation> result = carry_out();
  if (!result.ok()) return result;
  failed_calls_ += result->error;
  cut(result->text, task_.limits.observation_bytes);
  if (calls_ >= task_.limits.calls) stop_because("limit:calls");
  return result;
}

Result<Conversation> Episode::step(const Message& assistant, const std::optional<Error>& malformed) {
  ++steps_;
  Conversation out;
  const auto refuse = [&]() -> Result<Observation> { return error_observation(malformed->text()); };
  for (const ToolCall& each : assistant.tool_calls) {
    ASSAY_ASSIGN(Observation observation, malformed ? counted(refuse) : call(each.name, each.arguments));
    out.push_back({Role::kTool, std::move(observation.text), "", {}, each.id, std::move(observation.images)});
  }
  if (assistant.tool_calls.empty()) stop_because("gave_up");
  if (steps_ >= task_.limits.steps) stop_because("limit:steps");
  return out;
}

Result<Observation> Episode::submit(const ToolSpec& spec, std::string_view arguments) {
  ASSAY_ASSIGN(Observation observation, tools_.call(spec.name, arguments));
  if (observation.error) return observation;
  ASSAY_ASSIGN(const Json parsed, parse_json(arguments, spec.name));
  const std::string name = spec.body.value("parameter", "");
  const auto value = parsed.find(name);
  if (value == parsed.end() || !value->is_string()) return error_observation("the argument '" + name + "' is missing");
  const std::string& answer = value->get_ref<const std::string&>();
  if (answer.size() > static_cast<size_t>(task_.limits.answer_bytes))
    return error_observation("the answer has " + std::to_string(answer.size()) + " bytes, over the limit of " +
                             std::to_string(task_.limits.answer_bytes) + "; it was not submitted");
  answer_ = answer;
  submitted_ = true;
  stop_because("submitted");
  return observation;
}

Result<Outcome> Episode::outcome() {
  ASSAY_ASSIGN(Json state, tools_.state());
  return Outcome{answer_, std::move(state)};
}

TaskView view_of(const Task& task, const std::vector<ToolSpec>& tools) {
  return {task.id, task.system, task.prompt, task.answer, tools, task.limits};
}

}  // namespace assay
