#include "synth/program/program_task.h"

#include <algorithm>
#include <set>

#include "envs/database.h"
#include "envs/episode.h"

namespace assay {
namespace {

constexpr int64_t kDataBytes = 4 << 20;
constexpr size_t kRows = 20'000;
constexpr size_t kCodeBytes = 24;

Error fault(const std::string& what, const std::string& where) { return make_error(Boundary::kEnvironment, what, where); }

// The value of a call that must return one.
Result<Json> value_of(const ModuleResult& result, const std::string& where) {
  if (!result.returned()) return fault(result.problem(), where);
  return parse_json(result.value, where);
}

// Rows by column name, as tables are read: cells in the order of columns.
Result<Json> cells_of(const TableSpec& spec, const Json& rows, const std::string& where) {
  if (!rows.is_array()) return fault("bad_rows: expected a list of rows for the table " + spec.name, where);
  Json out = Json::array();
  for (const Json& row : rows) {
    if (!row.is_object() || row.size() != spec.columns.size()) return fault("bad_rows: expected every column of " + spec.name + " in every row, and no other; found " + row.dump().substr(0, 200), where);
    Json cells = Json::array();
    for (const ColumnSpec& column : spec.columns) {
      if (!row.contains(column.name)) return fault("bad_rows: a row of " + spec.name + " has no " + column.name, where);
      cells.push_back(row[column.name]);
    }
    out.push_back(std::move(cells));
  }
  return out;
}

// The prompt with each {name} replaced; other braces are text.
std::string filled_in(const std::string& prompt, const std::function<std::string(const std::string& name)>& value) {
  std::string out;
  for (size_t at = 0; at < prompt.size();) {
    const size_t end = prompt[at] == '{' ? prompt.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", at + 1) : std::string::npos;
    if (end == std::string::npos || end == at + 1 || prompt[end] != '}') {
      out += prompt[at++];
      continue;
    }
    out += value(prompt.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return out;
}

Message calling(const std::string& tool, const std::string& arguments, int64_t number) {
  Message message;
  message.role = Role::kAssistant;
  message.tool_calls.push_back({"call_" + std::to_string(number), tool, arguments});
  return message;
}

const ToolSpec* submission_of(const std::vector<ToolSpec>& specs) {
  const auto it = std::find_if(specs.begin(), specs.end(), [](const ToolSpec& spec) { return spec.effect == ToolEffect::kSubmit; });
  return it == specs.end() ? nullptr : &*it;
}

// The episode that a solution plays.
class Play {
 public:
  Play(const Task& task, Tools& tools) : tools_(tools), episode_(task, tools), submit_(submission_of(tools.specs())) {}

  Result<Observation> call(const std::string& tool, const std::string& arguments) {
    if (submit_ && tool == submit_->name) return error_observation("the answer is what solve() returns");
    if (episode_.done()) return error_observation("the episode is over (" + episode_.stop() + ")");
    const int64_t failed = episode_.failed_calls();
    ASSAY_ASSIGN(std::string text, play(calling(tool, arguments, episode_.calls() + 1)));
    return Observation{std::move(text), episode_.failed_calls() > failed, {}};
  }

  Result<SolutionRun> submit(const std::string& answer, const std::string& where) {
    if (!submit_) return make_error(Boundary::kEnvironment, "no tool submits an answer", where);
    if (episode_.done()) return fault("too_many_calls: the episode ended before its answer (" + episode_.stop() + ")", where);
    ASSAY_TRY(play(calling(submit_->name, Json{{submit_->body.value("parameter", ""), answer}}.dump(), episode_.calls() + 1)));
    if (!episode_.submitted()) return fault("too_large: its answer of " + std::to_string(answer.size()) + " bytes is not taken", where);
    ASSAY_ASSIGN(Outcome outcome, episode_.outcome());
    return SolutionRun{std::move(transcript_), answer, std::move(outcome.state), episode_.calls()};
  }

 private:
  Result<std::string> play(Message message) {
    ASSAY_ASSIGN(Conversation results, episode_.step(message));
    transcript_.push_back(std::move(message));
    transcript_.insert(transcript_.end(), results.begin(), results.end());
    return results.front().text;
  }

  Tools& tools_;
  Episode episode_;
  const ToolSpec* submit_;
  Conversation transcript_;
};

}  // namespace

std::vector<ProgramTask> program_tasks(const Json& part) {
  std::vector<ProgramTask> out;
  for (const auto& [name, task] : part.at("tasks").items())
    out.push_back({name, task.at("prompt"), task.at("draw"), task.at("solution"), task.at("verifier"), task.at("difficulty"), task.at("judges") == "changes"});
  return out;
}

bool makes_rows(const Domain& domain) { return domain.archetypes.contains(kProgramArchetype); }

Result<Tables> make_rows(const Domain& domain, Executor& executor, uint64_t seed) {
  const std::string where = "domain " + domain.name + ", data";
  PythonModule module(executor, domain.archetypes.at(kProgramArchetype).at("data"), {.value_bytes = kDataBytes});
  const ModuleCall call{.function = "make", .given = {"random"}, .seed = seed};
  ASSAY_ASSIGN(const ModuleResult made, module.call(call));
  ASSAY_ASSIGN(const Json value, value_of(made, where));
  module.restart();
  ASSAY_ASSIGN(const ModuleResult again, module.call(call));
  if (again.value != made.value) return fault("not_reproducible: run again it makes other rows; all that is drawn must come from `random`, and no order from sets", where);
  if (!value.is_object() || value.size() != domain.tables.size()) return fault("bad_rows: expected rows for every table, and for no other", where);
  Json specs = Json::array(), rows = Json::object();
  size_t count = 0;
  for (const TableSpec& spec : domain.tables) {
    if (!value.contains(spec.name)) return fault("bad_rows: there are no rows for the table " + spec.name, where);
    specs.push_back(to_json(spec));
    ASSAY_ASSIGN(rows[spec.name], cells_of(spec, value[spec.name], where));
    count += rows[spec.name].size();
  }
  if (count > kRows) return fault("bad_rows: " + std::to_string(count) + " rows; at most " + std::to_string(kRows) + " are taken", where);
  Result<Tables> tables = tables_from_json({{"tables", std::move(specs)}, {"rows", std::move(rows)}}, where);
  if (!tables.ok()) return fault("bad_rows: " + tables.error().text(), where);
  return tables;
}

Result<Json> draw_parameters(const ProgramTask& task, const Environment& environment, Executor& executor, uint64_t seed) {
  const std::string where = task.name + ".draw";
  ASSAY_ASSIGN(const auto database, Database::build(environment.tables));
  PythonModule module(executor, task.draw, {.database = database->bytes()});
  ASSAY_ASSIGN(const ModuleResult drawn, module.call({.function = "draw", .given = {"db", "random"}, .seed = seed}));
  ASSAY_ASSIGN(Json value, value_of(drawn, where));
  std::set<std::string> names;
  if (value.is_object())
    for (const auto& [name, each] : value.items()) names.insert(name);
  std::set<std::string> asked;
  filled_in(task.prompt, [&](const std::string& name) {
    asked.insert(name);
    return "";
  });
  if (names != asked)
    return fault("bad_draw: what is drawn and what the prompt has in braces must be the same names; found " + value.dump().substr(0, 200), where);
  return value;
}

std::string prompt_of(const ProgramTask& task, const Json& parameters) {
  std::string out = filled_in(task.prompt, [&](const std::string& name) {
    const Json& value = parameters.at(name);
    return value.is_string() ? value.get<std::string>() : value.dump();
  });
  while (!out.empty() && out.back() == '\n') out.pop_back();   // of the file's last line
  return out;
}

Result<SolutionRun> run_solution(const Task& task, const std::string& solution, const Json& parameters, Tools& tools, Executor& executor, uint64_t hash_seed) {
  const std::string where = "the solution";
  ASSAY_TRY(tools.reset());
  Play play(task, tools);
  std::optional<Error> broken;   // what a tool did, which is not the solution's fault
  PythonModule module(executor, solution, {.hash_seed = hash_seed});
  const auto answer = [&](const std::string& tool, const std::string& arguments) -> Result<Observation> {
    Result<Observation> seen = play.call(tool, arguments);
    if (!seen.ok()) broken = seen.error();
    return seen;
  };
  const Result<ModuleResult> solved = module.call({.function = "solve", .given = {"tools"}, .values = {parameters}}, answer);
  if (broken && broken->boundary == Boundary::kTool) return fault("tools_break: " + broken->text(), where);
  if (!solved.ok()) return solved.error();
  if (!solved->returned()) return fault(solved->problem(), where);
  return play.submit(solved->value, where);
}

std::string fault_code(const std::string& text) {
  const size_t end = text.find(": ");
  const std::string code = text.substr(0, end);
  const bool is_code = end != std::string::npos && code.size() <= kCodeBytes && code.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
  return is_code ? code : "unsound";
}

}  // namespace assay
