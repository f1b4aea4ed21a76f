// What playing and judging tasks of a store needs, kept ready: databases shared by threads, and for each thread its own
// tools and verifiers. All caches are bounded; what was handed out lives on for as long as it is held.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "cli/lru.h"
#include "datasets/store.h"
#include "envs/database.h"
#include "envs/executor.h"
#include "envs/toolset.h"
#include "envs/verifier.h"
#include "synth/domain.h"

namespace assay {

// Keeps the source of `domain` in the store, so that its tasks can be made again wherever the store goes. Another domain of the
// same name and version that has tasks there is an error.
Status keep_domain(Store& store, const Domain& domain);

// Thread-safe.
class DatabaseCache {
 public:
  // `sandbox`: how programs are isolated ("" is native); made when the first tool needs it.
  explicit DatabaseCache(Store& store, std::string sandbox = "", size_t capacity = 16)
      : store_(store), sandbox_(std::move(sandbox)), databases_(capacity) {}

  Store& store() { return store_; }
  Result<std::shared_ptr<const Database>> database(const Environment& environment);
  Result<Executor*> executor();

 private:
  Store& store_;
  const std::string sandbox_;
  std::mutex mutex_;
  std::unique_ptr<Executor> executor_;
  Lru<std::shared_ptr<const Database>> databases_;
};

// Used by one thread.
class Host {
 public:
  explicit Host(DatabaseCache& databases) : databases_(databases) {}

  // Shared by the tasks of an environment, unless its tools keep state: then each call makes new ones, over the task's files.
  Result<std::shared_ptr<Toolset>> tools(const Task& task);
  // Of a task that is judged by reading what was left behind.
  Result<std::shared_ptr<const Verifier>> verifier(const Task& task);
  // The verdict on what an attempt left behind; of a patch, by running the task's tests, whose logs are kept (datasets/test_logs.h).
  // An Error is the machine's: no verdict, and never a zero.
  Result<Verdict> judge(const Task& task, const Outcome& outcome);
  Result<std::shared_ptr<const Task>> task(const std::string& id);
  // What it was made from, as the store keeps it, or else the built-in of this name.
  Result<std::shared_ptr<const Domain>> domain(const Task& task);
  Result<Executor*> executor() { return databases_.executor(); }
  // MakeRequest::kept for the archetype and environment of a task; valid until the next call.
  std::shared_ptr<void>* kept(const Task& task);

 private:
  Result<Verdict> judge_tree(const Task& task, const Json& state);

  DatabaseCache& databases_;
  Lru<std::shared_ptr<const Domain>> domains_{16};
  Lru<std::shared_ptr<Toolset>> tools_{16};
  Lru<std::shared_ptr<const Verifier>> verifiers_{256}, programs_{4};
  Lru<std::shared_ptr<const Task>> tasks_{256};
  Lru<std::shared_ptr<void>> kept_{4};
};

}  // namespace assay
