// What the program says to a model that writes a domain: the files synth/agent/prompts/*.txt, byte for byte. {category}, {taken}
// and {findings} are filled in.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace assay {

struct AgentPrompt {
  std::string_view name;   // file name without ".txt"
  std::string_view text;
};

std::span<const AgentPrompt> agent_prompts();

// The system prompt, the guide to the language, and its example.
std::string agent_system_prompt();
// The same for domains in Python, with the files of synth/agent/example/.
std::span<const AgentPrompt> python_example();
std::string python_system_prompt();
// Prompt `name` with its one placeholder replaced; asserts that there is such a prompt.
std::string agent_prompt(std::string_view name, std::string_view placeholder = "", std::string_view value = "");

}  // namespace assay
