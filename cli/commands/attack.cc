// assay attack: the catalogue of attacks against every task and its verifier. What was found is stored with the task and blocks its export.
#include <CLI/CLI.hpp>

#include <algorithm>

#include "cli/command.h"
#include "cli/host.h"
#include "cli/jobs.h"
#include "cli/progress.h"
#include "cli/selection.h"
#include "cli/text.h"
#include "envs/plain_tools.h"
#include "verifiers/attack.h"

namespace assay::commands::attack {
namespace {

constexpr size_t kChunkTasks = 64;    // of one environment, which is attacked once for all of them
constexpr size_t kOtherGolds = 4;

struct Options {
  TaskSelection tasks;
  bool again = false;
};

struct TaskFinding {
  std::string task;
  AttackReport report;
  bool stored_earlier = false;
  std::optional<Error> error;
};

// One thread's part: tasks of one environment.
class ChunkAttack {
 public:
  ChunkAttack(Host& host, DatabaseCache& databases, bool again) : host_(host), databases_(databases), store_(databases.store()), again_(again) {}

  Result<std::vector<TaskFinding>> run(std::span<const TaskRow> rows) {
    std::vector<TaskFinding> findings;
    for (const TaskRow& row : rows) {
      ASSAY_ASSIGN(const Json observations, store_.observations(row.id));
      ASSAY_ASSIGN(AttackReport newest, newest_attack_report(observations, "task " + row.id));
      const bool known = !again_ && newest.catalogue == kAttackCatalogue;
      findings.push_back({row.id, known ? std::move(newest) : AttackReport(), known, {}});
    }
    if (std::all_of(findings.begin(), findings.end(), [](const TaskFinding& f) { return f.stored_earlier; })) return findings;
    for (const TaskRow& row : rows) {
      ASSAY_ASSIGN(std::shared_ptr<const Task> task, host_.task(row.id));
      tasks_.push_back(std::move(task));
    }
    ASSAY_ASSIGN(environment_, store_.environment(rows[0].environment));
    ASSAY_ASSIGN(const AttackReport shared, attack_shared());
    for (size_t i = 0; i < findings.size(); ++i) {
      if (findings[i].stored_earlier) continue;
      Result<AttackReport> report = attack_one(i);
      if (!report.ok()) findings[i].error = report.error();
      else findings[i].report = std::move(*report);
      findings[i].report.add(shared);
    }
    return findings;
  }

 private:
  // Tools that run whatever agents say are left alone: what they reach is the sandbox's business, and tested there.
  Result<AttackReport> attack_shared() {
    const auto tools = plain_tools(environment_->tools);
    if (std::none_of(tools.begin(), tools.end(), [](const ToolSpec& tool) { return tool.kind == "sql" || tool.kind == "function"; })) return AttackReport();
    ASSAY_ASSIGN(std::shared_ptr<Toolset> opened, host_.tools(*tasks_[0]));
    ASSAY_ASSIGN(std::shared_ptr<const Database> database, databases_.database(*environment_));
    ASSAY_ASSIGN(std::unique_ptr<Connection> connection, Connection::open(database, {}, Access::kWrite));
    return attack_environment({*environment_, *opened, *connection});
  }

  Result<AttackReport> attack_one(size_t index) {
    std::vector<std::string> others;
    for (size_t step = 1; step <= kOtherGolds && step < tasks_.size(); ++step) others.push_back(gold_of(*tasks_[(index + step) % tasks_.size()]));
    ASSAY_ASSIGN(const std::shared_ptr<const Verifier> verifier, host_.verifier(*tasks_[index]));
    return attack_task({*tasks_[index], *environment_, *verifier, others});
  }

  Host& host_;
  DatabaseCache& databases_;
  Store& store_;
  const bool again_;
  std::vector<std::shared_ptr<const Task>> tasks_;
  std::shared_ptr<const Environment> environment_;
};

std::vector<std::span<const TaskRow>> chunks_of(const std::vector<TaskRow>& rows) {
  std::vector<std::span<const TaskRow>> chunks;
  for (size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    while (end < rows.size() && end - begin < kChunkTasks && rows[end].environment == rows[begin].environment) ++end;
    chunks.emplace_back(rows.data() + begin, end - begin);
  }
  return chunks;
}

struct Totals {
  AttackReport all;
  int64_t attacked = 0, kept = 0, with_hits = 0, failed = 0;
  OrderedJson findings = OrderedJson::array();

  int64_t tasks() const { return attacked + kept + failed; }
};

Status take(const Context& context, Store& store, const TaskFinding& finding, Totals& totals) {
  constexpr int64_t kShown = 20;
  if (finding.error) {
    ++totals.failed;
    totals.findings.push_back({{"task", finding.task}, {"error", to_json(*finding.error)}});
    context.say("task " + short_id(finding.task) + " cannot be attacked: " + printable(finding.error->text()));
    return {};
  }
  if (!finding.stored_earlier) ASSAY_TRY(store.put_observation(finding.task, kAttackObservation, to_json(finding.report)));
  ++(finding.stored_earlier ? totals.kept : totals.attacked);
  totals.all.add(finding.report);
  if (finding.report.total().hits == 0) return {};
  if (totals.with_hits++ < kShown)
    for (const AttackHit& hit : finding.report.hits)
      context.say("HIT task " + short_id(finding.task) + ", " + hit.category + ", " + hit.attempt + ": " + printable(shortened(hit.answer, 120)));
  OrderedJson hits = OrderedJson::array();
  for (const AttackHit& hit : finding.report.hits) hits.push_back({{"category", hit.category}, {"attempt", hit.attempt}, {"answer", hit.answer}});
  totals.findings.push_back({{"task", finding.task}, {"hits", std::move(hits)}});
  return {};
}

int report(const Context& context, const Totals& totals, size_t asked, double seconds) {
  TextTable table({"category", "tried", "right after all", "hits", "what it is"});
  OrderedJson categories = OrderedJson::array();
  for (const Attack& attack : attacks::all()) {
    const auto it = totals.all.categories.find(attack.name);
    const AttackTally tally = it == totals.all.categories.end() ? AttackTally() : it->second;
    table.add({attack.name, count_text(tally.tried), count_text(tally.right), count_text(tally.hits), attack.summary});
    categories.push_back({{"category", attack.name}, {"tried", tally.tried}, {"right", tally.right}, {"hits", tally.hits}});
  }
  const AttackTally total = totals.all.total();
  const double rate = seconds > 0 ? static_cast<double>(totals.attacked) / seconds : 0;
  const bool interrupted = totals.tasks() < static_cast<int64_t>(asked);
  context.say(table.text());
  context.say("\n" + count_text(totals.attacked) + " tasks attacked in " + duration_text(seconds) + " (" + rate_text(rate) + "/s), " + count_text(totals.kept) +
              " had been before (only their hits are in the table); " + count_text(total.hits) + " hits on " + count_text(totals.with_hits) +
              " tasks, which are not exported; " + count_text(totals.failed) + " could not be attacked");
  if (interrupted) context.say("interrupted: the same command goes on from there");
  context.result({{"catalogue", kAttackCatalogue}, {"attacked", totals.attacked}, {"attacked_earlier", totals.kept}, {"with_hits", totals.with_hits},
                  {"failed", totals.failed}, {"tried", total.tried}, {"right", total.right}, {"hits", total.hits}, {"interrupted", interrupted},
                  {"seconds", seconds}, {"tasks_per_second", rate}, {"categories", categories}, {"findings", totals.findings}});
  return total.hits > 0 || totals.failed > 0 || interrupted ? kSomeFailed : kDone;
}

Result<int> run(Options& options, const Context& context) {
  options.tasks.sound_only = false;
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kMustExist, system_clock()));
  ASSAY_ASSIGN(std::vector<TaskRow> rows, select_tasks(*store, options.tasks, context.limit));
  std::stable_sort(rows.begin(), rows.end(), [](const TaskRow& a, const TaskRow& b) { return a.environment < b.environment; });
  const std::vector<std::span<const TaskRow>> chunks = chunks_of(rows);
  DatabaseCache databases(*store, context.sandbox);
  std::vector<std::unique_ptr<Host>> hosts;
  for (int i = 0; i < context.threads(); ++i) hosts.push_back(std::make_unique<Host>(databases));
  Progress progress("attack", static_cast<int64_t>(rows.size()), system_clock());
  Totals totals;
  const Result<int64_t> reached = ordered_map<std::vector<TaskFinding>>(
      0, static_cast<int64_t>(chunks.size()), {.jobs = context.threads(), .cancelled = context.cancelled},
      [&](int64_t index, int worker) {
        return ChunkAttack(*hosts[static_cast<size_t>(worker)], databases, options.again).run(chunks[static_cast<size_t>(index)]);
      },
      [&](int64_t, std::vector<TaskFinding> findings) -> Status {
        for (const TaskFinding& finding : findings) {
          if (finding.stored_earlier) progress.skip(1);
          else progress.add(1, finding.error || finding.report.total().hits > 0 ? 1 : 0);
          ASSAY_TRY(take(context, *store, finding, totals));
        }
        return {};
      });
  ASSAY_TRY(store->flush());
  if (!reached.ok()) return reached.error();
  return report(context, totals, rows.size(), progress.seconds());
}

}  // namespace

Command make() {
  return {"attack", "Run the catalogue of attacks against tasks and their verifiers", 35, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            options->tasks.declare_cut(app);
            app.add_flag("--again", options->again, "Also tasks that this catalogue was run against before");
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::attack
