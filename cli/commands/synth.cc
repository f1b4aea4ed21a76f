// assay synth DOMAIN: tasks 0 … N-1 of a seed, certified and stored; what is stored already is not made again.
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
#include "cli/summary_tables.h"
#include "cli/text.h"
#include "sandbox/backend.h"
#include "synth/factory.h"
#include "synth/structure.h"

namespace assay::commands::synth {
namespace {

struct Options {
  FactoryOptions factory;
  bool escalate = false;
  int64_t count = 100;
  std::string propose;
};

// A task, made now or before.
struct Item {
  std::optional<MadeTask> made;
  std::shared_ptr<const Environment> environment;
  TaskRow row;
  Certificate certificate;
};

// What comes of an index: one task, or the tasks of a lineage.
struct Batch {
  std::vector<Item> items;
  std::optional<Error> error;
  int stopped_at = 0;          // see Lineage
  std::string reason, detail;
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
  Synthesis(const Options& options, const Context& context, Factory& factory, Store& store)
      : options_(options), context_(context), factory_(factory), store_(store) {}

  Result<int> run() {
    const int64_t count = context_.limit < 0 ? options_.count : std::min(options_.count, context_.limit);
    ASSAY_TRY(read_stored(count));
    if (auto notes = factory_.notes(); notes.ok()) notes_ = std::move(*notes);   // without its environment, task 0 is lost, and says why
    for (const std::string& note : notes_) context_.say("note: " + printable(note));
    Progress progress("synth", count, system_clock());
    const JobOptions jobs{.jobs = context_.threads(), .cancelled = context_.cancelled};
    Result<int64_t> reached = ordered_map<Batch>(
        0, count, jobs, [&](int64_t index, int) -> Result<Batch> { return make(index); },
        [&](int64_t index, Batch batch) { return take(index, std::move(batch), progress); });
    ASSAY_TRY(store_.flush());
    if (!reached.ok()) return reached.error();
    seconds_ = progress.seconds();
    if (made_ > 0) ASSAY_TRY(observe());
    if (made_ + kept_ == 0 && !errors_.empty()) {
      say_losses(*reached);
      return first_error_;
    }
    report(count, *reached);
    return *reached < count || unsound_ > 0 || failed_ > 0 ? kSomeFailed : kDone;
  }

 private:
  Status read_stored(int64_t count) {
    TaskFilter filter;
    filter.domain = factory_.domain().name;
    filter.preset = options_.factory.preset;
    filter.seed = options_.factory.seed;
    ASSAY_ASSIGN(std::vector<TaskRow> rows, store_.tasks(filter));
    for (TaskRow& row : rows)
      if (row.index >= 0 && row.index < count && !row.certificate.empty()) stored_[row.index].push_back(std::move(row));
    return {};
  }

  // The difficulties wanted of `index`.
  std::vector<int> wanted(int64_t index) const {
    return options_.escalate ? factory_.difficulties() : std::vector<int>{factory_.difficulty(index)};
  }

  // Index and seed are not enough: the domain, the levers or the user's tables may have changed since.
  Result<bool> same_making(const TaskRow& row, int64_t index, int difficulty, const std::string& parent) {
    if (row.difficulty != difficulty) return false;
    if (row.archetype != factory_.archetypes()[static_cast<size_t>(index) % factory_.archetypes().size()]) return false;
    const Result<std::shared_ptr<const Environment>> environment = factory_.environment(index);
    if (!environment.ok()) return false;
    if (row.environment != (*environment)->id) {
      if (!options_.escalate) return false;
      ASSAY_ASSIGN(const auto fewer, store_.environment(row.environment));
      if (!is_part_of(*fewer, **environment)) return false;
    }
    ASSAY_ASSIGN(Task task, store_.task(row.id));
    return task.provenance.domain_version == factory_.domain().version && task.provenance.parent == parent;
  }

  // What the store has of `index`, if that is everything wanted of it; else nothing.
  Result<std::vector<Item>> made_before(int64_t index) {
    std::vector<Item> out;
    const auto rows = stored_.find(index);
    if (rows == stored_.end()) return out;
    for (const int difficulty : wanted(index)) {
      const std::string parent = out.empty() ? "" : out.back().row.id;
      const size_t before = out.size();
      for (const TaskRow& row : rows->second) {
        ASSAY_ASSIGN(const bool same, same_making(row, index, difficulty, parent));
        if (!same) continue;
        Item item;
        ASSAY_ASSIGN(item.environment, store_.environment(row.environment));
        item.row = row;
        ASSAY_ASSIGN(item.certificate, store_.certificate(row.id));
        out.push_back(std::move(item));
        break;
      }
      if (out.size() == before) return std::vector<Item>();
    }
    return out;
  }

  Result<Batch> make(int64_t index) {
    Batch batch;
    ASSAY_ASSIGN(batch.items, made_before(index));
    if (!batch.items.empty()) return batch;
    const Status made = options_.escalate ? make_lineage(index, batch) : make_task(index, batch);
    if (!made.ok()) batch.error = made.error();
    return batch;
  }

  Status make_task(int64_t index, Batch& batch) {
    ASSAY_ASSIGN(std::shared_ptr<const Environment> environment, factory_.environment(index));
    ASSAY_ASSIGN(MadeTask made, factory_.make(index));
    batch.items.push_back({std::move(made), std::move(environment), {}, {}});
    return {};
  }

  Status make_lineage(int64_t index, Batch& batch) {
    ASSAY_ASSIGN(Lineage lineage, factory_.make_lineage(index));
    for (LineageTask& task : lineage.tasks) batch.items.push_back({std::move(task.made), std::move(task.environment), {}, {}});
    batch.stopped_at = lineage.stopped_at;
    batch.reason = std::move(lineage.reason);
    batch.detail = std::move(lineage.detail);
    return {};
  }

  // In a word, what became of an index that did not give all it should; empty if it did.
  std::string lost_for(int64_t index, const Batch& batch) {
    if (batch.error) return factory_.lost_for(index, &*batch.error);
    if (batch.stopped_at > 0) return batch.reason;
    const bool sound = std::all_of(batch.items.begin(), batch.items.end(), [](const Item& item) { return item.certificate.sound; });
    return sound ? "" : factory_.lost_for(index, nullptr);
  }

  Status take(int64_t index, Batch batch, Progress& progress) {
    const std::vector<int> difficulties = wanted(index);
    for (const int difficulty : difficulties) ++bands_[difficulty].asked;
    failed_ += static_cast<int64_t>(difficulties.size() - batch.items.size());
    if (batch.error) {
      if (errors_.empty()) first_error_ = *batch.error;
      if (errors_.size() < 5) errors_.insert("task " + std::to_string(index) + ": " + batch.error->text());
    }
    if (batch.stopped_at > 0) {
      auto& [count, example] = stopped_[{batch.stopped_at, batch.reason}];
      if (count++ == 0) example = batch.detail;
    }
    bool fresh = batch.items.empty(), sound = !batch.error;
    for (Item& item : batch.items) {
      fresh |= item.made.has_value();
      if (item.made) ASSAY_TRY(put(item));
      else ++kept_;
      sound &= item.certificate.sound;
      count(item);
      count_environment(item);
    }
    if (const std::string lost = lost_for(index, batch); !lost.empty()) ++lost_[lost];
    if (fresh) progress.add(1, sound ? 0 : 1);
    else progress.skip(1);
    return {};
  }

  // Environments that were made before count as well.
  void count_environment(const Item& item) {
    if (!seen_.insert(item.row.environment).second) return;
    structures_.insert(structure_of(*item.environment));
    databases_.insert(database_of(*item.environment));
  }

  Status put(Item& item) {
    const Task& task = item.made->task;
    if (environments_.insert(task.environment).second) ASSAY_TRY(store_.put_environment(*item.environment));
    ASSAY_TRY(store_.put_task(task));
    ASSAY_TRY(store_.put_certificate(item.made->certificate));
    ++made_;
    item.certificate = std::move(item.made->certificate);
    const Certificate& c = item.certificate;
    item.row = {.id = task.id, .environment = task.environment, .archetype = task.archetype,
                .domain = task.provenance.domain, .preset = task.provenance.preset, .difficulty = task.difficulty,
                .seed = task.provenance.seed, .index = task.provenance.index, .certificate = c.id, .sound = c.sound,
                .chance_rate = c.chance_rate(), .calls_low = c.calls_low, .calls_high = c.calls_high};
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

  // The funnel of lineages: each that does not reach the last difficulty is lost for one reason.
  void say_stopped(int64_t reached) const {
    if (!options_.escalate) return;
    int64_t short_ones = 0;
    for (const auto& [where, stopped] : stopped_) short_ones += stopped.first;
    context_.say(count_text(reached) + " lineages, of which " + count_text(short_ones) + " stopped before difficulty " + std::to_string(factory_.difficulties().back()));
    for (const auto& [where, stopped] : stopped_)
      context_.say("  " + count_text(stopped.first) + " at difficulty " + std::to_string(where.first) + ": " + where.second + " (" + printable(shortened(stopped.second, 200)) + ")");
  }

  OrderedJson stopped_json() const {
    OrderedJson out = OrderedJson::array();
    for (const auto& [where, stopped] : stopped_) out.push_back({{"difficulty", where.first}, {"reason", where.second}, {"lineages", stopped.first}, {"example", stopped.second}});
    return out;
  }

  Status observe() {
    ASSAY_TRY(store_.put_observation("store", "synth", {{"tasks", made_}, {"seconds", seconds_}, {"jobs", context_.threads()}}));
    return store_.flush();
  }

  void say_losses(int64_t reached) const {
    std::string each;
    for (const auto& [reason, tasks] : lost_) each += (each.empty() ? "" : ", ") + count_text(tasks) + " " + reason;
    if (!each.empty() && !options_.escalate) context_.say(count_text(reached) + " candidates in, " + count_text(made_ + kept_ - unsound_) + " certified out; lost: " + each);
  }

  void report(int64_t count, int64_t reached) const {
    const Context& c = context_;
    if (!groups_.empty()) c.say(tasks_table(groups_));
    const double rate = seconds_ > 0 ? static_cast<double>(made_) / seconds_ : 0;
    c.say("\n" + count_text(made_) + " tasks made and certified in " + duration_text(seconds_) + " (" + rate_text(rate) + "/s), " +
          count_text(kept_) + " were in the store; " + count_text(unsound_) + " unsound, " + count_text(failed_) + " could not be made");
    c.say("1 domain, " + count_text(static_cast<int64_t>(seen_.size())) + " environments, of which " + count_text(static_cast<int64_t>(structures_.size())) +
          " differ in schema, tools or rules; " + count_text(static_cast<int64_t>(databases_.size())) + " databases, " + count_text(made_ + kept_) + " tasks");
    say_losses(reached);
    for (const std::string& error : errors_) c.say("  " + printable(error));
    say_calibration();
    say_stopped(reached);
    if (reached < count)
      c.say("interrupted after " + count_text(reached) + " of " + count_text(count) + ": the same command goes on from there");
    if (!example_.empty()) {
      c.say("next:");
      c.say("  " + c.command("rollout --policy gold,random,greedy --group 4"));
      c.say("  " + c.command("show task " + short_id(example_)));
      c.say("  " + c.command("show store"));
    }
    c.result({{"requested", count}, {"made", made_}, {"stored_earlier", kept_}, {"unsound", unsound_}, {"failed", failed_}, {"lost", lost_},
              {"domains", 1}, {"environments", seen_.size()}, {"structures", structures_.size()}, {"databases", databases_.size()},
              {"interrupted", reached < count}, {"seconds", seconds_}, {"tasks_per_second", rate},
              {"by_difficulty", tasks_json(groups_)}, {"calibration", calibration()}, {"stopped", stopped_json()}, {"notes", notes_}, {"errors", errors_}, {"store", c.store}});
  }

  const Options& options_;
  const Context& context_;
  Factory& factory_;
  Store& store_;
  std::map<int64_t, std::vector<TaskRow>> stored_;  // by index
  std::set<std::string> environments_, seen_, structures_, databases_, errors_;
  std::vector<std::string> notes_;
  Error first_error_;
  TaskGroups groups_;
  struct Band {
    int64_t asked = 0, met = 0;
  };
  std::map<int, Band> bands_;   // by difficulty
  std::map<std::pair<int, std::string>, std::pair<int64_t, std::string>> stopped_;   // lineages, by where and why: how many, an example
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

Result<int> run(Options& options, const Context& context) {
  ASSAY_TRY(check(options));
  if (options.escalate) options.factory.preset = kLineagePreset;
  options.factory.seed = context.seed;
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
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kOpenOrCreate, system_clock()));
  ASSAY_TRY(keep_domain(*store, factory->domain()));
  return Synthesis(options, context, *factory, *store).run();
}

}  // namespace

Command make() {
  return {"synth", "Make tasks from a domain, each with its certificate; or let a model write domains", 10, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            auto domains = std::make_shared<DomainSynthesis>();
            FactoryOptions& factory = options->factory;
            CLI::Option* domain = app.add_option("domain", factory.domain, "A built-in domain (assay list domains) or a file");
            app.add_option("--archetype", factory.archetypes, "Ways of making tasks, in turn (default: select where the domain has it, else all; assay list archetypes)")->delimiter(',');
            app.add_option("--preset", factory.preset, "A preset of the domain (travel has report), or difficulty: a search for each band");
            declare_difficulties(app, factory.difficulties, "Task i wants the i-th of these, in turn");
            app.add_flag("--escalate", options->escalate, "Each index becomes a lineage: a task of the first difficulty, made harder up to the last, and tools added on the way")
                ->excludes("--preset");
            app.add_option("--count", options->count, "Tasks 0 to COUNT-1 of the seed; or so many lineages")->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
            app.add_option("--tasks-per-environment", factory.tasks_per_environment, "Tasks that share a database")
                ->check(CLI::Range(int64_t{1}, int64_t{1} << 32));
            app.add_option("--variant", factory.variants, "Variants of the tools (assay list variants), none, or any: none to three drawn for each environment")->delimiter(',');
            app.add_option("--data", factory.data, "Your own tables: a SQLite file, or a folder of CSV or TSV files");
            app.add_option("--map", factory.mapping, "How your columns map to the domain's (JSON)");
            app.add_option("--propose", options->propose, "Write the mapping to this file and stop");
            domains->declare(app);
            return [options, domains, domain, &context]() -> Result<int> {
              if ((domain->count() > 0) == domains->wanted())
                return input_error("expected a domain to make tasks from, or categories that a model writes domains for", "synth", "assay synth --help");
              return domains->wanted() ? domains->run(context) : run(*options, context);
            };
          }};
}

}  // namespace assay::commands::synth
