#include "datasets/format.h"

#include "datasets/measured.h"
#include "datasets/templates.h"

namespace assay {

PublicTools public_tools(const Environment& environment) {
  PublicTools tools{OrderedJson::array(), ""};
  for (const ToolSpec& tool : environment.tools) tools.json.push_back(public_tool_json(tool));
  tools.text = tools.json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  return tools;
}

OrderedJson opening_json(const Task& task) {
  OrderedJson messages = OrderedJson::array();
  if (!task.system.empty()) messages.push_back(to_json(Message{Role::kSystem, task.system, "", {}, ""}));
  messages.push_back(to_json(Message{Role::kUser, task.prompt, "", {}, ""}));
  return messages;
}

OrderedJson certificate_summary(const Certificate& c) {
  const Measured m = measured(c);
  int64_t killed = 0;
  for (const MutantClaim& mutant : c.mutants) killed += mutant.outcome == "killed";
  return {{"id", c.id},
          {"sound", c.sound},
          {"versions", c.versions},
          {"chance_rate", or_null(m.chance_rate)},
          {"solutions", c.solutions},
          {"solutions_exact", c.solutions_exact},
          {"mutants", c.mutants.size()},
          {"mutants_killed", killed},
          {"calls_low", or_null(m.calls_low)},
          {"calls_high", or_null(m.calls_high)},
          {"solver_nodes", c.solver_nodes}};
}

std::string submit_tool(const Environment& environment) {
  for (const ToolSpec& tool : environment.tools)
    if (tool.effect == ToolEffect::kSubmit) return tool.name;
  return "";
}

const char* judged_by(const Task& task) { return task.goal.is_null() && task.tests.is_null() ? "answer" : "state"; }

FormatFiles reward_files(const RowFiles&) {
  for (const EmbeddedTemplate& file : embedded_templates())
    if (file.name == "reward.py") return {{"reward.py", std::string(file.text)}};
  ASSAY_ASSERT(!"reward.py is embedded");
}

void put_origin(OrderedJson& row, const ExportItem& item) {
  const Task& task = item.task;
  row["task_id"] = task.id;
  if (item.rollout) row["rollout_id"] = item.rollout->id;
  if (item.rejected) row["rejected_id"] = item.rejected->id;
  row["environment_id"] = task.environment;
  row["domain"] = task.provenance.domain;
  row["difficulty"] = task.difficulty;
  row["seed"] = task.provenance.seed;
  row["index"] = task.provenance.index;
  row["split"] = item.split;
  if (const Rollout* rollout = item.rollout) {
    row["policy"] = rollout->policy;
    row["rollout_seed"] = rollout->seed;
    row["sample"] = rollout->sample;
    row["reward"] = rollout->verdict.reward;
    if (item.rejected) row["rejected_reward"] = item.rejected->verdict.reward;
    else row["passed"] = rollout->verdict.passed;
  }
  row["certificate"] = certificate_summary(item.certificate);
}

Result<const Format*> find_format(const std::string& name) {
  std::vector<std::string> known;
  for (const Format& format : formats::all()) {
    if (format.name == name) return &format;
    known.push_back(format.name);
  }
  return unknown_name("format", name, known);
}

}  // namespace assay
