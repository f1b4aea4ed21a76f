// assay synth DOMAIN: tasks 0 … N-1 of a seed, certified and stored; what is stored already is not made again. assay synth all: of every
// domain and every archetype, environment by environment.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <set>

#include "cli/certificate_text.h"
#include "cli/command.h"
#include "cli/domain_synthesis.h"
#include "cli/host.h"
#include "cli/jobs.h"
#include "cli/progress.h"
#include "cli/selection.h"
#include "cli/shard_option.h"
#include "cli/summary_tables.h"
#include "cli/task_plan.h"
#include "cli/text.h"
#include "datasets/measured.h"
#include "sandbox/backend.h"
#include "synth/factory.h"
#include "synth/structure.h"

namespace assay::commands::synth {
namespace {

struct Options {
  FactoryOptions factory;
  bool escalate = false;
  int64_t count = 100;
  int64_t environments = 0, tasks = 0;   // of `all`; 0: one of each domain, 64 in each
  std::string propose;
  Shard shard;
  bool all() const { return factory.domain == "all"; }
};

// A task that was made, found in the store, or could not be made.
struct Item {
  int64_t index = 0;
  int difficulty = 0;   // that was asked for
  bool stored_earlier = false;
  std::optional<MadeTask> made;
  std::optional<Error> error;
  std::string lost_for;   // in a word; empty for a sound task
  std::shared_ptr<const Environment> environment;
  TaskRow row;
  Certificate certificate;
  CandidateFunnel funnel;
};

// Whether they hold the same data, and the first no other tools than the second.
bool is_part_of(const Environment& part, const Environment& whole) {
  return database_of(part) == database_of(whole) && std::all_of(part.tools.begin(), part.tools.end(), [&](const ToolSpec& tool) {
    const ToolSpec* same = whole.find_tool(tool.name);
    return same && to_json(*same) == to_json(tool);
  });
}

class Synthesis {
 public:
  Synthesis(const Options& options, const Context& context, const TaskPlan& plan, Store& store, std::vector<std::string> notes = {})
      : options_(options), context_(context), plan_(plan), store_(store), notes_(std::move(notes)) {}

  Result<int> run() {
    ASSAY_TRY(read_stored());
    say_notes();
    Progress progress("synth", plan_.tasks(), system_clock());
    const JobOptions jobs{.jobs = context_.threads(), .cancelled = context_.cancelled};
    Result<int64_t> reached = ordered_map<std::vector<Item>>(
        0, plan_.batches(), jobs, [&](int64_t index, int) { return make(plan_.batch(index)); },
        [&](int64_t index, std::vector<Item> items) -> Status {
          for (Item& item : items) ASSAY_TRY(take(*plan_.batch(index).factory, std::move(item), progress));
          return {};
        });
    ASSAY_TRY(store_.flush());
    if (!reached.ok()) return reached.error();
    seconds_ = progress.seconds();
    if (made_ > 0) ASSAY_TRY(observe());
    const bool interrupted = *reached < plan_.batches();
    if (made_ + kept_ == 0 && !errors_.empty()) {
      say_losses();
      return first_error_;
    }
    report(interrupted);
    return interrupted || unsound_ > 0 || failed_ > 0 ? kSomeFailed : kDone;
  }

 private:
  Status read_stored() {
    for (const auto& factory : plan_.factories()) {
      TaskFilter filter;
      filter.domain = factory->domain().name;
      filter.preset = options_.factory.preset;
      filter.seed = options_.factory.seed;
      ASSAY_ASSIGN(std::vector<TaskRow> rows, store_.tasks(filter));
      for (TaskRow& row : rows)
        if (row.index >= 0 && !row.certificate.empty()) stored_[{factory.get(), row.index}].push_back(std::move(row));
    }
    return {};
  }

  void say_notes() {
    for (const std::string& name : plan_.left_out()) notes_.push_back("the tools of the domain '" + name + "' run programs; it is left out here: " + context_.command("synth " + name));
    for (const std::string& note : notes_) context_.say("note: " + printable(note));
  }

  // Index and seed are not enough: the domain, the levers or the user's tables may have changed since.
  Result<bool> same_making(Factory& factory, const TaskRow& row, const Item& wanted, const std::string& parent) {
    if (row.difficulty != wanted.difficulty) return false;
    if (row.archetype != factory.archetype(wanted.index)) return false;
    const Result<std::shared_ptr<const Environment>> environment = factory.environment(wanted.index);
    if (!environment.ok()) return false;
    if (row.environment != (*environment)->id) {
      if (!options_.escalate) return false;
      ASSAY_ASSIGN(const auto fewer, store_.environment(row.environment));
      if (!is_part_of(*fewer, **environment)) return false;
    }
    ASSAY_ASSIGN(Task task, store_.task(row.id));
    return task.provenance.domain_version == factory.domain().version && task.provenance.parent == parent;
  }

  Result<std::vector<Item>> make(const TaskBatch& batch) {
    std::vector<Item> out;
    for (int64_t index = batch.first; index < batch.first + batch.count; ++index) {
      std::vector<Item> wanted;
      for (const int difficulty : batch.factory->difficulties(index)) wanted.push_back({.index = index, .difficulty = difficulty});
      ASSAY_ASSIGN(const bool stored, find_stored(*batch.factory, wanted));
      if (!stored && options_.escalate) make_lineage(*batch.factory, wanted);
      else if (!stored) make_task(*batch.factory, wanted[0]);
      std::move(wanted.begin(), wanted.end(), std::back_inserter(out));
    }
    if (plan_.by_environment()) batch.factory->release(batch.first);
    return out;
  }

  // Whether the store has all that is wanted of an index; each task of a lineage with the one before as its parent.
  Result<bool> find_stored(Factory& factory, std::vector<Item>& wanted) {
    const auto rows = stored_.find({&factory, wanted[0].index});
    if (rows == stored_.end()) return false;
    std::string parent;
    for (Item& item : wanted) {
      for (const TaskRow& row : rows->second) {
        ASSAY_ASSIGN(const bool same, same_making(factory, row, item, parent));
        if (!same) continue;
        item.row = row;
        break;
      }
      if (item.row.id.empty()) return false;
      if (options_.escalate) parent = item.row.id;
    }
    for (Item& item : wanted) {
      item.stored_earlier = true;
      ASSAY_ASSIGN(item.environment, store_.environment(item.row.environment));
      ASSAY_ASSIGN(item.certificate, store_.certificate(item.row.id));
      if (!item.certificate.sound) item.lost_for = factory.lost_for(item.index, nullptr);
    }
    return true;
  }

  static void make_task(Factory& factory, Item& item) {
    Result<std::shared_ptr<const Environment>> environment = factory.environment(item.index);
    if (environment.ok()) {
      item.environment = *environment;
      Result<MadeTask> made = factory.make(item.index, &item.funnel);
      if (made.ok()) item.made = std::move(*made);
      else item.error = made.error();
    } else {
      item.error = environment.error();
    }
    if (item.error) item.lost_for = factory.lost_for(item.index, &*item.error);
    else if (!item.made->certificate.sound) item.lost_for = factory.lost_for(item.index, nullptr);
  }

  // Difficulties that were not reached are lost for what stopped the lineage.
  static void make_lineage(Factory& factory, std::vector<Item>& wanted) {
    Result<Lineage> lineage = factory.make_lineage(wanted[0].index);
    for (size_t step = 0; step < wanted.size(); ++step) {
      Item& item = wanted[step];
      if (!lineage.ok()) {
        item.error = lineage.error();
        item.lost_for = factory.lost_for(item.index, &*item.error);
      } else if (step < lineage->tasks.size()) {
        item.made = std::move(lineage->tasks[step].made);
        item.environment = std::move(lineage->tasks[step].environment);
      } else {
        item.error = make_error(Boundary::kEnvironment, "the lineage stops before difficulty " + std::to_string(lineage->stopped_at) + ": " + lineage->detail, lineage->reason);
        item.lost_for = lineage->reason;
      }
    }
  }

  Status take(Factory& factory, Item item, Progress& progress) {
    const std::string& archetype = factory.archetype(item.index);
    funnels_[archetype].add(item.funnel);
    ++bands_[item.difficulty].asked;
    if (!item.lost_for.empty()) ++lost_[item.lost_for];
    if (item.error) {
      if (failed_++ == 0) first_error_ = *item.error;
      if (errors_.size() < 5) errors_.insert(factory.domain().name + ", task " + std::to_string(item.index) + ": " + item.error->text());
      progress.add(1, 1);
      return {};
    }
    if (item.made) {
      ASSAY_TRY(put(item));
      ++made_;
      progress.add(1, item.certificate.sound ? 0 : 1);
    } else {
      ++kept_;
      progress.skip(1);
    }
    count(item);
    count_environment(item);
    return {};
  }

  // Environments that were made before count as well.
  void count_environment(const Item& item) {
    domains_.insert(item.row.domain);
    if (!seen_.insert(item.row.environment).second) return;
    structures_.insert(structure_of(*item.environment));
    databases_.insert(database_of(*item.environment));
  }

  Status put(Item& item) {
    const Task& task = item.made->task;
    if (environments_.insert(task.environment).second) ASSAY_TRY(store_.put_environment(*item.environment));
    ASSAY_TRY(store_.put_task(task));
    ASSAY_TRY(store_.put_certificate(item.made->certificate));
    item.certificate = std::move(item.made->certificate);
    const Certificate& c = item.certificate;
    item.row = {.id = task.id, .environment = task.environment, .archetype = task.archetype,
                .domain = task.provenance.domain, .preset = task.provenance.preset, .difficulty = task.difficulty,
                .seed = task.provenance.seed, .index = task.provenance.index, .certificate = c.id, .sound = c.sound,
                .chance_rate = measured(c).chance_rate.value_or(-1), .calls_low = c.calls_low, .calls_high = c.calls_high};
    return {};
  }

  void count(const Item& item) {
    TaskGroup& group = groups_[{item.row.preset, item.row.difficulty}];
    group.add(item.row);
    group.solutions.add(static_cast<double>(item.certificate.solutions));
    group.solutions_exact = group.solutions_exact && item.certificate.solutions_exact;
    bands_[item.row.difficulty].met += item.row.sound;
    if (example_.empty() && item.row.sound) example_ = item.row.id;
    if (item.row.sound) return;
    ++unsound_;
    const std::string why = item.certificate.problems.empty() ? "not sound" : item.certificate.problems[0];
    if (errors_.size() < 5) errors_.insert("task " + short_id(item.row.id) + " is unsound: " + why);
  }

  // Archetypes keep a task only if what its certificate measures lies in the bands of its difficulty, so what was asked for and not
  // made soundly is what missed them.
  OrderedJson calibration() const {
    OrderedJson out = OrderedJson::array();
    for (const auto& [difficulty, band] : bands_)
      if (difficulty > 0) out.push_back({{"difficulty", difficulty}, {"asked", band.asked}, {"in_band", band.met}});
    return out;
  }

  void say_calibration() const {
    std::string each;
    Band all;
    for (const auto& [difficulty, band] : bands_) {
      if (difficulty == 0) continue;
      all.asked += band.asked;
      all.met += band.met;
      each += (each.empty() ? "" : ", ") + std::to_string(difficulty) + ": " + percent_text(band.met, band.asked);
    }
    if (all.asked > 0) context_.say("as difficult as asked for, by what their certificates measure: " + percent_text(all.met, all.asked) + " (" + each + ")");
  }

  Status observe() {
    ASSAY_TRY(store_.put_observation("store", "synth", {{"tasks", made_}, {"seconds", seconds_}, {"jobs", context_.threads()}, {"funnel", Json(funnel_json())}}));
    return store_.flush();
  }

  void say_losses() const {
    std::string each;
    for (const auto& [reason, tasks] : lost_) each += (each.empty() ? "" : ", ") + count_text(tasks) + " " + reason;
    if (!each.empty()) context_.say(count_text(made_ + kept_ + failed_) + " candidates in, " + count_text(made_ + kept_ - unsound_) + " certified out; lost: " + each);
  }

  // Candidates in, certified out, and every loss under one code.
  std::string funnel_text() const {
    TextTable table({"archetype", "candidates", "certified", "lost"});
    for (const auto& [archetype, funnel] : funnels_) {
      std::vector<std::pair<std::string, int64_t>> lost(funnel.lost.begin(), funnel.lost.end());
      std::stable_sort(lost.begin(), lost.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
      std::string codes;
      for (const auto& [code, count] : lost) codes += (codes.empty() ? "" : ", ") + code + " " + count_text(count);
      table.add({archetype, count_text(funnel.candidates()), count_text(funnel.certified), codes});
    }
    return table.text();
  }

  OrderedJson funnel_json() const {
    OrderedJson out = OrderedJson::object();
    for (const auto& [archetype, funnel] : funnels_) {
      OrderedJson lost = OrderedJson::object();
      for (const auto& [code, count] : funnel.lost) lost[code] = count;
      out[archetype] = {{"candidates", funnel.candidates()}, {"certified", funnel.certified}, {"lost", std::move(lost)}};
    }
    return out;
  }

  void report(bool interrupted) const {
    const Context& c = context_;
    if (!groups_.empty()) c.say(tasks_table(groups_));
    if (made_ + failed_ > 0) c.say("\n" + funnel_text());
    const double rate = seconds_ > 0 ? static_cast<double>(made_) / seconds_ : 0;
    c.say("\n" + count_text(made_) + " tasks made and certified in " + duration_text(seconds_) + " (" + rate_text(rate) + "/s), " +
          count_text(kept_) + " were in the store; " + count_text(unsound_) + " unsound, " + count_text(failed_) + " could not be made");
    c.say(count_text(static_cast<int64_t>(domains_.size())) + (domains_.size() == 1 ? " domain, " : " domains, ") + count_text(static_cast<int64_t>(seen_.size())) +
          " environments, of which " + count_text(static_cast<int64_t>(structures_.size())) + " differ in schema, tools or rules; " +
          count_text(static_cast<int64_t>(databases_.size())) + " databases, " + count_text(made_ + kept_) + " tasks");
    say_losses();
    for (const std::string& error : errors_) c.say("  " + printable(error));
    say_calibration();
    if (interrupted)
      c.say("interrupted after " + count_text(made_ + kept_ + failed_) + " of " + count_text(plan_.tasks()) + ": the same command goes on from there");
    if (!example_.empty()) {
      c.say("next:");
      c.say("  " + c.command("rollout --policy gold,random,greedy --group 4"));
      c.say("  " + c.command("show task " + short_id(example_)));
      c.say("  " + c.command("show store"));
    }
    c.result({{"requested", plan_.tasks()}, {"made", made_}, {"stored_earlier", kept_}, {"unsound", unsound_}, {"failed", failed_}, {"lost", lost_},
              {"domains", domains_.size()}, {"environments", seen_.size()}, {"structures", structures_.size()}, {"databases", databases_.size()},
              {"interrupted", interrupted}, {"seconds", seconds_}, {"tasks_per_second", rate}, {"funnel", funnel_json()},
              {"by_difficulty", tasks_json(groups_)}, {"calibration", calibration()}, {"notes", notes_}, {"errors", errors_}, {"store", c.store}});
  }

  const Options& options_;
  const Context& context_;
  const TaskPlan& plan_;
  Store& store_;
  std::map<std::pair<const Factory*, int64_t>, std::vector<TaskRow>> stored_;  // by index
  std::map<std::string, CandidateFunnel> funnels_;   // by archetype
  std::set<std::string> environments_, domains_, seen_, structures_, databases_, errors_;
  std::vector<std::string> notes_;
  Error first_error_;
  TaskGroups groups_;
  struct Band {
    int64_t asked = 0, met = 0;
  };
  std::map<int, Band> bands_;   // by difficulty
  int64_t made_ = 0, kept_ = 0, unsound_ = 0, failed_ = 0;
  std::map<std::string, int64_t> lost_;   // by reason
  double seconds_ = 0;
  std::string example_;
};

Status check(const Options& options) {
  const FactoryOptions& f = options.factory;
  if (std::any_of(f.difficulties.begin(), f.difficulties.end(), [](int d) { return d < 1; }))
    return input_error("difficulties are 1 to 5", "--difficulty");
  if (f.data.empty() && !f.mapping.empty()) return input_error("a mapping without tables to map", "--map", "--data PATH");
  if (f.data.empty() && !options.propose.empty()) return input_error("there are no tables to map", "--propose", "--data PATH");
  return {};
}

// How the user's columns were understood, where that was a guess.
Result<bool> propose(const Options& options, const Context& context, const ImportReport& import) {
  const std::string mapping = import.mapping.dump(2);
  for (const std::string& missing : import.missing_columns)
    context.say("not in your tables: " + printable(missing) + " (constraints and tools that need it are left out)");
  if (!options.propose.empty()) {
    ASSAY_TRY(write_file(options.propose, mapping + "\n"));
    context.say("wrote the mapping to " + options.propose + "; look at it, then: " +
                context.command("synth " + options.factory.domain + " --data " + options.factory.data + " --map " + options.propose));
    context.result({{"mapping_file", options.propose}, {"mapping", import.mapping}, {"missing", import.missing_columns}});
    return true;
  }
  if (import.proposed) {
    context.say("no --map was given; your tables were read by this guess (--propose FILE writes it for you to correct):");
    context.say(printable(mapping));
  }
  return false;
}

Result<int> run_all(Options& options, const Context& context) {
  if (options.escalate) return input_error("lineages are made of one domain at a time", "--escalate", "assay synth DOMAIN --escalate");
  if (!options.factory.data.empty() || context.limit >= 0) return input_error("all domains make their own tables, and as many tasks as --tasks says", context.limit >= 0 ? "--limit" : "--data");
  if (options.factory.archetypes.empty()) options.factory.archetypes = {"all"};
  if (options.factory.variants.empty()) options.factory.variants = {"any"};
  if (options.environments == 0) options.environments = static_cast<int64_t>(domain_names().size());
  if (options.tasks == 0) options.tasks = options.environments * options.factory.tasks_per_environment;
  ASSAY_ASSIGN(TaskPlan plan, TaskPlan::of_all_domains(options.factory, options.environments, options.tasks));
  plan.cut(options.shard);
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kOpenOrCreate, system_clock()));
  for (const auto& factory : plan.factories()) ASSAY_TRY(keep_domain(*store, factory->domain()));
  return Synthesis(options, context, plan, *store).run();
}

Result<int> run(Options& options, const Context& context) {
  ASSAY_TRY(check(options));
  options.factory.seed = context.seed;
  if (options.escalate) options.factory.preset = kLineagePreset;
  if (options.all()) return run_all(options, context);
  if (options.environments > 0 || options.tasks > 0) return input_error("these are for all domains; of one domain, say how many tasks", "--environments, --tasks", "--count N, or assay synth all");
  ASSAY_ASSIGN(std::unique_ptr<Factory> factory, Factory::create(options.factory));
  if (factory->import()) {
    ASSAY_ASSIGN(const bool only_proposed, propose(options, context, *factory->import()));
    if (only_proposed) return static_cast<int>(kDone);
  }
  std::unique_ptr<Executor> executor;
  if (factory->needs_executor()) {
    ASSAY_ASSIGN(executor, make_executor(context.sandbox));
    factory->use(*executor);
  }
  ASSAY_ASSIGN(std::vector<std::string> notes, factory->notes());   // what one domain's user should know; of all domains it would be a book
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kOpenOrCreate, system_clock()));
  ASSAY_TRY(keep_domain(*store, factory->domain()));
  TaskPlan plan(std::move(factory), context.limit < 0 ? options.count : std::min(options.count, context.limit));
  plan.cut(options.shard);
  return Synthesis(options, context, plan, *store, std::move(notes)).run();
}

}  // namespace

Command make() {
  return {"synth", "Make tasks from a domain, each with its certificate; or let a model write domains", 10, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            auto domains = std::make_shared<DomainSynthesis>();
            FactoryOptions& factory = options->factory;
            CLI::Option* domain = app.add_option("domain", factory.domain, "A built-in domain (assay list domains), a file, the folder of a domain in Python, or all: every built-in domain");
            app.add_option("--archetype", factory.archetypes, "Ways of making tasks, in turn (default: select where the domain has it, else all; of all domains, all; assay list archetypes)")->delimiter(',');
            app.add_option("--preset", factory.preset, "A preset of the domain (travel has report), or difficulty: a search for each band");
            declare_difficulties(app, factory.difficulties, "Task i wants the i-th of these, in turn");
            app.add_flag("--escalate", options->escalate, "Each index becomes a lineage: a task of the first difficulty, made harder up to the last, and tools added on the way")
                ->excludes("--preset");
            app.add_option("--count", options->count, "Tasks 0 to COUNT-1 of the seed; or so many lineages")->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
            app.add_option("--environments", options->environments, "Of all domains: environments, from each domain in turn (default: one of each)")->check(CLI::Range(int64_t{0}, int64_t{1} << 32));
            app.add_option("--tasks", options->tasks, "Of all domains: tasks, spread evenly over the environments (default: --tasks-per-environment in each)")->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
            app.add_option("--tasks-per-environment", factory.tasks_per_environment, "Tasks that share a database")
                ->check(CLI::Range(int64_t{1}, int64_t{1} << 32));
            app.add_option("--variant", factory.variants, "Variants of the tools (assay list variants), none, or any: none to three drawn for each environment (default: none; of all domains, any)")->delimiter(',');
            app.add_option("--data", factory.data, "Your own tables: a SQLite file, or a folder of CSV or TSV files");
            app.add_option("--map", factory.mapping, "How your columns map to the domain's (JSON)");
            app.add_option("--propose", options->propose, "Write the mapping to this file and stop");
            declare_shard(app, options->shard, "Only the I-th of N parts of the tasks, cut by their indices; of all domains, by those of environments");
            domains->declare(app);
            return [options, domains, domain, &context]() -> Result<int> {
              if ((domain->count() > 0) == domains->wanted())
                return input_error("expected a domain to make tasks from, or categories that a model writes domains for", "synth", "assay synth --help");
              if (domains->wanted() && !options->shard.is_whole()) return input_error("a model's domains are not cut into shards", "--shard", "some of the categories in each run");
              return domains->wanted() ? domains->run(context) : run(*options, context);
            };
          }};
}

}  // namespace assay::commands::synth
