// Tasks by number: item i is a pure function of (domain or data, preset, seed, i), reachable without making items before it, on any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "synth/archetype.h"
#include "synth/import.h"
#include "synth/lineage.h"

namespace assay {

class Executor;

struct FactoryOptions {
  std::string domain = "travel";
  std::string preset = "difficulty";    // or one of the domain's, or kLineagePreset: then index i is a lineage over all `difficulties`
  // Of the domain's; {"all"}: all; empty: select where it has that, else all. Task i is of archetypes[(turn + i) % size],
  std::vector<std::string> archetypes;
  std::vector<int> difficulties = {1, 2, 3, 4, 5};  // and wants difficulties[(turn + i / archetypes.size()) % size]
  int64_t turn = 0;                     // whose turn it is at task 0: factories that take turns begin at different ones
  uint64_t seed = 0;
  int64_t tasks_per_environment = 64;
  std::string data, mapping;            // the user's own tables (then there is one environment)
  // Of every environment's tools (synth/variant.h); {"any"}: a set drawn for each environment, {} or {"none"}: none.
  std::vector<std::string> variants;
};

class Factory {
 public:
  static Result<std::unique_ptr<Factory>> create(const FactoryOptions& options);
  // Of a domain that is compiled already; options.domain is not read.
  static Result<std::unique_ptr<Factory>> create(std::shared_ptr<const Domain> domain, const FactoryOptions& options);
  ~Factory();
  const Domain& domain() const;
  // Whether the domain's tools run programs; then use() comes before make(). `executor` is borrowed.
  bool needs_executor() const;
  void use(Executor& executor);
  const ImportReport* import() const;   // null when tables are generated

  // The archetypes that tasks are made by, in turn, and the one of task `index`.
  const std::vector<std::string>& archetypes() const;
  const std::string& archetype(int64_t index) const;
  // What task `index` wants: 0 where no band applies; of a lineage all its difficulties, ascending.
  std::vector<int> difficulties(int64_t index) const;

  // What must be said once: rows dropped, values converted, constraints left out because the data cannot support them.
  // Nothing where there is no environment: each task says so. A constraint that no data could support is an input error.
  Result<std::vector<std::string>> notes();

  // The environment of task `index`. Cached (a few); thread-safe. Fails for every task of an environment that a variant cannot be applied
  // to, or makes unsolvable: whose tools told more before it than after.
  Result<std::shared_ptr<const Environment>> environment(int64_t index);
  // Thread-safe. `funnel` gets what became of all candidates.
  Result<MadeTask> make(int64_t index, CandidateFunnel* funnel = nullptr);
  // Forgets the environment of task `index`, which is made again when it is asked for: where many factories are at work.
  void release(int64_t index);
  // With kLineagePreset. Thread-safe.
  Result<Lineage> make_lineage(int64_t index);
  // In a word, what an index that gave no sound task is lost for: "variant_not_applicable", "variant_unsolvable", "no_environment",
  // "no_task_in_band" or "unsound"; of a domain in Python what its programs did (synth/program/program_task.h). `error` is what make() or environment() failed with; null: the certificate is unsound.
  std::string lost_for(int64_t index, const Error* error);

 private:
  struct State;
  explicit Factory(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The request that made `task`, for audit: from `domain`, which must be of the version that the task names, and the
// environment as given. Holds the domain the request points to.
struct AuditRequest {
  std::shared_ptr<const Domain> domain;
  MakeRequest request;
};
Result<AuditRequest> request_of(const Task& task, std::shared_ptr<const Domain> domain, std::shared_ptr<const Environment> environment,
                                Tools& tools);

}  // namespace assay
