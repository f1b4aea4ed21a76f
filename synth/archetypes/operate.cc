// operate: change the state through write tools under a written policy. A task is a message with some requests; what there is to do
// about each, or why it must be refused, follows from the policy and the data. It is judged by the state that the tools are left in.
#include "synth/archetype.h"
#include "synth/certify.h"
#include "synth/operate/gold.h"
#include "synth/variant.h"

namespace assay::archetypes::operate {
namespace {

using namespace assay::operate;

constexpr int kVersion = 1;
constexpr int64_t kMostAttempts = 60;

struct Made {
  RemadeTask remade;
  bool fits = false;   // in the level's band of calls
};

// One try: nothing if the data has no such requests, or they depend on each other.
Result<std::optional<Made>> attempt(const MakeRequest& request) {
  if (!request.by_difficulty()) return unknown_name("preset", request.preset, {"difficulty"}, "domain " + request.domain->name);
  ASSAY_ASSIGN(const auto world, World::of(request));
  ASSAY_ASSIGN(const std::optional<Bundle> bundle, drawn_bundle(*world, request));
  if (!bundle) return std::optional<Made>();
  ASSAY_ASSIGN(const bool apart, independent(*world, *bundle));
  if (!apart) return std::optional<Made>();
  Made made;
  Task& task = made.remade.task;
  task.environment = request.environment->id;
  task.archetype = "operate";
  task.difficulty = request.difficulty;
  task.system = system_prompt(world->part(), request.environment->tools);
  task.prompt = user_message(*bundle);
  task.constraints = Json::array();
  task.gold = gold_text(*bundle);
  task.provenance = request.provenance();
  task.limits = limits_over(request.environment->tools);
  ASSAY_ASSIGN(Gold gold, play_gold(task, world->plain(), world->part(), *bundle));
  task.goal = std::move(gold.state);
  seal_task(task);
  made.fits = world->part().levels.at(request.difficulty).calls.contains(gold.plain_calls);
  made.remade.transcript = std::move(gold.transcript);
  made.remade.calls = gold.calls;
  made.remade.plain_calls = gold.plain_calls;
  if (request.step) made.remade.basis = std::make_shared<const Basis>(Basis{world, *bundle});
  return std::optional<Made>(std::move(made));
}

Result<RemadeTask> make_task_only(const MakeRequest& request) {
  ASSAY_ASSIGN(auto made, attempt(request));
  if (made) return std::move(made->remade);
  return make_error(Boundary::kEnvironment, "attempt " + std::to_string(request.attempt) + " gives no task of difficulty " + std::to_string(request.difficulty),
                    request.file() + ": " + request.path() + ".levels");
}

// Tries until one is in its band and sound; what is kept says which attempt it is.
Result<MadeTask> make_certified(MakeRequest request) {
  std::shared_ptr<void> kept;
  if (!request.kept) request.kept = &kept;
  std::optional<MadeTask> unsound;
  for (request.attempt = 0; request.attempt < kMostAttempts; ++request.attempt) {
    ASSAY_ASSIGN(auto tried, attempt(request));
    if (!tried || !tried->fits) {
      request.lose(tried ? "calls_outside_band" : "no_independent_requests");
      continue;
    }
    MadeTask made;
    made.task = std::move(tried->remade.task);
    made.candidates = request.attempt + 1;
    ASSAY_ASSIGN(made.certificate, certify(made.task, request));
    if (made.certificate.sound) return made;
    request.lose("unsound");
    if (!unsound) unsound = std::move(made);
    else if (request.attempt > 8) break;   // the domain, not the draw, is at fault
  }
  if (unsound) return std::move(*unsound);
  return make_error(Boundary::kEnvironment, "no task of difficulty " + std::to_string(request.difficulty) + " was found in " + std::to_string(kMostAttempts) + " tries",
                    request.file() + ": " + request.path() + ".levels", "wider bands, or data in which more cases occur");
}

Result<Exploration> gold(const Task& task, const MakeRequest& request) {
  if (!request.domain) return input_error("its domain is not at hand", "task " + task.id);
  ASSAY_ASSIGN(const auto world, World::of(request));
  ASSAY_ASSIGN(const std::optional<Bundle> bundle, drawn_bundle(*world, request));
  if (!bundle) return make_error(Boundary::kEnvironment, "it cannot be drawn again", "task " + task.id);
  PlainTools plain(*request.tools);
  ASSAY_ASSIGN(Gold found, play_gold(task, plain, world->part(), *bundle));
  ASSAY_TRY(request.tools->reset());
  if (!found.problems.empty()) return make_error(Boundary::kTool, found.problems[0], "task " + task.id);
  return Exploration{std::move(found.transcript), "Done.", found.calls, found.plain_calls};
}

// More requests take more calls.
Result<Hardness> hardness(const MakeRequest& request, const Certificate& certificate) {
  ASSAY_ASSIGN(const auto world, World::of(request));
  const int64_t calls = plain_calls_of(certificate);
  return Hardness{world->part().levels.at(request.difficulty).calls.contains(calls), {static_cast<double>(calls)}};
}

Result<int64_t> most_calls(const MakeRequest& request) {
  ASSAY_ASSIGN(const auto world, World::of(request));
  return world->part().levels.at(request.difficulty).calls.high;
}

Status compile(const Domain& domain, Json& part, const std::string& file, const std::string& path) {
  ASSAY_TRY(fill_in_settings(part, domain.settings, file + ": " + path));
  auto read = read_part(domain, part, file, path);
  return read.ok() ? Status() : Status(read.error());
}

}  // namespace

Archetype make() { return {"operate", "change the state through write tools under a written policy", kVersion, compile, make_certified, make_task_only, gold, nullptr, Escalation{hardness, most_calls}}; }

}  // namespace assay::archetypes::operate
