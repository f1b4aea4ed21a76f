#include "cli/describe.h"

#include <algorithm>
#include <map>
#include <set>

#include "cli/certificate_text.h"
#include "cli/summary_tables.h"
#include "cli/text.h"
#include "datasets/measured.h"
#include "datasets/token_record.h"
#include "envs/attack_report.h"
#include "envs/pass_rate.h"
#include "verifiers/constraint.h"

namespace assay {
namespace {

// Two columns: what, and its value.
class Facts {
 public:
  void add(const std::string& name, std::string value) { rows_.emplace_back(name, std::move(value)); }
  std::string text() const {
    size_t width = 0;
    for (const auto& [name, value] : rows_) width = std::max(width, name.size());
    std::string out;
    for (const auto& [name, value] : rows_) out += name + std::string(width + 2 - name.size(), ' ') + value + "\n";
    return out;
  }

 private:
  std::vector<std::pair<std::string, std::string>> rows_;
};

std::string indented(std::string_view text, const std::string& indent) {
  std::string out = indent;
  for (char c : text) {
    out += c;
    if (c == '\n') out += indent;
  }
  return out;
}

std::string heading(const std::string& text) { return "\n" + text + "\n"; }

Result<std::vector<std::pair<std::string, std::string>>> sentences_of(const Task& task, const Environment& environment) {
  if (task.answer.groups == 0) return std::vector<std::pair<std::string, std::string>>();
  const Binding binding{task.answer, environment.tables};
  ASSAY_ASSIGN(const Constraints constraints, compile_constraints(task.constraints, binding, "task " + short_id(task.id)));
  std::vector<std::pair<std::string, std::string>> out;
  for (size_t i = 0; i < constraints.size(); ++i)
    out.emplace_back(constraint_name(task.constraints, i), constraints[i]->sentence());
  return out;
}

// What an engine recorded of a rollout, in numbers.
struct Recorded {
  int64_t given = 0, sampled = 0, kept = 0, cut = 0, layers = 0, experts = 0;
  std::set<std::string> versions;

  explicit Recorded(const std::vector<TokenTurn>& turns) {
    for (const TokenTurn& turn : turns) {
      if (turn.expert_layers > 0) layers = turn.expert_layers, experts = turn.experts_per_token;
      given += static_cast<int64_t>(turn.prompt.size());
      sampled += static_cast<int64_t>(turn.sampled.size());
      kept += static_cast<int64_t>(turn.kept.size());
      cut += std::count_if(turn.kept_counts.begin(), turn.kept_counts.end(), [](int32_t count) { return count > 0; });
      versions.insert(turn.policy_version);
    }
  }
  std::string text() const {
    std::string out = count_text(given) + " tokens given, " + count_text(sampled) + " sampled with log-probabilities, " + count_text(cut) +
                      " of them from sets of " + rate_text(cut > 0 ? static_cast<double>(kept) / static_cast<double>(cut) : 0) + " on average; ";
    out += layers > 0 ? std::to_string(experts) + " experts in " + std::to_string(layers) + " layers" : "no experts";
    for (const std::string& version : versions) out += "; by " + (version.empty() ? "weights without a name" : printable(shortened(version, 80)));
    return out;
  }
  OrderedJson json() const {
    return {{"given", given}, {"sampled", sampled}, {"cut", cut}, {"kept", kept}, {"expert_layers", layers}, {"experts_per_token", experts},
            {"policy_versions", versions}};
  }
};

std::string claims_text(const Certificate& certificate) {
  std::string out;
  for (const ClaimText& claim : claims_of(certificate)) out += (claim.holds ? "  yes  " : "  NO   ") + printable(claim.text) + "\n";
  return out;
}

OrderedJson with_id(const Json& json, const std::string& id) {
  OrderedJson out{{"id", id}};
  for (const auto& [name, value] : json.items()) out[name] = value;
  return out;
}

Facts facts_of(const Task& task) {
  const Provenance& p = task.provenance;
  Facts facts;
  facts.add("task", task.id);
  facts.add("environment", task.environment);
  facts.add("made by", task.archetype + ", domain " + printable(p.domain) + " " + printable(p.domain_version) + ", preset " + printable(p.preset) +
                           ", seed " + std::to_string(p.seed) + ", index " + std::to_string(p.index));
  if (!p.data.empty()) facts.add("over your tables", p.data);
  facts.add("difficulty", difficulty_text(task.difficulty));
  if (!p.parent.empty()) facts.add("made harder from", p.parent + " (step " + std::to_string(p.step) + " of its lineage)");
  facts.add("limits", count_text(task.limits.steps) + " steps, " + count_text(task.limits.calls) + " tool calls, " +
                          duration_text(static_cast<double>(task.limits.wall_ms) / 1000));
  return facts;
}

std::string message_text(const Message& message, size_t most) {
  std::string out = heading("[" + std::string(role_name(message.role)) + "]");
  const auto add = [&](const std::string& text) { out += indented(printable(shortened(text, most)), "  ") + "\n"; };
  if (!message.reasoning.empty()) {
    out += "  (reasoning)\n";
    add(message.reasoning);
  }
  if (!message.text.empty()) add(message.text);
  for (const ToolCall& call : message.tool_calls) add("-> " + call.name + " " + call.arguments);
  return out;
}

// What was observed of a task: the newest attack, and how often each policy solved it.
Result<std::string> observed_text(const Json& observations, const std::string& where) {
  ASSAY_ASSIGN(const AttackReport attack, newest_attack_report(observations, where));
  const AttackTally tally = attack.total();
  std::string out = attack.catalogue.empty() ? "  never attacked\n"
                                             : "  " + printable(attack.catalogue) + ": " + count_text(tally.tried) + " tried, " + count_text(tally.hits) + " hits\n";
  for (const AttackHit& hit : attack.hits) out += "    " + printable(hit.category + ", " + hit.attempt + ": " + shortened(hit.answer, 200)) + "\n";
  std::map<std::string, PassRate> rates;
  for (const Json& observation : observations) {
    if (observation.at("name") != kPassObservation) continue;
    ASSAY_ASSIGN(PassRate rate, pass_rate_from_json(observation.at("value"), where));
    rates[rate.policy] = rate;
  }
  for (const auto& [policy, rate] : rates)
    out += "  " + printable(policy) + " solved it in " + count_text(rate.passed) + " of " + count_text(rate.attempts) + " attempts (" +
           percent_text(rate.low) + " to " + percent_text(rate.high) + ")\n";
  return out;
}

// "60 tasks in 1.2 s (50.0/s)", of the last run; empty if there was none.
std::string throughput(const Json& observations, const std::string& name, const char* noun) {
  for (auto it = observations.rbegin(); it != observations.rend(); ++it) {
    if (it->value("name", "") != name) continue;
    const Json& value = (*it)["value"];
    const double count = value.value(noun, 0.0), seconds = value.value("seconds", 0.0);
    if (count <= 0 || seconds <= 0) return "";
    return count_text(static_cast<int64_t>(count)) + " " + noun + " in " + duration_text(seconds) + " (" +
           rate_text(count / seconds) + " a second), the last time";
  }
  return "";
}

}  // namespace

Description describe_certificate(const Certificate& certificate) {
  Facts facts;
  facts.add("certificate", certificate.id);
  facts.add("task", certificate.task);
  facts.add("made with", printable(certificate.versions));
  facts.add("verdict", certificate.sound ? "sound: every claim holds" : "UNSOUND");
  return {facts.text() + heading("claims") + claims_text(certificate), with_id(to_json(certificate), certificate.id)};
}

Result<Description> describe_task(Store& store, const Task& task, Detail detail) {
  ASSAY_ASSIGN(std::shared_ptr<const Environment> environment, store.environment(task.environment));
  ASSAY_ASSIGN(const auto sentences, sentences_of(task, *environment));
  const Result<Certificate> certificate = store.certificate(task.id);

  Description out;
  out.text = facts_of(task).text();
  out.text += heading("prompt") + indented(printable(task.prompt), "  ") + "\n";
  TextTable table({"constraint", "sentence"});
  OrderedJson constraints = OrderedJson::array();
  for (const auto& [name, sentence] : sentences) {
    table.add({name, printable(sentence)});
    constraints.push_back({{"name", name}, {"sentence", sentence}});
  }
  if (!sentences.empty()) out.text += heading("constraints") + table.text("  ") + "\n";
  for (const auto& [name, content] : task.files) out.text += heading("file " + printable(name)) + indented(printable(shortened(content, 600)), "  ") + "\n";
  if (certificate.ok())
    out.text += heading(std::string("certificate: ") + (certificate->sound ? "sound" : "UNSOUND")) + claims_text(*certificate);
  else out.text += heading("certificate: none");
  if (detail == Detail::kFull && !task.goal.is_null())
    out.text += heading("goal: what must have changed") + indented(printable(OrderedJson(task.goal).dump(2)), "  ") + "\n";
  ASSAY_ASSIGN(const Json observations, store.observations(task.id));
  ASSAY_ASSIGN(const std::string observed, observed_text(observations, "task " + task.id));
  out.text += heading("observed") + observed;
  if (detail == Detail::kFull) out.text += heading("gold") + indented(printable(task.gold), "  ") + "\n";
  out.json = {{"task", with_id(to_json(task), task.id)}, {"constraints", std::move(constraints)}};
  out.json["observations"] = observations;
  out.json["certificate"] = certificate.ok() ? with_id(to_json(*certificate), certificate->id) : OrderedJson();
  return out;
}

namespace {

Result<std::vector<Task>> lineage_of(Store& store, const Task& task) {
  std::vector<Task> out{task};
  while (!out.front().provenance.parent.empty()) {
    if (out.size() > 8) return input_error("a lineage that does not begin", "task " + task.id);
    ASSAY_ASSIGN(Task parent, store.task(out.front().provenance.parent));
    out.insert(out.begin(), std::move(parent));
  }
  TaskFilter filter;
  filter.domain = task.provenance.domain;
  filter.preset = task.provenance.preset;
  filter.seed = task.provenance.seed;
  ASSAY_ASSIGN(const std::vector<TaskRow> rows, store.tasks(filter));
  for (const TaskRow& row : rows) {   // by difficulty
    if (row.index != task.provenance.index || row.difficulty <= out.back().difficulty) continue;
    ASSAY_ASSIGN(Task next, store.task(row.id));
    if (next.provenance.parent == out.back().id) out.push_back(std::move(next));
  }
  return out;
}

// Of what a task asks for, what `before` does not.
Result<std::vector<std::string>> asked_anew(const Task& task, const Environment& environment, std::set<std::string>& before) {
  ASSAY_ASSIGN(const auto sentences, sentences_of(task, environment));
  std::vector<std::string> all;
  for (const auto& [name, sentence] : sentences) all.push_back(sentence);
  if (sentences.empty())
    for (size_t at = 0, end = 0; at < task.prompt.size(); at = end + 1) {
      end = std::min(task.prompt.find('\n', at), task.prompt.size());
      if (end > at) all.push_back(task.prompt.substr(at, end - at));
    }
  std::erase_if(all, [&](const std::string& text) { return before.count(text) > 0; });
  before.insert(all.begin(), all.end());
  return all;
}

}  // namespace

Result<Description> describe_lineage(Store& store, const Task& task) {
  ASSAY_ASSIGN(const std::vector<Task> tasks, lineage_of(store, task));
  Description out;
  out.json = {{"lineage", OrderedJson::array()}};
  std::set<std::string> said, tools;
  for (const Task& step : tasks) {
    ASSAY_ASSIGN(const auto environment, store.environment(step.environment));
    ASSAY_ASSIGN(const std::vector<std::string> added, asked_anew(step, *environment, said));
    const Result<Certificate> certificate = store.certificate(step.id);
    std::vector<std::string> new_tools;
    for (const ToolSpec& tool : environment->tools)
      if (tools.insert(tool.name).second) new_tools.push_back(tool.name);
    out.text += (out.text.empty() ? "" : "\n") + std::string("step ") + std::to_string(step.provenance.step) + ": task " + short_id(step.id) + (step.id == task.id ? " (this one)" : "") +
                ", difficulty " + difficulty_text(step.difficulty) + ", " +
                (certificate.ok() ? "chance rate " + chance_text(measured(*certificate)) + ", " + calls_text(measured(*certificate)) + " calls"
                                  : "no certificate") + "\n";
    for (const std::string& text : added) out.text += "  + " + printable(text) + "\n";
    std::string names;
    for (const std::string& name : new_tools) names += (names.empty() ? "" : ", ") + printable(name);
    out.text += "  tools: " + count_text(static_cast<int64_t>(environment->tools.size())) + (names.empty() ? ", none added" : ", added " + names) + "\n";
    out.json["lineage"].push_back({{"task", step.id}, {"step", step.provenance.step}, {"difficulty", step.difficulty}, {"environment", step.environment},
                                   {"asked_anew", added}, {"tools_added", new_tools}, {"certificate", certificate.ok() ? with_id(to_json(*certificate), certificate->id) : OrderedJson()}});
  }
  return out;
}

Description describe_rollout(const Rollout& rollout, Detail detail) {
  Facts facts;
  facts.add("rollout", rollout.id);
  facts.add("task", rollout.task);
  facts.add("policy", printable(rollout.policy) + ", seed " + std::to_string(rollout.seed) + ", sample " + std::to_string(rollout.sample));
  if (rollout.failure)
    facts.add("FAILED", boundary_name(rollout.failure->boundary) + ": " + printable(shortened(rollout.failure->text(), 2000)));
  else facts.add("verdict", std::string(rollout.verdict.passed ? "passed" : "did not pass") + ", reward " + rate_text(rollout.verdict.reward));
  facts.add("ended by", printable(rollout.stop) + " after " + count_text(rollout.steps) + " steps, " + count_text(rollout.calls) + " calls (" +
                            count_text(rollout.failed_calls) + " failed)");
  if (rollout.usage.completion_tokens > 0)
    facts.add("tokens", count_text(rollout.usage.prompt_tokens) + " of prompt, " + count_text(rollout.usage.completion_tokens) + " written");

  if (rollout.context)
    facts.add("context", printable(rollout.context->strategy) + " at " + count_text(rollout.context->window_tokens) + " tokens, cut " +
                             count_text(static_cast<int64_t>(rollout.context->resets.size())) + " times");

  const std::optional<Recorded> recorded = rollout.turns.empty() ? std::nullopt : std::optional<Recorded>(rollout.turns);
  if (recorded) facts.add("recorded", recorded->text());

  const size_t most = detail == Detail::kFull ? SIZE_MAX : 800;
  Description out{facts.text(), with_id(to_json(rollout), rollout.id)};
  if (recorded) out.json["recorded"] = recorded->json();
  for (const TokenTurn& turn : detail == Detail::kFull ? rollout.turns : std::vector<TokenTurn>()) out.json["turns"].push_back(to_json(turn));
  for (const Message& message : rollout.messages) out.text += message_text(message, most);
  if (rollout.submitted) out.text += heading("submitted") + indented(printable(shortened(rollout.answer, most)), "  ") + "\n";
  if (rollout.failure) return out;
  TextTable table({"check", "", "evidence"});
  for (const Check& check : rollout.verdict.checks)
    table.add({check.name, check.passed ? "passed" : "FAILED", printable(shortened(check.evidence, most))});
  out.text += heading("checks") + table.text("  ") + "\n";
  return out;
}

Description describe_environment(const Environment& environment) {
  Facts facts;
  facts.add("environment", environment.id);
  facts.add("domain", printable(environment.domain));
  TextTable tables({"table", "rows", "columns"});
  OrderedJson tables_json = OrderedJson::array(), tools_json = OrderedJson::array();
  for (const Table& table : environment.tables.tables) {
    std::vector<std::string> columns;
    std::string text;
    for (const ColumnSpec& column : table.spec.columns) {
      columns.push_back(column.name);
      text += (text.empty() ? "" : ", ") + printable(column.name) + (column.unit.empty() ? "" : " (" + printable(column.unit) + ")");
    }
    tables.add({printable(table.spec.name), count_text(table.size()), text});
    tables_json.push_back({{"name", table.spec.name}, {"rows", table.size()}, {"columns", columns}});
  }
  TextTable tools({"tool", "what it does"});
  for (const ToolSpec& tool : environment.tools) {
    tools.add({printable(tool.name), printable(tool.description)});
    tools_json.push_back({{"name", tool.name}, {"description", tool.description}});
  }
  Description out;
  out.text = facts.text() + heading("tables") + tables.text("  ") + "\n" + heading("tools") + tools.text("  ") + "\n";
  if (!environment.notes.empty()) out.text += heading("notes");
  for (const std::string& note : environment.notes) out.text += "  " + printable(note) + "\n";
  out.json = {{"id", environment.id}, {"domain", environment.domain}, {"tables", std::move(tables_json)},
              {"tools", std::move(tools_json)}, {"notes", environment.notes}};
  return out;
}

Result<Description> describe_store(Store& store) {
  ASSAY_ASSIGN(const Json statistics, store.statistics());
  ASSAY_ASSIGN(const Json observations, store.observations("store"));
  ASSAY_ASSIGN(const std::vector<TaskRow> rows, store.tasks({}));
  ASSAY_ASSIGN(const std::vector<PolicySummary> summaries, store.summary());
  TaskGroups groups;
  int64_t sound = 0, unsound = 0;
  for (const TaskRow& row : rows) {
    groups[{row.preset, row.difficulty}].add(row);
    sound += row.sound;
    unsound += !row.sound;
  }
  Description out;
  out.text = "tasks by difficulty\n" + (groups.empty() ? "  none yet" : tasks_table(groups, "  ")) + "\n";
  out.text += heading("pass rate by policy") + (summaries.empty() ? "  no rollouts yet" : pass_table(summaries, "  ")) + "\n";
  Facts facts;
  facts.add("certificates", count_text(sound) + " tasks proved sound, " + count_text(unsound) + " not");
  if (const std::string text = throughput(observations, "synth", "tasks"); !text.empty()) facts.add("synthesis", text);
  if (const std::string text = throughput(observations, "rollout", "rollouts"); !text.empty()) facts.add("rollouts", text);
  facts.add("store", store.path() + " and " + std::to_string(statistics.value("segments", int64_t{0})) + " segment files beside it, " +
                         bytes_text(statistics.value("bytes", int64_t{0})));
  out.text += "\n" + facts.text();
  out.json = {{"store", store.path()}, {"statistics", statistics}, {"observations", observations}, {"tasks", tasks_json(groups)}, {"pass_rates", pass_json(summaries)}};
  return out;
}

}  // namespace assay
