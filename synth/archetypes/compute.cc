// Problems that need a computation (synth/problems/), to be solved in the code interpreter.
#include "synth/certify.h"
#include "synth/problem_gold.h"
#include "verifiers/value_verifier.h"

namespace assay::archetypes::compute {
namespace {

constexpr int kVersion = 1;
constexpr int64_t kOtherDraws = 200;
constexpr double kMostChance = 0.05;

std::string system_prompt() {
  return "You solve problems by computing. Run Python as often as you need and look at what it prints; its variables last from call to "
         "call. When you are sure, submit your answer with the submission tool, once.";
}

std::string prompt_of(const ProblemInstance& instance) {
  std::string out = instance.statement;
  if (!instance.files.empty()) {
    out += "\n\nIn the working directory:";
    for (const auto& [name, content] : instance.files) out += " " + name + " (" + std::to_string(content.size()) + " bytes)";
    out += ".";
  }
  return out + "\n\nSubmit the answer as one JSON value and nothing else.";
}

Result<RemadeTask> make_task_only(const MakeRequest& request) {
  if (request.preset != "difficulty") return unknown_name("preset", request.preset, {"difficulty"}, "domain " + request.domain->name);
  if (request.difficulty > 5) return input_error("difficulties are 1 to 5", "--difficulty");
  ASSAY_ASSIGN(const DrawnProblem drawn, draw_problem(request));
  Task task;
  task.environment = request.environment->id;
  task.archetype = "compute";
  task.difficulty = request.difficulty;
  task.system = system_prompt();
  task.prompt = prompt_of(drawn.instance);
  task.constraints = Json::array();
  task.expected = drawn.instance.expected;
  task.files = drawn.instance.files;
  task.limits.steps = 40;
  task.limits.calls = 60;
  task.gold = value_text(drawn.instance.expected);
  task.provenance = request.provenance();
  seal_task(task);
  return RemadeTask{std::move(task), {}, 0};
}

// A draw may come out with an answer that is too common, or trivial; then the next one is tried, and the task says which it is.
Result<MadeTask> make_certified(MakeRequest request) {
  MadeTask made;
  for (request.attempt = 0; request.attempt < kMostAttempts; ++request.attempt) {
    ASSAY_ASSIGN(RemadeTask remade, make_task_only(request));
    made.task = std::move(remade.task);
    made.candidates = request.attempt + 1;
    ASSAY_ASSIGN(made.certificate, certify(made.task, request));
    if (made.certificate.sound) break;
    request.lose("unsound");
  }
  return made;
}

Result<Exploration> gold(const Task& task, const MakeRequest& request) {
  ASSAY_ASSIGN(const DrawnProblem drawn, draw_problem(request));
  ASSAY_ASSIGN(ComputedGold found, compute_gold(task, drawn.instance.solution, request));
  return Exploration{std::move(found.transcript), std::move(found.answer), found.calls};
}

// Another method, in another language, through the public tools alone.
Status prove_gold(const Task& task, const DrawnProblem& drawn, const MakeRequest& request, const Verifier& verifier, Certificate& certificate) {
  const auto gold = compute_gold(task, drawn.instance.solution, request);
  // A broken sandbox says nothing about the task.
  if (!gold.ok() && gold.error().boundary != Boundary::kTool) return gold.error();
  certificate.gold_passes = gold.ok() && verifier.judge({gold->answer}).passed && verifier.judge({task.gold}).passed;
  if (!gold.ok()) certificate.problems.push_back("the gold program fails: " + gold.error().text());
  else if (!certificate.gold_passes) certificate.problems.push_back("the two methods disagree: the program prints " + gold->answer.substr(0, 200));
  certificate.calls_low = 2;
  certificate.calls_high = gold.ok() ? gold->calls : 2;
  return {};
}

// The chance rate is how often the answer to another draw of the same problem is right: what somebody knows who has seen many, and not
// this one.
Status prove(const Task& task, const MakeRequest& request, const Verifier& verifier, Certificate& certificate) {
  ASSAY_ASSIGN(const DrawnProblem drawn, draw_problem(request));
  certificate.versions += "; problem " + drawn.problem->name + " " + std::to_string(drawn.problem->version);
  ASSAY_TRY(prove_gold(task, drawn, request, verifier, certificate));
  Rng seeds(stream_of("compute/chance/" + task.id), "chance");
  for (int64_t i = 0; i < kOtherDraws; ++i) {
    Rng rng(seeds.next(), "draw");
    certificate.chance_hits += verifier.judge({value_text(drawn.problem->draw(rng, request.difficulty).expected)}).passed;
    ++certificate.chance_tries;
  }
  if (certificate.chance_rate() > kMostChance) certificate.problems.push_back("the answer is right too often for other draws of the same problem");
  certificate.learnable = true;   // the files are in the working directory, the rest in the prompt
  return {};
}

Status compile(const Domain&, Json& part, const std::string& file, const std::string& path) {
  JsonReader r(part, file, path);
  r.texts_or("families", {});
  return r.finish();
}

}  // namespace

Archetype make() { return {"compute", "problems to be computed in the code interpreter", kVersion, compile, make_certified, make_task_only, gold, prove}; }

}  // namespace assay::archetypes::compute
