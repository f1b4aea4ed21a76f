// Tasks whose tools, solution and verifier are Python (synth/program/program_task.h), for what the constraint language cannot say.
#include "synth/program/program_task.h"

#include <algorithm>
#include <set>

#include "envs/base/rng.h"
#include "synth/certify.h"

namespace assay::archetypes::program {
namespace {

constexpr int kVersion = 1;
constexpr int64_t kMostAttempts = 4;
constexpr int64_t kMostCalls = 200;

std::string system_prompt(bool judges_changes) {
  return "You solve tasks with the tools that you are given, and with nothing else: look things up, and reason over what you find. " +
         std::string(judges_changes ? "What is judged is what you have changed with the tools: all that was asked for, and no more. When it is done, submit the answer \"done\" with the submission tool, once."
                                    : "When you are sure, submit your answer with the submission tool, once: one JSON value in the form that is asked for, and nothing else.");
}

Result<ProgramTask> choose(const MakeRequest& request) {
  if (request.preset != "difficulty") return unknown_name("preset", request.preset, {"difficulty"}, "domain " + request.domain->name);
  std::vector<ProgramTask> choice;
  std::string known;
  for (ProgramTask& task : program_tasks(request.part())) {
    known += (known.empty() ? "" : ", ") + std::to_string(task.difficulty);
    if (task.difficulty == request.difficulty) choice.push_back(std::move(task));
  }
  if (choice.empty()) return input_error("the domain has no task of difficulty " + std::to_string(request.difficulty), "domain " + request.domain->name, "--difficulty " + known);
  return choice[static_cast<size_t>(request.index) % choice.size()];
}

Result<RemadeTask> make_task_only(const MakeRequest& request) {
  if (!request.executor) return make_error(Boundary::kSandbox, "nothing here may run programs", "domain " + request.domain->name, "a sandbox: assay doctor says which work");
  ASSAY_ASSIGN(const ProgramTask chosen, choose(request));
  Rng rng(request.seed, "program/" + chosen.name, request.draw(kMostAttempts));
  ASSAY_ASSIGN(Json parameters, draw_parameters(chosen, *request.environment, *request.executor, rng.next()));
  Task task;
  task.environment = request.environment->id;
  task.archetype = kProgramArchetype;
  task.difficulty = chosen.difficulty;
  task.system = system_prompt(chosen.judges_changes);
  task.prompt = prompt_of(chosen, parameters);
  task.constraints = Json::array();
  task.expected = {{"type", "program"}, {"task", chosen.name}, {"parameters", parameters}, {"judges", chosen.judges_changes ? "changes" : "answer"}, {"module", chosen.verifier}};
  task.limits.steps = task.limits.calls = kMostCalls;
  task.provenance = request.provenance();
  ASSAY_ASSIGN(const std::unique_ptr<Tools> own, request.own_tools(task));
  ASSAY_ASSIGN(SolutionRun run, run_solution(task, chosen.solution, parameters, own ? *own : *request.tools, *request.executor, 0));
  task.gold = chosen.judges_changes ? "\"done\"" : run.answer;
  if (chosen.judges_changes) task.goal = run.changes;
  seal_task(task);
  return RemadeTask{std::move(task), std::move(run.transcript), run.calls, run.calls, nullptr};
}

// Whether the fault may be the draw's alone.
bool may_be_drawn(const std::string& code) {
  static const std::set<std::string> kDrawn = {"raised", "rejected", "too_many_calls", "trivial_passes", "other_gold_passes", "near_miss_passes", "gold_leaks"};
  return kDrawn.contains(code);
}

// What a draw does not make soundly, the next one may; the task says which it is.
Result<MadeTask> make_certified(MakeRequest request) {
  MadeTask made;
  for (request.attempt = 0;; ++request.attempt) {
    Result<RemadeTask> remade = make_task_only(request);
    if (!remade.ok() && remade.error().boundary != Boundary::kEnvironment) return remade.error();
    if (remade.ok()) {
      made.task = std::move(remade->task);
      made.candidates = request.attempt + 1;
      ASSAY_ASSIGN(made.certificate, certify(made.task, request));
      if (made.certificate.sound) return made;
    }
    const std::string code = fault_code(remade.ok() ? made.certificate.problems.front() : remade.error().what);
    request.lose(code);
    if (may_be_drawn(code) && request.attempt + 1 < kMostAttempts) continue;
    if (!remade.ok()) return remade.error();
    return made;
  }
}

Result<Exploration> gold(const Task& task, const MakeRequest& request) {
  if (!request.domain || !request.executor) return make_error(Boundary::kEnvironment, "its domain or a sandbox is not at hand", "task " + task.id);
  for (const ProgramTask& each : program_tasks(request.part())) {
    if (each.name != task.expected.at("task")) continue;
    ASSAY_ASSIGN(const std::unique_ptr<Tools> own, request.own_tools(task));
    ASSAY_ASSIGN(SolutionRun run, run_solution(task, each.solution, task.expected.at("parameters"), own ? *own : *request.tools, *request.executor, 0));
    return Exploration{std::move(run.transcript), std::move(run.answer), run.calls, run.calls};
  }
  return make_error(Boundary::kEnvironment, "the domain has no such task any more", "task " + task.id);
}

Status compile_task(const std::string& name, const Json& task, const std::string& file, const std::string& path) {
  JsonReader r(task, file, path);
  r.integer("difficulty", {.minimum = 1, .maximum = 5});
  const std::string judges = r.text_or("judges", "answer");
  if (judges != "answer" && judges != "changes") r.fail("judges", "expected \"answer\" or \"changes\"");
  if (r.text("prompt").find_first_not_of(" \n") == std::string::npos) r.fail("prompt", "the prompt of '" + name + "' is empty");
  for (const char* module : {"draw", "solution", "verifier"})
    if (r.text(module).size() > static_cast<size_t>(kModuleBytes)) r.fail(module, "longer than " + std::to_string(kModuleBytes) + " bytes");
  return r.finish();
}

Status compile(const Domain& domain, Json& part, const std::string& file, const std::string& path) {
  JsonReader r(part, file, path);
  r.text("data");
  const Json& tasks = r.object("tasks");
  if (tasks.is_object() && tasks.empty()) r.fail("tasks", "expected at least one task");
  if (domain.archetypes.size() > 0) r.fail("", "it stands alone: its rows come from its own program");
  ASSAY_TRY(r.finish());
  for (auto it = part["tasks"].begin(); it != part["tasks"].end(); ++it) {
    ASSAY_TRY(compile_task(it.key(), *it, file, path + ".tasks." + it.key()));
    if (!it->contains("judges")) (*it)["judges"] = "answer";
    const bool writes = std::any_of(domain.tools.begin(), domain.tools.end(), [](const ToolSpec& tool) { return tool.effect == ToolEffect::kWrite; });
    if ((*it)["judges"] == "changes" && !writes) return input_error("changes are judged, and no tool writes", file + ": " + path + ".tasks." + it.key(), "a tool of effect \"write\"");
  }
  return {};
}

}  // namespace

Archetype make() { return {"program", "tasks whose tools, solution and verifier are Python, in sandboxes of their own", kVersion, compile, make_certified, make_task_only, gold}; }

}  // namespace assay::archetypes::program
