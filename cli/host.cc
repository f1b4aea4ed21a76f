#include "cli/host.h"

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

Result<std::shared_ptr<Toolset>> Host::tools(const std::string& environment) {
  if (auto* found = tools_.find(environment)) return *found;
  ASSAY_ASSIGN(std::shared_ptr<const Environment> loaded, databases_.store().environment(environment));
  ASSAY_ASSIGN(std::shared_ptr<const Database> database, databases_.database(*loaded));
  ASSAY_ASSIGN(std::unique_ptr<Toolset> opened, Toolset::open(loaded, database));
  return tools_.put(environment, std::shared_ptr<Toolset>(std::move(opened)));
}

Result<std::shared_ptr<const Verifier>> Host::verifier(const Task& task) {
  if (auto* found = verifiers_.find(task.id)) return *found;
  ASSAY_ASSIGN(std::shared_ptr<const Environment> environment, databases_.store().environment(task.environment));
  ASSAY_ASSIGN(std::unique_ptr<Verifier> made, make_verifier(task, environment));
  return verifiers_.put(task.id, std::shared_ptr<const Verifier>(std::move(made)));
}

Result<std::shared_ptr<const Task>> Host::task(const std::string& id) {
  if (auto* found = tasks_.find(id)) return *found;
  ASSAY_ASSIGN(Task loaded, databases_.store().task(id));
  return tasks_.put(id, std::make_shared<const Task>(std::move(loaded)));
}

}  // namespace assay
