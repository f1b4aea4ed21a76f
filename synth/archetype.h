// A way of making tasks from a domain: one file each in synth/archetypes/, which defines `Archetype make()`.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "envs/certificate.h"
#include "envs/message.h"
#include "envs/task.h"
#include "envs/toolset.h"
#include "envs/verifier.h"
#include "synth/domain.h"
#include "synth/environment_check.h"
#include "synth/explorer.h"

namespace assay {

// What became of the candidates of a search: every one is certified, or lost for exactly one reason.
struct CandidateFunnel {
  int64_t certified = 0;
  std::map<std::string, int64_t> lost;   // by code, as "chance_above_band"
  int64_t candidates() const;
  void add(const CandidateFunnel& other);
};

struct MakeRequest {
  const Domain* domain = nullptr;
  std::string archetype;        // which of the domain's
  std::shared_ptr<const Environment> environment;
  Tools* tools = nullptr;       // of that environment, bound for this thread
  // Tools for one episode over a task's files, where the environment's tools keep state; empty: `tools` serve this once.
  std::function<Result<std::unique_ptr<Tools>>(const Task&)> open_tools;
  std::shared_ptr<const EnvironmentReport> report;   // check_environment of it; null: computed when needed
  // What an archetype keeps from task to task of this environment, in this thread; null: nothing is kept.
  std::shared_ptr<void>* kept = nullptr;
  CandidateFunnel* funnel = nullptr;   // counts the candidates of a search; null: nobody asks
  std::string preset;           // "report", or "difficulty"
  int difficulty = 0;           // wanted, 1..5, for preset "difficulty"
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
  Provenance provenance() const { return {"generated", domain->name, domain->version, preset, data, seed, index, attempt, variants}; }
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
};

// An unknown name lists the known ones.
Result<const Archetype*> find_archetype(const std::string& name);

namespace archetypes {
std::span<const Archetype> all();  // generated from the folder
}

}  // namespace assay
