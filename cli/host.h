// What playing and judging tasks of a store needs, kept ready: databases shared by threads, and for each thread its own
// tools and verifiers. All caches are bounded; what was handed out lives on for as long as it is held.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "cli/lru.h"
#include "datasets/store.h"
#include "envs/database.h"
#include "envs/toolset.h"
#include "envs/verifier.h"

namespace assay {

// Thread-safe.
class DatabaseCache {
 public:
  explicit DatabaseCache(Store& store, size_t capacity = 16) : store_(store), databases_(capacity) {}

  Store& store() { return store_; }
  Result<std::shared_ptr<const Database>> database(const Environment& environment);

 private:
  Store& store_;
  std::mutex mutex_;
  Lru<std::shared_ptr<const Database>> databases_;
};

// Used by one thread.
class Host {
 public:
  explicit Host(DatabaseCache& databases) : databases_(databases) {}

  Result<std::shared_ptr<Toolset>> tools(const std::string& environment);
  Result<std::shared_ptr<const Verifier>> verifier(const Task& task);
  Result<std::shared_ptr<const Task>> task(const std::string& id);

 private:
  DatabaseCache& databases_;
  Lru<std::shared_ptr<Toolset>> tools_{16};
  Lru<std::shared_ptr<const Verifier>> verifiers_{256};
  Lru<std::shared_ptr<const Task>> tasks_{256};
};

}  // namespace assay
