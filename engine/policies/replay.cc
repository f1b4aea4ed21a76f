// Conversations of before, acted out again. `replay:FILE` reads JSON lines, {"task": ID, "messages": [...]} each
// ("task_id", as the chat export writes it, will do); the n-th line of a task is its sample n, beginning again after
// the last. `replay:store` takes what cli/ hands in.
#include <map>

#include "engine/transcript.h"
#include "envs/base/hash.h"

namespace assay::policies::replay {
namespace {

using ByTask = std::map<std::string, std::vector<Conversation>>;

Status read_line(std::string_view line, const std::string& where, ByTask& out) {
  ASSAY_ASSIGN(const Json json, parse_json(line, where));
  const char* expected = "{\"task\": ID, \"messages\": [...]} on every line";
  if (!json.is_object()) return input_error("expected an object", where, expected);
  auto task = json.find("task");
  if (task == json.end() || !task->is_string()) task = json.find("task_id");
  if (task == json.end() || !task->is_string()) return input_error("no \"task\" with a task's id", where, expected);
  auto messages = json.find("messages");
  if (messages == json.end() || !messages->is_array()) return input_error("no array \"messages\"", where, expected);
  Conversation conversation;
  for (size_t i = 0; i < messages->size(); ++i) {
    ASSAY_ASSIGN(Message message, message_from_json((*messages)[i], where + ": $.messages[" + std::to_string(i) + "]"));
    if (message.role == Role::kAssistant) conversation.push_back(std::move(message));
  }
  out[task->get<std::string>()].push_back(std::move(conversation));
  return {};
}

Result<ByTask> read_lines(std::string_view text, const std::string& file) {
  ByTask out;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos)
      ASSAY_TRY(read_line(line, file + ":" + std::to_string(number), out));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  if (out.empty()) return input_error("no conversation in this file", file);
  return out;
}

Result<std::unique_ptr<Policy>> from_file(const std::string& file) {
  ASSAY_ASSIGN(const std::string text, read_file(file));
  ASSAY_ASSIGN(ByTask read, read_lines(text, file));
  auto by_task = std::make_shared<const ByTask>(std::move(read));
  // The content is part of the name: rollouts of another file are other rollouts.
  return transcript_policy(
      "replay:" + sha256_hex(text).substr(0, 16),
      [by_task, file](const std::string& task, int64_t sample) -> Result<const Conversation*> {
        auto found = by_task->find(task);
        if (found == by_task->end()) return input_error("no conversation for task " + task, file);
        return &found->second[static_cast<size_t>(sample) % found->second.size()];
      });
}

Result<std::unique_ptr<Policy>> create(const PolicyOptions& options) {
  if (options.argument.empty())
    return input_error("replay needs something to replay", "policy replay", "replay:FILE or replay:store");
  if (options.argument != "store") return from_file(options.argument);
  if (!options.transcripts) return input_error("no transcripts were handed in", "policy replay:store");
  return transcript_policy("replay:store", options.transcripts);
}

}  // namespace

PolicyFactory make() {
  return {"replay", "conversations acted out again: replay:FILE (JSON lines) or replay:store", create};
}

}  // namespace assay::policies::replay
