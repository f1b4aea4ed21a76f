#include "envs/cold_start.h"

namespace assay {

Result<std::string> cold_start_prompt(const std::string& name, int64_t max_calls) {
  std::vector<std::string> known;
  for (const ColdStartPrompt& prompt : cold_start_prompts()) {
    known.emplace_back(prompt.name);
    if (prompt.name != name) continue;
    std::string text(prompt.text.substr(0, prompt.text.find_last_not_of('\n') + 1));
    constexpr std::string_view kPlace = "{max_calls}";
    if (const size_t at = text.find(kPlace); at != std::string::npos) text.replace(at, kPlace.size(), std::to_string(max_calls));
    return text;
  }
  return unknown_name("cold start", name, known);
}

Conversation with_cold_start(Conversation conversation, const std::string& prompt) {
  if (conversation.empty() || conversation.front().role != Role::kSystem)
    conversation.insert(conversation.begin(), Message{Role::kSystem, prompt, "", {}, ""});
  else
    conversation.front().text = conversation.front().text.empty() ? prompt : prompt + "\n\n" + conversation.front().text;
  return conversation;
}

}  // namespace assay
