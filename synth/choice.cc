#include "synth/choice.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "synth/certify.h"
#include "synth/chance.h"
#include "synth/explorer.h"
#include "synth/templates.h"
#include "synth/variant.h"
#include "verifiers/constraint.h"
#include "verifiers/wording.h"

namespace assay {
namespace {

constexpr int kMaxCandidates = 60;
constexpr int64_t kChanceTries = 10'000;
constexpr size_t kMostSamples = 256, kLeastSamples = 50;   // that quantiles are taken of

struct Band {
  double low = 0, high = 1e18;   // low <= x < high
  bool contains(double x) const { return x >= low && x < high; }
};

Result<Band> read_band(JsonReader& reader, const char* name) {
  const Json& json = reader.member_or_null(name);
  if (json.is_null()) return Band{};
  if (!json.is_array() || json.size() != 2 || !json[0].is_number() || !json[1].is_number()) {
    reader.fail(name, "expected [low, high)");
    return Band{};
  }
  return Band{json[0].get<double>(), json[1].get<double>()};
}

struct Level {
  int groups_low = 1, groups_high = 1;
  std::vector<std::string> always, choose;
  int choose_low = 0, choose_high = 0;
  Band chance, calls, interacting;
};

Result<Level> read_level(const MakeRequest& request) {
  const std::string name = std::to_string(request.difficulty);
  const Json& levels = request.part().at("levels");
  if (!levels.contains(name))
    return input_error("the domain has no difficulty " + name, request.file() + ": " + request.path() + ".levels", "a number from 1 to 5");
  JsonReader reader(levels[name], request.file(), request.path() + ".levels." + name);
  Level level;
  auto range = [&](const char* member, int& low, int& high) {
    const Json& json = reader.array(member);
    if (json.size() != 2 || !json[0].is_number_integer() || !json[1].is_number_integer() || json[0] > json[1]) reader.fail(member, "expected [least, most]");
    else low = json[0].get<int>(), high = json[1].get<int>();
  };
  range("groups", level.groups_low, level.groups_high);
  level.always = reader.texts("always");
  level.choose = reader.texts("choose");
  range("choose_count", level.choose_low, level.choose_high);
  ASSAY_ASSIGN(level.chance, read_band(reader, "chance"));
  ASSAY_ASSIGN(level.calls, read_band(reader, "calls"));
  ASSAY_ASSIGN(level.interacting, read_band(reader, "interacting"));
  ASSAY_TRY(reader.finish());
  return level;
}

// A rule's sentence with what its template notes about it, before the stop that ends the first line.
std::string with_note(std::string sentence, std::string note) {
  if (note.empty()) return sentence;
  if (note.ends_with(".")) note.pop_back();
  const size_t stop = sentence.rfind('.', sentence.find('\n'));
  return stop == std::string::npos ? sentence : sentence.insert(stop, " (" + note + ")");
}

// The prompt says everything that is judged and nothing about how: rules are the constraints' own sentences. notes[i] is on rule i.
std::string write_prompt(const MakeRequest& request, const AnswerShape& shape, const std::string& intro, const Constraints& constraints,
                         const std::vector<std::string>& notes) {
  std::string out = intro + "\n\nFor each " + shape.group_label + " choose:\n";
  std::vector<std::string> keys;
  OrderedJson example = OrderedJson::object();
  const bool given = std::any_of(shape.fields.begin(), shape.fields.end(), [](const AnswerField& field) { return field.is_given(); });
  for (const AnswerField& field : shape.fields) {
    keys.push_back("\"" + field.name + "\"");
    example[field.name] = field.is_given() ? field.literals[0] : "...";
    if (!field.is_given()) {
      out += "- " + field.name + ": the " + field.label + ", exactly as the tools name it\n";
    } else {
      std::vector<std::string> literals;
      for (int group = 0; group < shape.groups; ++group) literals.push_back("\"" + field.literals[static_cast<size_t>(group)] + "\"");
      out += "- " + field.name + ": the " + field.label + ": " + join_words(literals) + ", in this order\n";
    }
  }
  out += "\nRules:\n";
  for (size_t i = 0; i < constraints.size(); ++i) out += std::to_string(i + 1) + ". " + with_note(constraints[i]->sentence(), notes[i]) + "\n";
  out += "\nWhere no rule is against it, a name may be chosen more than once; it then counts each time. A rule that cannot be checked because a name is not known or a "
         "value is missing counts as broken. Any answer that keeps all rules is right.\n";
  out += "\nAnswer with a JSON array of exactly " + std::to_string(shape.groups) + " objects, one for each " + shape.group_label +
         (given ? ", in the order above" : " (the first for " + shape.group_label + " 1)") + ", each with exactly the key" + (keys.size() > 1 ? "s " : " ") + join_words(keys) + ", all values being strings. The first begins like this:\n" +
         OrderedJson::array({example}).dump() + "\n";
  for (const ToolSpec& tool : request.environment->tools)
    if (tool.effect == ToolEffect::kSubmit) out += "Hand in this JSON text, with no code fence or words around it, by calling " + tool.name + " once; the call ends the task.";
  return out;
}

std::string system_prompt() {
  return "You solve tasks with the tools you are given. Find out what you need by calling tools; do not guess facts. Names are matched "
         "exactly. You may call several tools in one message. When you are sure, submit your answer with the submission tool.";
}

// A task as far as it goes without gold.
Result<Task> assemble(const MakeRequest& request, const AnswerShape& shape, const Json& constraints, const std::string& intro,
                      const std::vector<std::string>& notes) {
  Task task;
  task.environment = request.environment->id;
  task.archetype = request.archetype;
  task.difficulty = request.difficulty;
  task.system = system_prompt();
  task.answer = shape;
  task.constraints = constraints;
  task.provenance = request.provenance();
  task.limits = limits_over(request.environment->tools);
  ASSAY_ASSIGN(const Constraints compiled, compile_constraints(constraints, {task.answer, request.environment->tables}, request.file()));
  task.prompt = write_prompt(request, shape, intro, compiled, notes);
  return task;
}

Result<Exploration> gold(const Task& task, const MakeRequest& request) {
  if (request.plain) return gold_exploration(task, *request.environment, *request.plain);
  return gold_exploration(task, *request.environment, *request.tools);
}

Result<RemadeTask> with_gold(const MakeRequest& request, Task task) {
  ASSAY_ASSIGN(Exploration exploration, gold(task, request));
  task.gold = std::move(exploration.answer);
  seal_task(task);
  return RemadeTask{std::move(task), std::move(exploration.transcript), exploration.calls, exploration.plain_calls};
}

std::string intro_text(const MakeRequest& request, const AnswerShape& shape) {
  std::string out = request.part().at("presets").value("intro", "");
  std::string first, last;
  for (const AnswerField& field : shape.fields)
    if (field.is_given()) first = field.literals[0], last = field.literals[shape.groups - 1];
  for (const auto& [name, value] : {std::pair<std::string, std::string>{"{groups}", std::to_string(shape.groups)}, {"{first}", first}, {"{last}", last}})
    for (size_t at; (at = out.find(name)) != std::string::npos;) out.replace(at, name.size(), value);
  return upper_first(out);
}

// Why candidates of a level were not kept, and how many for each reason: what a domain's author needs to mend it.
class Misses {
 public:
  explicit Misses(const MakeRequest& request) : request_(request) {}
  // `code`: for the funnel; `why`: for people.
  void add(const char* code, const std::string& why) {
    request_.lose(code);
    ++counts_[why];
  }
  std::string text() const {
    std::vector<std::string> parts;
    for (const auto& [why, count] : counts_) parts.push_back(std::to_string(count) + " times " + why);
    return join_words(parts);
  }

 private:
  const MakeRequest& request_;
  std::map<std::string, int64_t> counts_;
};

struct Draft {
  AnswerShape shape;
  std::vector<FilledTemplate> templates;
  std::set<std::string> names;   // of the templates

  std::vector<std::string> notes() const {
    std::vector<std::string> out;
    for (const FilledTemplate& filled : templates) out.push_back(filled.note);
    return out;
  }
};

// What a step of a lineage keeps of the one before.
struct Basis {
  Draft draft;
  Json constraints;   // of its templates, with their bounds
};

Status add_template(const MakeRequest& request, const std::string& name, Rng& rng, Draft& draft) {
  if (draft.names.count(name)) return {};
  std::string why_not;
  ASSAY_ASSIGN(const auto filled, fill_template(*request.domain, request.archetype, *request.environment, draft.shape, name, rng, why_not));
  if (!filled) return {};
  for (const FilledTemplate& other : draft.templates)
    if (other.constraint == filled->constraint) return {};
  draft.templates.push_back(*filled);
  draft.names.insert(name);
  return {};
}

// Consistent random answers: those that keep the rules without a bound, and what quantiles are taken of.
struct Sampled {
  DrawnCache::Drawn drawn;
  DrawnCache::Places good;
  std::vector<Assignment> answers;     // a few good ones, or where these are too few, any
};

Result<Sampled> sample_answers(const MakeRequest& request, const Draft& draft, DrawnCache& cache) {
  Json fixed = Json::array();
  for (const FilledTemplate& t : draft.templates)
    if (!t.has_quantile) fixed.push_back(t.constraint);
  ASSAY_ASSIGN(const Constraints constraints, compile_constraints(fixed, {draft.shape, request.environment->tables}, request.file()));
  Sampled out;
  out.drawn = cache.draw(draft.shape, *request.environment, kSearchStream, kChanceTries);
  const DrawnAnswers& drawn = *out.drawn;
  out.good = cache.keeping(out.drawn, fixed, constraints);
  const bool enough = out.good->size() >= kLeastSamples;
  for (size_t i = 0; i < (enough ? out.good->size() : drawn.numbers.size()) && out.answers.size() < kMostSamples; ++i) {
    const int32_t* rows = drawn.answer(enough ? static_cast<size_t>((*out.good)[i]) : i);
    out.answers.emplace_back(rows, rows + drawn.slots);
  }
  return out;
}

// The constraints of a draft at a tightness; `bounded`: only those that it changes.
Result<Json> constraints_at(const MakeRequest& request, const Draft& draft, const std::vector<double>& shares, double tightness,
                            const std::vector<Assignment>& samples, bool bounded = false) {
  Json out = Json::array();
  for (size_t i = 0; i < draft.templates.size(); ++i) {
    if (bounded && !draft.templates[i].has_quantile) continue;
    ASSAY_ASSIGN(Json constraint, set_quantile(draft.templates[i].constraint, std::pow(shares[i], tightness), draft.shape, request.environment->tables, samples));
    out.push_back(std::move(constraint));
  }
  return out;
}

// Constraints in the level's band of chance, or null if this draft cannot be brought there.
Result<Json> tighten(const MakeRequest& request, const Level& level, const Draft& draft, Rng& rng, Misses& misses) {
  const auto cache = DrawnCache::of(request);
  const Binding binding{draft.shape, request.environment->tables};
  ASSAY_ASSIGN(const Sampled sampled, sample_answers(request, draft, *cache));
  if (sampled.answers.empty()) {
    misses.add("no_random_answer", "there is not even a random answer: a slot has nothing to choose from");
    return Json();
  }
  std::vector<double> shares;
  for (size_t i = 0; i < draft.templates.size(); ++i) shares.push_back(0.45 + 0.4 * rng.unit());
  constexpr double kLoosest = 0.02, kTightest = 14;
  double loose = kLoosest, tight = kTightest;
  for (int step = 0; step < 9; ++step) {
    const double tightness = step == 0 ? 1.0 : std::sqrt(loose * tight);
    ASSAY_ASSIGN(const Json bounds, constraints_at(request, draft, shares, tightness, sampled.answers, true));
    ASSAY_ASSIGN(const Constraints bounded, compile_constraints(bounds, binding, request.file()));
    const double chance = chance_rate_near(*sampled.drawn, *sampled.good, bounded, level.chance.low, level.chance.high).rate();
    if (level.chance.contains(chance)) {
      // A second, independent sample, the certificate's own: the first was selected for lying in the band.
      ASSAY_ASSIGN(Json constraints, constraints_at(request, draft, shares, tightness, sampled.answers));
      ASSAY_ASSIGN(const Constraints compiled, compile_constraints(constraints, binding, request.file()));
      if (!level.interacting.contains(static_cast<double>(interacting_constraints(compiled)))) {
        misses.add("interacting_outside_band", "the number of constraints that share a slot lies outside the band");
        return Json();
      }
      const auto second = cache->draw(draft.shape, *request.environment, kChanceStream, kChanceTries);
      if (level.chance.contains(cache->chance_rate(second, constraints, compiled).rate())) return constraints;
      misses.add("chance_at_edge", "the chance rate lies at the edge of the band");
      return Json();
    }
    (chance >= level.chance.high ? loose : tight) = tightness;
  }
  if (tight == kTightest) misses.add("chance_above_band", "the chance rate stays above the band, however tight the bounds");
  else if (loose == kLoosest) misses.add("chance_below_band", "the chance rate stays below the band, however loose the bounds");
  else misses.add("chance_jumps_over_band", "the chance rate jumps over the band");
  return Json();
}

// The shape of the answer, and for a later step of a lineage the templates of the step before. Their bounds stay as they are, unless
// there are more groups now: then they are set anew together with the new ones.
Result<Draft> begin_draft(const MakeRequest& request, const Level& level, Rng& rng) {
  Draft draft;
  int groups = static_cast<int>(rng.between(level.groups_low, level.groups_high));
  const auto* basis = request.step ? static_cast<const Basis*>(request.step->basis.get()) : nullptr;
  if (basis) {
    draft = basis->draft;
    groups = std::max(groups, draft.shape.groups);
    for (size_t i = 0; groups == draft.shape.groups && i < draft.templates.size(); ++i) draft.templates[i] = {basis->constraints[i], draft.templates[i].note, false};
  }
  // The same draws in every step of a lineage: what was given stays given.
  Rng own(request.seed, stream_of(request.archetype + "/shape"), static_cast<uint64_t>(request.index));
  ASSAY_ASSIGN(draft.shape, shape_for(*request.domain, request.archetype, request.environment->tables, groups, request.step ? own : rng));
  return draft;
}

// One try of the search: a task without certificate, or nothing if it is not in the bands.
Result<std::optional<RemadeTask>> candidate(const MakeRequest& request, const Level& level, Misses& misses) {
  Rng rng(request.seed, stream_of(request.archetype + "/" + std::to_string(request.difficulty)), request.draw(kMaxCandidates));
  ASSAY_ASSIGN(Draft draft, begin_draft(request, level, rng));
  const size_t before = draft.templates.size();
  for (const std::string& name : level.always) ASSAY_TRY(add_template(request, name, rng, draft));
  std::vector<std::string> choice = level.choose;
  rng.shuffle(choice);
  const size_t always = before == 0 ? draft.templates.size() : level.always.size();
  const size_t wanted = std::max(before + (before > 0 ? 1 : 0), always + static_cast<size_t>(rng.between(level.choose_low, level.choose_high)));
  for (size_t i = 0; i < choice.size() && draft.templates.size() < wanted; ++i) ASSAY_TRY(add_template(request, choice[i], rng, draft));
  if (draft.templates.size() == before) {
    misses.add("nothing_to_add", "nothing can be added");
    return std::optional<RemadeTask>();
  }
  ASSAY_ASSIGN(const Json constraints, tighten(request, level, draft, rng, misses));
  if (constraints.is_null()) return std::optional<RemadeTask>();
  ASSAY_ASSIGN(Task task, assemble(request, draft.shape, constraints, intro_text(request, draft.shape), draft.notes()));
  auto made = with_gold(request, std::move(task));
  if (made.ok() && level.calls.contains(static_cast<double>(made->plain_calls))) {
    if (request.step) made->basis = std::make_shared<const Basis>(Basis{std::move(draft), constraints});
    return std::optional<RemadeTask>(std::move(*made));
  }
  if (made.ok()) misses.add("calls_outside_band", "the gold's calls lie outside the band");
  else misses.add("no_gold", "the tools lead to no answer (" + made.error().what + ")");
  return std::optional<RemadeTask>();
}

Result<RemadeTask> make_by_preset(const MakeRequest& request) {
  const Json& presets = request.part().at("presets");
  const Json* list = presets.contains("list") && presets["list"].contains(request.preset) ? &presets["list"][request.preset] : nullptr;
  if (!list) {
    std::vector<std::string> known{"difficulty"};
    if (presets.contains("list"))
      for (const auto& [name, value] : presets["list"].items()) known.push_back(name);
    return unknown_name("preset", request.preset, known, "domain " + request.domain->name);
  }
  JsonReader reader(*list, request.file(), request.path() + ".presets.list." + request.preset);
  Draft draft;
  const int groups = static_cast<int>(reader.integer("groups", {.minimum = 1, .maximum = 32}));
  const auto names = reader.texts("templates");
  reader.integer("tasks_per_environment", {.minimum = 1, .maximum = 1'000'000, .fallback = 64});
  ASSAY_TRY(reader.finish());
  Rng rng(request.seed, stream_of(request.archetype + "/" + request.preset), static_cast<uint64_t>(request.index));
  ASSAY_ASSIGN(draft.shape, shape_for(*request.domain, request.archetype, request.environment->tables, groups, rng));
  for (const std::string& name : names) ASSAY_TRY(add_template(request, name, rng, draft));
  std::vector<double> shares;
  for (size_t i = 0; i < draft.templates.size(); ++i) shares.push_back(0.3 + 0.4 * rng.unit());
  std::vector<Assignment> samples;
  if (std::any_of(draft.templates.begin(), draft.templates.end(), [](const FilledTemplate& t) { return t.has_quantile; })) {
    ASSAY_ASSIGN(Sampled sampled, sample_answers(request, draft, *DrawnCache::of(request)));
    samples = std::move(sampled.answers);
  }
  ASSAY_ASSIGN(const Json constraints, constraints_at(request, draft, shares, 1.0, samples));
  ASSAY_ASSIGN(Task task, assemble(request, draft.shape, constraints, intro_text(request, draft.shape), draft.notes()));
  return with_gold(request, std::move(task));
}

Result<RemadeTask> make_task_only(const MakeRequest& request) {
  if (!request.by_difficulty()) return make_by_preset(request);
  ASSAY_ASSIGN(const Level level, read_level(request));
  Misses misses(request);
  ASSAY_ASSIGN(auto made, candidate(request, level, misses));
  if (made) return std::move(*made);
  return make_error(Boundary::kEnvironment, "attempt " + std::to_string(request.attempt) + " gives no task of difficulty " + std::to_string(request.difficulty) + ": " + misses.text(),
                    request.file() + ": " + request.path() + ".levels");
}

Result<Hardness> hardness(const MakeRequest& request, const Certificate& certificate) {
  ASSAY_ASSIGN(const Level level, read_level(request));
  const double interacting = static_cast<double>(certificate.interacting);
  return Hardness{level.interacting.contains(interacting), {-certificate.chance_rate(), interacting}};
}

Result<int64_t> most_calls(const MakeRequest& request) {
  ASSAY_ASSIGN(const Level level, read_level(request));
  return static_cast<int64_t>(level.calls.high) - 1;
}

// Tries candidates until one is in its bands and its certificate is sound; what is kept says which attempt it is.
Result<MadeTask> make_by_search(MakeRequest request) {
  ASSAY_ASSIGN(const Level level, read_level(request));
  std::optional<MadeTask> unsound;
  Misses misses(request);
  for (request.attempt = 0; request.attempt < kMaxCandidates; ++request.attempt) {
    ASSAY_ASSIGN(auto remade, candidate(request, level, misses));
    if (!remade) continue;
    MadeTask made;
    made.task = std::move(remade->task);
    made.candidates = request.attempt + 1;
    ASSAY_ASSIGN(made.certificate, certify(made.task, request));
    if (made.certificate.sound) return made;
    misses.add("unsound", "the certificate is not sound");
    if (!unsound) unsound = std::move(made);
    else if (request.attempt > 8) break;   // the domain, not the draft, is at fault
  }
  if (unsound) return std::move(*unsound);
  return make_error(Boundary::kEnvironment, "no task of difficulty " + std::to_string(request.difficulty) + " was found in " + std::to_string(kMaxCandidates) + " tries: " + misses.text(),
                    request.file() + ": " + request.path() + ".levels", "wider bands, more templates or richer data");
}

Result<MadeTask> make_certified(const MakeRequest& request) {
  if (request.by_difficulty()) return make_by_search(request);
  MadeTask made;
  ASSAY_ASSIGN(RemadeTask remade, make_by_preset(request));
  made.task = std::move(remade.task);
  ASSAY_ASSIGN(made.certificate, certify(made.task, request));
  return made;
}

}  // namespace

Archetype choice_archetype(std::string name, std::string summary, int version) {
  return {std::move(name), std::move(summary), version, compile_choice_part, make_certified, make_task_only, gold, nullptr, Escalation{hardness, most_calls}};
}

}  // namespace assay
