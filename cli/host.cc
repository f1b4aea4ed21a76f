#include "cli/host.h"

#include "sandbox/backend.h"
#include "verifiers/constraint_verifier.h"

namespace assay {

Result<std::shared_ptr<const Database>> DatabaseCache::database(const Environment& environment) {
  {
    std::lock_guard lock(mutex_);
    if (auto* found = databases_.find(environment.id)) return *found;
  }
  // Built outside the lock: two threads may build the same one, which costs less than waiting for another's.
  ASSAY_ASSIGN(std::shared_ptr<const Database> database, Database::build(environment.tables));
  std::lock_guard lock(mutex_);
  databases_.put(environment.id, database);
  return database;
}

Result<Executor*> DatabaseCache::executor() {
  std::lock_guard lock(mutex_);
  if (!executor_) {
    ASSAY_ASSIGN(executor_, make_executor(sandbox_));
  }
  return executor_.get();
}

Result<std::shared_ptr<Toolset>> Host::tools(const Task& task) {
  if (auto* found = tools_.find(task.environment)) return *found;
  ASSAY_ASSIGN(std::shared_ptr<const Environment> loaded, databases_.store().environment(task.environment));
  ASSAY_ASSIGN(std::shared_ptr<const Database> database, databases_.database(*loaded));
  ToolSession session;
  const bool own = keeps_state(*loaded);
  if (runs_programs(*loaded)) {
    ASSAY_ASSIGN(session.executor, databases_.executor());
  }
  if (own) session.files = task.files;
  ASSAY_ASSIGN(std::unique_ptr<Toolset> opened, Toolset::open(loaded, database, std::move(session)));
  std::shared_ptr<Toolset> shared(std::move(opened));
  return own ? shared : tools_.put(task.environment, shared);
}

Result<std::shared_ptr<const Verifier>> Host::verifier(const Task& task) {
  if (auto* found = verifiers_.find(task.id)) return *found;
  ASSAY_ASSIGN(std::shared_ptr<const Environment> environment, databases_.store().environment(task.environment));
  ASSAY_ASSIGN(std::unique_ptr<Verifier> made, make_verifier(task, environment));
  return verifiers_.put(task.id, std::shared_ptr<const Verifier>(std::move(made)));
}

std::shared_ptr<void>* Host::kept(const Task& task) {
  const std::string key = task.archetype + "/" + task.environment;
  auto* found = kept_.find(key);
  return found ? found : &kept_.put(key, nullptr);
}

Result<std::shared_ptr<const Task>> Host::task(const std::string& id) {
  if (auto* found = tasks_.find(id)) return *found;
  ASSAY_ASSIGN(Task loaded, databases_.store().task(id));
  return tasks_.put(id, std::make_shared<const Task>(std::move(loaded)));
}

}  // namespace assay
