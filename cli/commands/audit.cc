// assay audit: computes certificates again and compares them with what is stored; the same for recorded tokens; searches a directory for a fix.
#include <CLI/CLI.hpp>

#include "cli/certificate_text.h"
#include "cli/command.h"
#include "cli/host.h"
#include "cli/jobs.h"
#include "cli/leak_audit.h"
#include "cli/progress.h"
#include "cli/selection.h"
#include "cli/text.h"
#include "cli/token_audit.h"
#include "synth/certify.h"
#include "synth/factory.h"
#include "synth/patch_proof.h"

namespace assay::commands::audit {
namespace {

struct Finding {
  bool sound = false, stored = false;
  std::vector<std::string> differences, problems;
  std::optional<Error> error;
  std::optional<Certificate> fresh;   // to be stored: there was none
};

// Of a mined task: what its tests say of the change itself, of no change, of cheats and of mutants. The rounds by which it was accepted
// and what was searched for leaks while it was built are taken over.
Result<Certificate> recompute_repair(Host& host, Store& store, const Task& task) {
  ASSAY_ASSIGN(Certificate out, store.certificate(task.id));
  ASSAY_ASSIGN(const Verdict gold, host.judge(task, Outcome{"", {{"patch", task.gold}}}));
  ASSAY_ASSIGN(const Verdict nothing, host.judge(task, Outcome{"", {{"patch", ""}}}));
  ASSAY_ASSIGN(const TestPlan plan, test_plan_from_json(task.tests, "task " + task.id));
  ASSAY_ASSIGN(Executor* const executor, host.executor());
  ASSAY_ASSIGN(const TreeView tree, tree_of_layers(*executor, plan));
  ASSAY_ASSIGN(const PatchProof proof, prove_patch_tests(*executor, plan, tree, task.gold, {}));
  const bool sound = gold.passed && !nothing.passed && proof.sound();
  if (!sound && out.problems.empty()) out.problems.push_back("its tests no longer tell the change from none, or from a cheat");
  out.gold_passes = gold.passed;
  out.trivial_fail = !nothing.passed;
  out.sound = out.sound && sound;
  out.acceptance["proof"] = to_json(proof);
  seal_certificate(out);
  return out;
}

Result<Certificate> recompute(Host& host, Store& store, const TaskRow& row) {
  ASSAY_ASSIGN(std::shared_ptr<const Task> task, host.task(row.id));
  if (!task->tests.is_null()) return recompute_repair(host, store, *task);
  ASSAY_ASSIGN(std::shared_ptr<const Environment> environment, store.environment(row.environment));
  ASSAY_ASSIGN(std::shared_ptr<Toolset> tools, host.tools(*task));
  ASSAY_ASSIGN(std::shared_ptr<const Domain> domain, host.domain(*task));
  ASSAY_ASSIGN(AuditRequest audit, request_of(*task, std::move(domain), environment, *tools));
  audit.request.kept = host.kept(*task);
  if (runs_programs(*environment)) {
    ASSAY_ASSIGN(audit.request.executor, host.executor());
  }
  return certify(*task, audit.request);
}

Result<Finding> examine(Host& host, Store& store, const TaskRow& row) {
  Finding finding;
  Result<Certificate> fresh = recompute(host, store, row);
  if (!fresh.ok()) {
    finding.error = fresh.error();
    return finding;
  }
  finding.sound = fresh->sound;
  finding.problems = fresh->problems;
  finding.stored = !row.certificate.empty();
  if (!finding.stored) {
    finding.fresh = std::move(*fresh);
    return finding;
  }
  ASSAY_ASSIGN(const Certificate stored, store.certificate(row.id));
  finding.differences = certificate_differences(stored, *fresh);
  return finding;
}

struct Tally {
  int64_t same = 0, different = 0, unsound = 0, failed = 0, added = 0;
  OrderedJson findings = OrderedJson::array();
};

Status take(const Context& context, Store& store, const TaskRow& row, const Finding& finding, Tally& tally) {
  if (finding.fresh) {
    ASSAY_TRY(store.put_certificate(*finding.fresh));
    ++tally.added;
  }
  const bool different = !finding.differences.empty();
  tally.failed += finding.error.has_value();
  tally.different += different;
  tally.unsound += !finding.error && !finding.sound;
  tally.same += !finding.error && finding.stored && !different;
  if (!finding.error && !different && finding.sound) return {};
  OrderedJson json{{"task", row.id}, {"sound", finding.sound}, {"differences", finding.differences}, {"problems", finding.problems}};
  context.say("task " + short_id(row.id) + (finding.error ? ": cannot be audited" : !finding.sound ? ": unsound" : ": differs"));
  for (const std::string& line : finding.differences) context.say("  " + printable(line));
  for (const std::string& line : finding.problems) context.say("  " + printable(line));
  if (finding.error) {
    context.say("  " + printable(finding.error->text()));
    json["error"] = to_json(*finding.error);
  }
  tally.findings.push_back(std::move(json));
  return {};
}

Result<int> run(TaskSelection& selection, const Context& context) {
  selection.sound_only = false;
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kMustExist, system_clock()));
  ASSAY_ASSIGN(const std::vector<TaskRow> tasks, select_tasks(*store, selection, context.limit));
  DatabaseCache databases(*store, context.sandbox);
  std::vector<std::unique_ptr<Host>> hosts;
  for (int i = 0; i < context.threads(); ++i) hosts.push_back(std::make_unique<Host>(databases));
  const int64_t count = static_cast<int64_t>(tasks.size());
  Progress progress("audit", count, system_clock());
  Tally tally;
  ASSAY_ASSIGN(const int64_t reached,
               ordered_map<Finding>(
                   0, count, {.jobs = context.threads(), .cancelled = context.cancelled},
                   [&](int64_t index, int worker) {
                     return examine(*hosts[static_cast<size_t>(worker)], *store, tasks[static_cast<size_t>(index)]);
                   },
                   [&](int64_t index, Finding finding) -> Status {
                     progress.add(1, finding.sound && finding.differences.empty() ? 0 : 1);
                     return take(context, *store, tasks[static_cast<size_t>(index)], finding, tally);
                   }));
  ASSAY_TRY(store->flush());
  const double seconds = progress.seconds();
  context.say(count_text(reached) + " certificates computed again in " + duration_text(seconds) + ": " + count_text(tally.same) +
              " the same, byte for byte; " + count_text(tally.different) + " differ, " + count_text(tally.unsound) + " unsound, " +
              count_text(tally.failed) + " could not be audited" +
              (tally.added ? "; " + count_text(tally.added) + " had none and were stored" : ""));
  if (reached < count) context.say("interrupted after " + count_text(reached) + " of " + count_text(count));
  context.result({{"audited", reached}, {"same", tally.same}, {"different", tally.different}, {"unsound", tally.unsound},
                  {"failed", tally.failed}, {"added", tally.added}, {"interrupted", reached < count}, {"seconds", seconds},
                  {"findings", tally.findings}});
  return tally.different + tally.unsound + tally.failed > 0 || reached < count ? kSomeFailed : kDone;
}

}  // namespace

Command make() {
  return {"audit", "Compute certificates again and compare with the stored ones", 30, [](CLI::App& app, Context& context) {
            auto selection = std::make_shared<TaskSelection>();
            selection->declare_cut(app);
            auto leaks = std::make_shared<LeakAudit>();
            leaks->declare(app);
            auto tokens = std::make_shared<TokenAudit>();
            tokens->declare(app);
            return [selection, leaks, tokens, &context] {
              if (!leaks->directory.empty()) return leaks->run(*selection, context);
              return tokens->model.directory.empty() ? run(*selection, context) : tokens->run(*selection, context);
            };
          }};
}

}  // namespace assay::commands::audit
