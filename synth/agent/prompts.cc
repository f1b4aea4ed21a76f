#include "synth/agent/prompts.h"

#include "envs/base/status.h"
#include "envs/domains.h"
#include "envs/language.h"

namespace assay {

std::string agent_prompt(std::string_view name, std::string_view placeholder, std::string_view value) {
  for (const AgentPrompt& prompt : agent_prompts()) {
    if (prompt.name != name) continue;
    std::string out(prompt.text);
    if (const size_t at = placeholder.empty() ? std::string::npos : out.find(placeholder); at != std::string::npos)
      out.replace(at, placeholder.size(), value);
    return out;
  }
  ASSAY_ASSERT(!"no such prompt");
  return "";
}

std::string agent_system_prompt() {
  std::string out = agent_prompt("system");
  out += "\n";
  out += domain_language();
  for (const EmbeddedDomain& domain : embedded_domains())
    if (domain.name == "observing") out += "\n# The example: observing.json\n\n```json\n" + std::string(domain.text) + "```\n";
  return out;
}

std::string python_system_prompt() {
  std::string out = agent_prompt("python_system");
  for (const AgentPrompt& file : python_example()) {
    const std::string_view language = file.name.ends_with(".py") ? "python" : file.name.ends_with(".json") ? "json" : "text";
    out += "\n```" + std::string(language) + " " + std::string(file.name) + "\n" + std::string(file.text) + "```\n";
  }
  return out;
}

}  // namespace assay
