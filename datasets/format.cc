#include "datasets/format.h"

namespace assay {

OrderedJson public_tools_json(const Environment& environment) {
  OrderedJson tools = OrderedJson::array();
  for (const ToolSpec& tool : environment.tools) tools.push_back(public_tool_json(tool));
  return tools;
}

OrderedJson opening_json(const Task& task) {
  OrderedJson messages = OrderedJson::array();
  if (!task.system.empty()) messages.push_back(to_json(Message{Role::kSystem, task.system, "", {}, ""}));
  messages.push_back(to_json(Message{Role::kUser, task.prompt, "", {}, ""}));
  return messages;
}

OrderedJson certificate_summary(const Certificate& c) {
  int64_t killed = 0;
  for (const MutantClaim& mutant : c.mutants) killed += mutant.outcome == "killed";
  return {{"id", c.id},
          {"sound", c.sound},
          {"versions", c.versions},
          {"chance_rate", c.chance_rate()},
          {"solutions", c.solutions},
          {"solutions_exact", c.solutions_exact},
          {"mutants", c.mutants.size()},
          {"mutants_killed", killed},
          {"calls_low", c.calls_low},
          {"calls_high", c.calls_high},
          {"solver_nodes", c.solver_nodes}};
}

std::string submit_tool(const Environment& environment) {
  for (const ToolSpec& tool : environment.tools)
    if (tool.effect == ToolEffect::kSubmit) return tool.name;
  return "";
}

}  // namespace assay
