#include "cli/host.h"

#include "cli/layers.h"
#include "datasets/test_logs.h"
#include "envs/base/rng.h"
#include "sandbox/backend.h"
#include "synth/build/test_run.h"
#include "verifiers/constraint_verifier.h"
#include "verifiers/program_verifier.h"

namespace assay {
namespace {

std::string domain_subject(const std::string& name, const std::string& version) { return "domain " + name + " " + version; }

}  // namespace

Status keep_domain(Store& store, const Domain& domain) {
  const std::string subject = domain_subject(domain.name, domain.version);
  ASSAY_ASSIGN(const Json kept, store.observations(subject));
  const auto keep = [&] { return store.put_observation(subject, "source", {{"hash", domain.hash}, {"text", domain.source}}); };
  if (kept.empty()) return keep();
  if (kept.back().at("value").at("hash") == domain.hash) return {};
  TaskFilter filter;
  filter.domain = domain.name;
  ASSAY_ASSIGN(const std::vector<TaskRow> made, store.tasks(filter));
  if (made.empty()) return keep();   // an earlier text of it came to nothing
  return input_error("the store has tasks of another domain with the same name and version, " + domain.name + " " + domain.version, store.path(),
                     "raise the version in the domain's file, or use another --store");
}

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
    ASSAY_ASSIGN(executor_, make_executor(sandbox_, {.cache = layer_folder(store_.path())}));
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
  if (!task.tests.is_null()) {
    ASSAY_ASSIGN(const TestPlan plan, test_plan_from_json(task.tests, "task " + task.id));
    session.tree = {.layers = plan.layers, .limits = plan.limits};
    ASSAY_ASSIGN(session.tree.excluded, test_paths(plan));
  }
  ASSAY_ASSIGN(std::unique_ptr<Toolset> opened, Toolset::open(loaded, database, std::move(session)));
  std::shared_ptr<Toolset> shared(std::move(opened));
  return own ? shared : tools_.put(task.environment, shared);
}

Result<std::shared_ptr<const Verifier>> Host::verifier(const Task& task) {
  // One that judges by a program holds a process: few are kept.
  auto& kept = is_program(task.expected) ? programs_ : verifiers_;
  if (auto* found = kept.find(task.id)) return *found;
  ASSAY_ASSIGN(std::shared_ptr<const Environment> environment, databases_.store().environment(task.environment));
  Executor* runs = nullptr;
  if (is_program(task.expected)) {
    ASSAY_ASSIGN(runs, executor());
  }
  ASSAY_ASSIGN(std::unique_ptr<Verifier> made, make_verifier(task, environment, runs));
  return kept.put(task.id, std::shared_ptr<const Verifier>(std::move(made)));
}

Result<Verdict> Host::judge(const Task& task, const Outcome& outcome) {
  if (!task.tests.is_null()) return judge_tree(task, outcome.state);
  ASSAY_ASSIGN(const std::shared_ptr<const Verifier> found, verifier(task));
  if (const auto* program = dynamic_cast<const ProgramVerifier*>(found.get())) return program->try_judge(outcome);
  return found->judge(outcome);
}

Result<Verdict> Host::judge_tree(const Task& task, const Json& state) {
  JsonReader r(state, "what was changed", "$");
  const std::string patch = r.text("patch"), refused = r.text_or("refused", "");
  ASSAY_TRY(r.finish());
  if (!refused.empty()) return Verdict{0, false, {{"patch", false, refused}}, kTestVerifierName};
  ASSAY_ASSIGN(const TestPlan plan, test_plan_from_json(task.tests, "task " + task.id));
  ASSAY_ASSIGN(Executor* const runs, executor());
  const std::string id = judgement_id(task.id, patch);
  ASSAY_ASSIGN(const std::string log, log_base(databases_.store().path(), id));
  // The canaries' names follow from the patch, which therefore cannot hold them.
  ASSAY_ASSIGN(PatchJudgement judged, judge_patch(*runs, plan, patch, {.seed = Rng(0, id, 0).next(), .log = log}));
  return std::move(judged.verdict);
}

std::shared_ptr<void>* Host::kept(const Task& task) {
  const std::string key = task.archetype + "/" + task.environment;
  auto* found = kept_.find(key);
  return found ? found : &kept_.put(key, nullptr);
}

Result<std::shared_ptr<const Domain>> Host::domain(const Task& task) {
  const Provenance& p = task.provenance;
  const std::string subject = domain_subject(p.domain, p.domain_version);
  if (auto* found = domains_.find(subject)) return *found;
  ASSAY_ASSIGN(const Json kept, databases_.store().observations(subject));
  std::shared_ptr<const Domain> domain;
  if (kept.empty()) {
    ASSAY_ASSIGN(domain, load_domain(p.domain));
  } else {
    ASSAY_ASSIGN(domain, compile_domain(kept.back().at("value").at("text").get<std::string>(), p.domain + ".json"));
  }
  return domains_.put(subject, domain);
}

Result<std::shared_ptr<const Task>> Host::task(const std::string& id) {
  if (auto* found = tasks_.find(id)) return *found;
  ASSAY_ASSIGN(Task loaded, databases_.store().task(id));
  return tasks_.put(id, std::make_shared<const Task>(std::move(loaded)));
}

}  // namespace assay
