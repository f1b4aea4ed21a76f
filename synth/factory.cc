#include "synth/factory.h"

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "envs/database.h"
#include "synth/environment_check.h"
#include "synth/program/program_task.h"
#include "synth/templates.h"
#include "synth/variant.h"
#include "verifiers/constraint.h"

namespace assay {
namespace {

constexpr size_t kCachedWorlds = 8;

// An environment with what is shared by the threads that work in it.
struct World {
  std::vector<std::string> variants;
  std::optional<Error> failure;   // then there is no environment, for the reason in `lost_for`
  std::string lost_for;
  std::shared_ptr<const Environment> environment;
  std::shared_ptr<const Database> database;
  std::shared_ptr<const EnvironmentReport> report;
  std::mutex mutex;

  struct Own {   // of one thread
    std::unique_ptr<Toolset> tools;                      // a connection serves one thread
    std::unique_ptr<PlainTools> plain;                   // over `tools`
    std::map<std::string, std::shared_ptr<void>> kept;   // by archetype
  };
  std::map<std::thread::id, Own> own;

  Result<Own*> of_this_thread() {
    std::lock_guard lock(mutex);
    Own& slot = own[std::this_thread::get_id()];
    if (!slot.tools) {
      ASSAY_ASSIGN(slot.tools, Toolset::open(environment, database));
      slot.plain = std::make_unique<PlainTools>(*slot.tools);
    }
    return &slot;
  }
};

// Whether the environment's tools are what its domain and its variants give.
Status check_variants(const Task& task, const Domain& domain, const Environment& environment) {
  if (task.provenance.variants.empty()) return {};
  std::vector<ToolSpec> tools = tools_over(domain.tools, environment.tables);
  ASSAY_TRY(apply_variants(task.provenance.variants, environment.tables, tools));
  const auto same = [](const ToolSpec& a, const ToolSpec& b) { return to_json(a) == to_json(b); };
  if (std::equal(tools.begin(), tools.end(), environment.tools.begin(), environment.tools.end(), same)) return {};
  return input_error("its tools are not those that its domain and variants give", "task " + task.id, "audit with the program that made it");
}

// Makes the lineage of `task` again, over all tools that its domain and variants give; `request`: as far as provenance tells it.
Status find_step(const Task& task, MakeRequest& request) {
  Environment whole = *request.environment;
  whole.tools = tools_over(request.domain->tools, whole.tables);
  ASSAY_TRY(apply_variants(task.provenance.variants, whole.tables, whole.tools));
  MakeRequest first = request;
  ASSAY_ASSIGN(const auto finished, finish_environment(std::move(whole)));
  ASSAY_ASSIGN(first.environment, environment_from_json(to_json(*finished), task.provenance.domain));   // as Factory has it
  ASSAY_ASSIGN(first.report, check_environment(first.environment));
  ASSAY_ASSIGN(const std::shared_ptr<const Database> database, Database::build(first.environment->tables));
  ASSAY_ASSIGN(const auto tools, Toolset::open(first.environment, database));
  first.tools = tools.get();
  ASSAY_ASSIGN(RemadeStep step, remake_lineage(task, first, database));
  request.step = std::move(step.step);
  request.attempt = step.attempt;
  if (step.environment->id == request.environment->id) return {};
  return input_error("its tools are not those that its lineage has at this step", "task " + task.id, "audit with the program that made it");
}

}  // namespace

Result<const Archetype*> find_archetype(const std::string& name) {
  std::vector<std::string> known;
  for (const Archetype& archetype : archetypes::all()) {
    if (archetype.name == name) return &archetype;
    known.push_back(archetype.name);
  }
  return unknown_name("archetype", name, known);
}

int64_t CandidateFunnel::candidates() const {
  int64_t out = certified;
  for (const auto& [code, count] : lost) out += count;
  return out;
}

void CandidateFunnel::add(const CandidateFunnel& other) {
  certified += other.certified;
  for (const auto& [code, count] : other.lost) lost[code] += count;
}

struct Factory::State {
  FactoryOptions options;
  std::shared_ptr<const Domain> domain;
  std::optional<ImportReport> import;
  std::vector<const Archetype*> archetypes;
  Executor* executor = nullptr;
  std::mutex mutex;
  std::map<int64_t, std::shared_ptr<World>> worlds;   // by environment number
  std::list<int64_t> recent;                          // newest first

  // Archetypes without presets know only "difficulty".
  Status choose_archetypes() {
    std::vector<std::string> own, presets{"difficulty"};
    for (const auto& [name, part] : domain->archetypes) own.push_back(name);
    // Questions and the like are asked for by name: the baseline policies play only what has entities to choose.
    const std::vector<std::string> usual = domain->archetypes.contains("select") ? std::vector<std::string>{"select"} : own;
    const std::vector<std::string>& wanted = options.archetypes.empty() ? usual : options.archetypes == std::vector<std::string>{"all"} ? own : options.archetypes;
    std::vector<std::string> chosen;
    for (const std::string& name : wanted) {
      const auto part = domain->archetypes.find(name);
      if (part == domain->archetypes.end()) return unknown_name("archetype", name, own, "domain " + domain->name);
      const Json list = part->second.contains("presets") ? part->second["presets"].value("list", Json::object()) : Json::object();
      for (const auto& [preset, value] : list.items()) presets.push_back(preset);
      if (!by_difficulty() && !list.contains(options.preset)) continue;
      // A preset may leave nothing open but the data; then another task needs another environment.
      if (!by_difficulty())
        options.tasks_per_environment = std::min(options.tasks_per_environment, list[options.preset].value("tasks_per_environment", int64_t{64}));
      chosen.push_back(name);
      ASSAY_ASSIGN(const Archetype* archetype, find_archetype(name));
      archetypes.push_back(archetype);
    }
    if (archetypes.empty()) return unknown_name("preset", options.preset, presets, "domain " + domain->name);
    options.archetypes = std::move(chosen);
    return keep_written_difficulties();
  }

  // Tasks in Python are of the difficulties that somebody has written, and of no other.
  Status keep_written_difficulties() {
    if (!makes_rows(*domain)) return {};
    if (!options.variants.empty()) return input_error("variants are made of tools that declare what they reveal; those of this domain are Python", "--variant", "without variants");
    std::set<int> written;
    for (const ProgramTask& task : program_tasks(domain->archetypes.at(kProgramArchetype))) written.insert(task.difficulty);
    std::erase_if(options.difficulties, [&](int difficulty) { return !written.contains(difficulty); });
    if (!options.difficulties.empty()) return {};
    return input_error("the domain has no task of these difficulties", "--difficulty", "from " + std::to_string(*written.begin()) + " to " + std::to_string(*written.rbegin()));
  }

  bool by_difficulty() const { return options.preset == "difficulty" || options.preset == kLineagePreset; }

  // A lineage goes up one difficulty at a time. Its tools are some of its domain's, which an import may have had to change.
  Status check_lineages() {
    if (options.preset != kLineagePreset) return {};
    std::vector<int>& wanted = options.difficulties;
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    if (wanted.back() - wanted.front() + 1 != static_cast<int>(wanted.size())) return input_error("a lineage goes up one difficulty at a time", "--difficulty", "2,3,4");
    if (!options.data.empty()) return input_error("lineages are made over a domain's own tables", "--escalate", "without --data");
    return {};
  }

  const Archetype& archetype_of(int64_t index) const { return *archetypes[static_cast<size_t>(options.turn + index) % archetypes.size()]; }

  int64_t number_of(int64_t index) const { return import ? 0 : index / options.tasks_per_environment; }

  Status build(int64_t number, World& world) const {
    world.lost_for = "no_environment";
    if (import) {
      world.environment = import->environment;
    } else {
      ASSAY_ASSIGN(world.environment, generate_environment(*domain, options.seed, number, executor));
    }
    const std::shared_ptr<const Environment> plain = world.environment;
    world.variants = options.variants == std::vector<std::string>{"any"} ? draw_variants(plain->tools, plain->tables, domain->name, options.seed, number) : options.variants;
    if (!world.variants.empty()) {
      world.lost_for = "variant_not_applicable";
      Environment changed = *plain;
      ASSAY_TRY(apply_variants(world.variants, changed.tables, changed.tools));
      ASSAY_ASSIGN(world.environment, finish_environment(std::move(changed)));
    }
    // As a store gives it back: ids of texts follow the order in which they were read, and what a bounded search finds may depend on them.
    ASSAY_ASSIGN(world.environment, environment_from_json(to_json(*world.environment), domain->name));
    ASSAY_ASSIGN(world.database, Database::build(world.environment->tables));
    if (!world.variants.empty()) world.lost_for = "variant_unsolvable";
    ASSAY_ASSIGN(world.report, check_environment(world.environment));
    if (world.variants.empty() || world.report->problems.empty()) return {};
    ASSAY_ASSIGN(const auto before, check_environment(plain));
    if (!before->problems.empty()) return {};   // the domain is at fault, and every certificate says so
    return make_error(Boundary::kEnvironment, world.report->problems[0], "domain " + domain->name + " with the variants " + join_words(world.variants));
  }

  Result<MakeRequest> request(int64_t index, const std::shared_ptr<World>& world, int difficulty) const {
    MakeRequest out;
    out.domain = domain.get();
    out.archetype = archetype_of(index).name;
    out.environment = world->environment;
    ASSAY_ASSIGN(World::Own* own, world->of_this_thread());
    out.tools = own->tools.get();
    out.plain = own->plain.get();
    out.kept = &own->kept[out.archetype];
    out.open_tools = [world, executor = executor](const Task& task) -> Result<std::unique_ptr<Tools>> {
      ASSAY_ASSIGN(std::unique_ptr<Toolset> tools, Toolset::open(world->environment, world->database, {executor, task.files}));
      return std::unique_ptr<Tools>(std::move(tools));
    };
    out.executor = executor;
    out.report = world->report;
    out.preset = options.preset;
    out.difficulty = difficulty;
    if (import) out.data = import->environment->id;
    out.variants = world->variants;
    out.seed = options.seed;
    out.index = index;
    return out;
  }

  // One that has no environment is kept as well: its tasks all fail alike.
  std::shared_ptr<World> world(int64_t index) {
    const int64_t number = number_of(index);
    // Built under the lock: threads work on neighbouring tasks, so all would wait for the same environment anyway.
    std::lock_guard lock(mutex);
    if (auto it = worlds.find(number); it != worlds.end()) return it->second;
    auto made = std::make_shared<World>();
    if (const Status built = build(number, *made); !built.ok()) made->failure = built.error();
    worlds[number] = made;
    recent.push_front(number);
    if (recent.size() > kCachedWorlds) {
      worlds.erase(recent.back());
      recent.pop_back();
    }
    return made;
  }
};

Factory::Factory(std::unique_ptr<State> state) : state_(std::move(state)) {}
Factory::~Factory() = default;

Result<std::unique_ptr<Factory>> Factory::create(const FactoryOptions& options) {
  ASSAY_ASSIGN(std::shared_ptr<const Domain> domain, load_domain(options.domain));
  return create(std::move(domain), options);
}

Result<std::unique_ptr<Factory>> Factory::create(std::shared_ptr<const Domain> domain, const FactoryOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->domain = std::move(domain);
  if (options.tasks_per_environment < 1) return input_error("expected at least one task per environment", "--tasks-per-environment");
  if (options.variants == std::vector<std::string>{"none"}) state->options.variants.clear();
  std::sort(state->options.variants.begin(), state->options.variants.end());
  for (const std::string& name : state->options.variants) {
    if (name == "any" && state->options.variants.size() == 1) continue;
    ASSAY_ASSIGN([[maybe_unused]] const Variant* variant, find_variant(name));
  }
  if (options.difficulties.empty()) return input_error("no difficulty was asked for", "--difficulty", "1,2,3,4,5");
  ASSAY_TRY(state->check_lineages());
  ASSAY_TRY(state->choose_archetypes());
  if (!options.data.empty()) {
    ASSAY_ASSIGN(state->import, import_environment(*state->domain, options.data, options.mapping));
  }
  return std::unique_ptr<Factory>(new Factory(std::move(state)));
}

bool Factory::needs_executor() const {
  Environment tools;
  tools.tools = state_->domain->tools;
  return runs_programs(tools);
}
const std::vector<std::string>& Factory::archetypes() const { return state_->options.archetypes; }
const std::string& Factory::archetype(int64_t index) const { return state_->archetype_of(index).name; }
std::vector<int> Factory::difficulties(int64_t index) const {
  if (!state_->by_difficulty()) return {0};
  const std::vector<int>& wanted = state_->options.difficulties;
  if (state_->options.preset == kLineagePreset) return wanted;
  return {wanted[(static_cast<size_t>(state_->options.turn) + static_cast<size_t>(index) / state_->archetypes.size()) % wanted.size()]};
}

void Factory::use(Executor& executor) { state_->executor = &executor; }

const Domain& Factory::domain() const { return *state_->domain; }
const ImportReport* Factory::import() const { return state_->import ? &*state_->import : nullptr; }

Result<std::vector<std::string>> Factory::notes() {
  const auto made = this->environment(0);
  if (!made.ok()) return std::vector<std::string>();
  const Environment& environment = **made;
  std::vector<std::string> out = environment.notes;
  if (environment.tables.tables.empty()) return out;
  for (const std::string& name : state_->options.archetypes) {
    if (!state_->domain->archetypes.at(name).contains("templates")) continue;
    ASSAY_ASSIGN(const auto left_out, templates_left_out(*state_->domain, name, environment));
    if (!state_->import) ASSAY_TRY(check_templates(*state_->domain, name, environment));
    out.insert(out.end(), left_out.begin(), left_out.end());
  }
  return out;
}

Result<std::shared_ptr<const Environment>> Factory::environment(int64_t index) {
  const auto world = state_->world(index);
  if (world->failure) return *world->failure;
  return world->environment;
}

void Factory::release(int64_t index) {
  std::lock_guard lock(state_->mutex);
  const int64_t number = state_->number_of(index);
  state_->worlds.erase(number);
  state_->recent.remove(number);
}

Result<MadeTask> Factory::make(int64_t index, CandidateFunnel* funnel) {
  const auto world = state_->world(index);
  if (world->failure) return *world->failure;
  ASSAY_ASSIGN(MakeRequest request, state_->request(index, world, difficulties(index).front()));
  request.funnel = funnel;
  Result<MadeTask> made = state_->archetype_of(index).make(request);
  if (funnel && made.ok()) funnel->certified += made->certificate.sound;
  if (made.ok() || world->variants.empty()) return made;
  return make_error(made.error().boundary, made.error().what, made.error().where + " (variants " + join_words(world->variants) + ")", made.error().hint);
}

std::string Factory::lost_for(int64_t index, const Error* error) {
  if (!error) return "unsound";
  const auto world = state_->world(index);
  if (makes_rows(*state_->domain)) return fault_code(world->failure ? world->failure->what : error->what);
  return world->failure ? world->lost_for : "no_task_in_band";
}

Result<Lineage> Factory::make_lineage(int64_t index) {
  const auto world = state_->world(index);
  if (world->failure) return *world->failure;
  ASSAY_ASSIGN(const MakeRequest request, state_->request(index, world, difficulties(index).front()));
  return assay::make_lineage(request, world->database, state_->options.difficulties.back());
}

Result<AuditRequest> request_of(const Task& task, std::shared_ptr<const Domain> domain, std::shared_ptr<const Environment> environment,
                                Tools& tools) {
  AuditRequest out;
  const Provenance& p = task.provenance;
  out.domain = std::move(domain);
  if (out.domain->version != p.domain_version)
    return input_error("made with version " + p.domain_version + " of the domain '" + p.domain + "'; this program has " + out.domain->version,
                       "task " + task.id, "audit with the program that made it");
  if (!out.domain->archetypes.contains(task.archetype))
    return input_error("the domain '" + p.domain + "' has no archetype '" + task.archetype + "' any more", "task " + task.id, "audit with the program that made it");
  const bool in_lineage = p.preset == kLineagePreset;
  if (p.data.empty() && !in_lineage) ASSAY_TRY(check_variants(task, *out.domain, *environment));
  out.request.domain = out.domain.get();
  out.request.archetype = task.archetype;
  out.request.environment = std::move(environment);
  out.request.tools = &tools;
  out.request.preset = p.preset;
  out.request.difficulty = task.difficulty;
  out.request.data = p.data;
  out.request.variants = p.variants;
  out.request.seed = p.seed;
  out.request.index = p.index;
  out.request.attempt = p.attempt;
  if (in_lineage) ASSAY_TRY(find_step(task, out.request));
  return out;
}

}  // namespace assay
