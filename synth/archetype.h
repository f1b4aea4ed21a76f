// A way of making tasks from a domain: one file each in synth/archetypes/, which defines `Archetype make()`.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "envs/certificate.h"
#include "envs/message.h"
#include "envs/plain_tools.h"
#include "envs/task.h"
#include "envs/toolset.h"
#include "envs/verifier.h"
#include "synth/domain.h"
#include "synth/environment_check.h"
#include "synth/explorer.h"

namespace assay {

class Executor;

// What became of the candidates of a search: every one is certified, or lost for exactly one reason.
struct CandidateFunnel {
  int64_t certified = 0;
  std::map<std::string, int64_t> lost;   // by code, as "chance_above_band"
  int64_t candidates() const;
  void add(const CandidateFunnel& other);
};

// The place of a task in a lineage (synth/lineage.h). Immutable.
struct LineageStep {
  int64_t number = 0;                                // from 0
  std::string parent;                                // the task of the step before; empty at the beginning
  int64_t attempts = 0;                              // that were kept in the steps before, as Provenance::attempt tells them
  std::shared_ptr<const void> basis;                 // RemadeTask::basis of the step before; null at the beginning
  std::shared_ptr<const Environment> whole;          // the environment with all its tools, over which tasks are drawn
  std::shared_ptr<const EnvironmentReport> report;   // of `whole`
};
// Attempts at one step; those of all steps are the digits of Provenance::attempt.
inline constexpr int64_t kLineageAttempts = 256;
// The preset of tasks in lineages.
inline constexpr const char* kLineagePreset = "escalation";

struct MakeRequest {
  const Domain* domain = nullptr;
  std::string archetype;        // which of the domain's
  std::shared_ptr<const Environment> environment;
  Tools* tools = nullptr;       // of that environment, bound for this thread
  PlainTools* plain = nullptr;  // `tools` before variants; null: made when needed
  // Tools for one episode over a task's files, where the environment's tools keep state; empty: `tools` serve this once.
  std::function<Result<std::unique_ptr<Tools>>(const Task&)> open_tools;
  Executor* executor = nullptr; // where programs of a domain run that are no tools; null: there are none
  std::shared_ptr<const EnvironmentReport> report;   // check_environment of it; null: computed when needed
  // What an archetype keeps from task to task of this environment, in this thread; null: nothing is kept.
  std::shared_ptr<void>* kept = nullptr;
  CandidateFunnel* funnel = nullptr;   // counts the candidates of a search; null: nobody asks
  std::string preset;           // one of the domain's, "difficulty", or kLineagePreset
  int difficulty = 0;           // wanted, 1..5, for the latter two
  std::shared_ptr<const LineageStep> step;   // for preset kLineagePreset, else null
  std::string data;             // identity of the user's tables, or empty
  std::vector<std::string> variants;   // of the environment's tools (synth/variant.h)
  uint64_t seed = 0;
  int64_t index = 0;
  int64_t attempt = 0;          // for make_task_only: the candidate that was kept

  // A candidate was lost.
  void lose(const std::string& code) const {
    if (funnel) ++funnel->lost[code];
  }
  // What the domain tells this archetype.
  const Json& part() const { return domain->archetypes.at(archetype); }
  std::string file() const { return domain->name + ".json"; }
  std::string path() const { return "$.archetypes." + archetype; }
  bool by_difficulty() const { return preset == "difficulty" || preset == kLineagePreset; }
  // Tools for one episode of `task`; null: `tools` serve it.
  Result<std::unique_ptr<Tools>> own_tools(const Task& task) const {
    if (open_tools) return open_tools(task);
    return std::unique_ptr<Tools>();
  }
  // Of all tries of all tasks, the number of this one.
  uint64_t draw(int64_t most_attempts) const { return static_cast<uint64_t>(index * (step ? kLineageAttempts : most_attempts) + attempt); }
  // What tasks are drawn over: `environment`, or that with all its tools.
  const Environment& drawn_over() const { return step ? *step->whole : *environment; }
  Provenance provenance() const {
    Provenance out{"generated", domain->name, domain->version, preset, data, seed, index, attempt, variants, "", 0, nullptr};
    if (!step) return out;
    out.attempt += step->attempts * kLineageAttempts;
    out.parent = step->parent;
    out.step = step->number;
    return out;
  }
};

struct MadeTask {
  Task task;
  Certificate certificate;
  int64_t candidates = 1;       // tried by the search until one was in its bands and sound
};

struct RemadeTask {
  Task task;
  Conversation transcript;      // the gold trajectory that was found on the way
  int64_t calls = 0;
  int64_t plain_calls = 0;      // see Exploration
  std::shared_ptr<const void> basis;   // what it was made of, for the next step of a lineage; the archetype's own
};

// What a certificate measures of a task's difficulty.
struct Hardness {
  bool in_band = true;          // of the difficulty asked for
  std::vector<double> scale;    // larger is harder; none of them falls along a lineage
};

// How an archetype makes lineages: with `step` in a request it keeps what `step->basis` was made of and adds to it.
struct Escalation {
  std::function<Result<Hardness>(const MakeRequest&, const Certificate&)> hardness;
  // In how many plain calls the difficulty asked for must be within reach; beyond that the tools do not suffice.
  std::function<Result<int64_t>(const MakeRequest&)> most_calls;
};

struct Archetype {
  std::string name;
  std::string summary;
  int version = 1;
  // Checks its part of a domain, whose tables and tools are compiled already, and completes it ("$name" becomes the setting).
  // Errors name `file` and the JSON path, which begins with `path`.
  std::function<Status(const Domain& domain, Json& part, const std::string& file, const std::string& path)> compile;
  // Makes and certifies. A pure function of the request. The certificate may come out unsound: then it says why, and the
  // caller must not export the task.
  std::function<Result<MadeTask>(const MakeRequest&)> make;
  // Makes the kept attempt alone again, for the claim "same seed, same bytes".
  std::function<Result<RemadeTask>(const MakeRequest&)> make_task_only;
  // The gold trajectory of a task, found again through its tools alone. `request` is how the task was made.
  std::function<Result<Exploration>(const Task&, const MakeRequest&)> gold;
  // Of archetypes whose tasks expect one value: what certify_value() cannot prove for all of them alike. Sets gold_passes, the bounds on
  // calls, the chance rate, learnable and `measures`, and adds to `versions`, mutants and problems. The task has just been made again
  // from `request` and came out the same. An error says nothing about the task: something else is broken.
  std::function<Status(const Task&, const MakeRequest&, const Verifier&, Certificate&)> prove_value = nullptr;
  std::optional<Escalation> escalation = std::nullopt;   // none: its tasks do not grow out of each other
};

// An unknown name lists the known ones.
Result<const Archetype*> find_archetype(const std::string& name);

namespace archetypes {
std::span<const Archetype> all();  // generated from the folder
}

}  // namespace assay
