// query: questions of several steps over the tables of any domain, with one answer. A question is drawn (synth/query/draw.h) until one is
// of the size asked for, has one answer that is neither trivial nor easily guessed, and needs every one of its steps.
#include "synth/archetype.h"

#include <algorithm>
#include <cmath>

#include "synth/certify.h"
#include "synth/query/bounds.h"
#include "synth/query/draw.h"
#include "synth/query/words.h"
#include "synth/variant.h"
#include "verifiers/value_verifier.h"

namespace assay::archetypes::query {
namespace {

using namespace assay::query;

constexpr int kVersion = 2;
constexpr int64_t kMostAttempts = 2400;
constexpr int64_t kMostUnsound = 8;
constexpr double kMostChance = 0.15;

std::string system_prompt() {
  return "You answer questions with the tools you are given. Find out what you need by calling tools; do not guess facts. Names are matched "
         "exactly. You may call several tools in one message. When you are sure, submit your answer with the submission tool.";
}

struct Drawn {
  Question question;
  Evaluated answer;
  int64_t least_calls = 0;
  Words words;
};

bool same_answer(const Question& question, const Value& left, const Value& right) {
  if (left == right) return true;
  if (left.is_text || right.is_text || left.denominator * right.denominator == 1) return false;
  // Two averages that one tolerance covers, or nearly so, are one answer.
  return std::fabs(left.number() - right.number()) <= 2 * expected_of(question, left).value("absolute", 0.0);
}

// What anybody would try first.
bool is_trivial(const Question& question, const Value& value) {
  if (value.is_text) return value.texts.empty() || (question.ask == Question::Ask::kNames && value.texts.size() < 2);
  return std::fabs(value.number()) <= 1 && value.number() == std::round(value.number());
}

// Names are judged as texts, so each must stand for one entity.
bool names_are_unique(const Question& question, const Evaluated& answer, const Tables& tables) {
  if (question.ask != Question::Ask::kName && question.ask != Question::Ask::kNames) return true;
  return std::all_of(answer.value.texts.begin(), answer.value.texts.end(), [&](const std::string& name) {
    return tables.rows_named(question.of->table, tables.texts.find(name)).size() == 1;
  });
}

bool every_step_matters(const Question& question, const Value& value, TableSource& source) {
  for (const Variation& variation : variations(question, source.tables())) {
    if (!variation.dropped()) continue;
    const auto other = evaluate(variation.question, source);
    if (!other.ok() || (!other->empty && same_answer(question, other->value, value))) return false;
  }
  return true;
}

bool within(int64_t value, int64_t low, int64_t high) { return value >= low && value <= high; }

// What all questions over one environment are made from; used by one thread.
struct Workshop {
  std::string domain_hash;
  std::shared_ptr<const Environment> environment, drawn_over;   // which the rest refers to
  QueryOptions options;
  std::vector<ToolSpec> tools;   // before variants
  std::optional<Drawable> drawable;
  std::optional<TableSource> source;

  const Level& level(const MakeRequest& request) const { return options.levels.at(request.difficulty); }
};

std::optional<Drawn> draw(const MakeRequest& request, Workshop& workshop) {
  const Level& level = workshop.level(request);
  TableSource& source = *workshop.source;
  const auto lost = [&](const char* code) {
    request.lose(code);
    return std::optional<Drawn>();
  };
  Rng rng(request.seed, stream_of("query/" + std::to_string(request.difficulty)), request.draw(kMostAttempts));
  const auto* basis = request.step ? static_cast<const Question*>(request.step->basis.get()) : nullptr;
  auto question = basis ? extend_question(*basis, *workshop.drawable, source, level, rng) : draw_question(*workshop.drawable, source, level, rng);
  if (!question) return lost("draw_leads_nowhere");
  const Tables& tables = source.tables();
  const Size size = size_of(*question, tables);
  if (!within(size.hops, level.hops_low, level.hops_high) || !within(size.operators, level.operators_low, level.operators_high)) return lost("size_outside_band");
  std::vector<Need> needs;
  auto answer = evaluate(*question, source, &needs);
  if (!answer.ok() || answer->empty || answer->tie) return lost("no_single_answer");
  if (is_trivial(*question, answer->value)) return lost("trivial_answer");
  if (!names_are_unique(*question, *answer, tables)) return lost("ambiguous_name");
  if (guess_rate(*question, *answer, source).rate() > kMostChance) return lost("easily_guessed");
  if (static_cast<int64_t>(needs.size()) > level.calls_high * 4) return lost("calls_outside_band");   // hopeless: one call seldom meets many
  Drawn out{std::move(*question), std::move(*answer), least_calls(needs, tables, workshop.tools), {}};
  if (!within(out.least_calls, level.calls_low, level.calls_high)) return lost("calls_outside_band");
  if (!every_step_matters(out.question, out.answer.value, source)) return lost("step_without_effect");
  out.words = say(out.question, out.answer.value, tables, workshop.options, rng);
  for (const std::string& text : out.answer.value.texts)
    if (out.words.question.find(text) != std::string::npos) return lost("question_names_answer");
  return out;
}

// The one kept in `request.kept`, or a new one, which is kept there.
Result<std::shared_ptr<Workshop>> workshop_of(const MakeRequest& request) {
  if (!request.domain) return input_error("its domain is not at hand", "archetype query");
  if (!request.by_difficulty()) return unknown_name("preset", request.preset, {"difficulty"}, "domain " + request.domain->name);
  if (request.difficulty < 1 || request.difficulty > 5) return input_error("difficulties are 1 to 5", "--difficulty");
  const auto& drawn_over = request.step ? request.step->whole : request.environment;
  if (request.kept && *request.kept) {
    auto kept = std::static_pointer_cast<Workshop>(*request.kept);
    if (kept->domain_hash == request.domain->hash && kept->environment->id == request.environment->id && kept->drawn_over->id == drawn_over->id) return kept;
  }
  auto out = std::make_shared<Workshop>();
  out->domain_hash = request.domain->hash;
  out->environment = request.environment;
  out->drawn_over = drawn_over;
  ASSAY_ASSIGN(out->options, read_options(*request.domain, request.part(), request.file(), request.path()));
  out->tools = request.plain ? request.plain->specs() : plain_tools(request.environment->tools);
  std::shared_ptr<const EnvironmentReport> report = request.step ? request.step->report : request.report;
  if (!report) {
    ASSAY_ASSIGN(report, check_environment(request.environment));
  }
  out->drawable.emplace(*out->drawn_over, *report, out->options);
  out->source.emplace(out->environment->tables);
  if (request.kept) *request.kept = out;
  return out;
}

Result<Drawn> drawn_before(const MakeRequest& request, Workshop& workshop) {
  auto drawn = draw(request, workshop);
  if (drawn) return std::move(*drawn);
  return make_error(Boundary::kEnvironment, "attempt " + std::to_string(request.attempt) + " gives no task of difficulty " + std::to_string(request.difficulty),
                    request.file() + ": " + request.path() + ".levels");
}

Task assemble(const MakeRequest& request, const Drawn& drawn) {
  Task task;
  task.environment = request.environment->id;
  task.archetype = request.archetype;
  task.difficulty = request.difficulty;
  task.system = system_prompt();
  task.prompt = drawn.words.question + "\n\n" + drawn.words.form;
  if (drawn.answer.missing) task.prompt += " What has no value for something that is asked about does not count.";
  for (const ToolSpec& tool : request.environment->tools)
    if (tool.effect == ToolEffect::kSubmit) task.prompt += " Hand in this JSON text, with no code fence or words around it, by calling " + tool.name + " once; the call ends the task.";
  task.constraints = Json::array();
  task.expected = expected_of(drawn.question, drawn.answer.value);
  task.gold = value_text(task.expected);
  task.provenance = request.provenance();
  task.limits = limits_over(request.environment->tools);
  seal_task(task);
  return task;
}

Result<RemadeTask> make_task_only(const MakeRequest& request) {
  ASSAY_ASSIGN(const auto workshop, workshop_of(request));
  ASSAY_ASSIGN(const Drawn drawn, drawn_before(request, *workshop));
  return RemadeTask{assemble(request, drawn), {}, 0, 0, std::make_shared<const Question>(drawn.question)};
}

Result<MadeTask> make_certified(MakeRequest request) {
  ASSAY_ASSIGN(const auto workshop, workshop_of(request));
  std::optional<MadeTask> unsound;
  int64_t unsound_count = 0;
  for (request.attempt = 0; request.attempt < kMostAttempts && unsound_count < kMostUnsound; ++request.attempt) {
    const auto drawn = draw(request, *workshop);
    if (!drawn) continue;
    MadeTask made;
    made.task = assemble(request, *drawn);
    made.candidates = request.attempt + 1;
    ASSAY_ASSIGN(made.certificate, certify(made.task, request));
    const bool in_band = plain_calls_of(made.certificate) <= workshop->level(request).calls_high;
    if (made.certificate.sound && in_band) return made;
    request.lose(made.certificate.sound ? "calls_outside_band" : "unsound");
    if (made.certificate.sound || ++unsound_count > 1) continue;
    unsound = std::move(made);
  }
  if (unsound && unsound_count >= kMostUnsound) return std::move(*unsound);   // the domain, not the draw, is at fault
  return make_error(Boundary::kEnvironment, "no question of difficulty " + std::to_string(request.difficulty) + " was found in " + std::to_string(kMostAttempts) + " tries",
                    request.file() + ": " + request.path() + ".levels", "wider bands, tools that reveal more, or richer data");
}

Result<Exploration> answer_by_tools(const Task& task, const Question& question, const MakeRequest& request) {
  std::vector<TableSpec> schema;
  for (const Table& table : request.environment->tables.tables) schema.push_back(table.spec);
  std::optional<PlainTools> own;
  PlainTools& plain = request.plain ? *request.plain : own.emplace(*request.tools);
  ASSAY_TRY(plain.reset());
  ToolSource source(task, schema, plain);
  ASSAY_ASSIGN(const Evaluated found, evaluate(question, source));
  if (found.empty) return make_error(Boundary::kTool, "what the tools tell gives no answer", "task " + task.id);
  ASSAY_ASSIGN(Exploration exploration, source.submit(value_text(expected_of(question, found.value))));
  exploration = as_played(std::move(exploration), plain);
  if (plain.changed()) ASSAY_TRY(play_again(task, exploration.transcript, *request.tools));
  return exploration;
}

Result<Exploration> gold(const Task& task, const MakeRequest& request) {
  ASSAY_ASSIGN(const auto workshop, workshop_of(request));
  ASSAY_ASSIGN(const Drawn drawn, drawn_before(request, *workshop));
  return answer_by_tools(task, drawn.question, request);
}

// See Archetype::prove_value.
Status prove(const Task& task, const MakeRequest& request, const Verifier& verifier, Certificate& certificate) {
  const auto problem = [&](std::string what) { certificate.problems.push_back(std::move(what)); };
  ASSAY_ASSIGN(const auto workshop, workshop_of(request));
  ASSAY_ASSIGN(const Drawn drawn, drawn_before(request, *workshop));
  const Tables& tables = request.environment->tables;
  const Size size = size_of(drawn.question, tables);
  certificate.measures = {{"hops", size.hops}, {"operators", size.operators}};

  const auto gold = answer_by_tools(task, drawn.question, request);
  if (!gold.ok() && gold.error().boundary != Boundary::kTool && gold.error().boundary != Boundary::kLimit) return gold.error();
  certificate.gold_passes = gold.ok() && verifier.judge({gold->answer}).passed && verifier.judge({task.gold}).passed;
  if (!gold.ok()) problem("the gold cannot be found through the tools: " + gold.error().text());
  else if (!certificate.gold_passes) problem("the tools lead to another answer than the tables: " + gold->answer.substr(0, 200));
  certificate.calls_low = drawn.least_calls;
  certificate.calls_high = gold.ok() ? gold->calls : 0;
  if (gold.ok() && gold->plain_calls != gold->calls) certificate.measures["plain_calls"] = gold->plain_calls;   // what bands count
  if (gold.ok() && certificate.calls_low > certificate.calls_high) problem("the bounds on calls cross");

  for (const Variation& variation : variations(drawn.question, tables)) {
    ASSAY_ASSIGN(const Evaluated other, evaluate(variation.question, *workshop->source));
    if (other.empty) continue;   // then there is no answer to reject
    if (same_answer(drawn.question, other.value, drawn.answer.value)) {
      if (!variation.dropped()) continue;
      certificate.redundant.push_back(variation.column);
      problem("the step " + variation.column + " is not load-bearing");
      continue;
    }
    const std::string answer = value_text(expected_of(variation.question, other.value));
    const bool survived = verifier.judge({answer}).passed;
    certificate.mutants.push_back({variation.column, variation.change, survived ? "survived" : "killed", answer});
    if (survived) problem("a mutant survives: " + variation.column + ", " + variation.change);
  }

  const ChanceRate chance = guess_rate(drawn.question, drawn.answer, *workshop->source);
  certificate.chance_hits = chance.hits;
  certificate.chance_tries = chance.tries;
  if (chance.rate() > kMostChance) problem("the answer is guessed too often");
  auto report = request.report;
  if (!report) {
    ASSAY_ASSIGN(report, check_environment(request.environment));
  }
  for (const std::string& what : report->problems) problem(what);
  for (const std::string& text : drawn.answer.value.texts)
    if (task.prompt.find(text) != std::string::npos) problem("the prompt names \"" + text + "\", which is part of the answer");
  certificate.learnable = gold.ok() && report->problems.empty();
  return {};
}

Result<int64_t> most_calls(const MakeRequest& request) {
  ASSAY_ASSIGN(const QueryOptions options, read_options(*request.domain, request.part(), request.file(), request.path()));
  return options.levels.at(request.difficulty).calls_high;
}

Result<Hardness> hardness(const MakeRequest& request, const Certificate& certificate) {
  ASSAY_ASSIGN(const int64_t most, most_calls(request));
  Hardness out{plain_calls_of(certificate) <= most, {}};
  for (const char* measure : {"hops", "operators"}) {
    const auto found = certificate.measures.find(measure);
    out.scale.push_back(found == certificate.measures.end() ? 0 : static_cast<double>(found->second));
  }
  return out;
}

Status compile(const Domain& domain, Json& part, const std::string& file, const std::string& path) {
  ASSAY_TRY(read_options(domain, part, file, path));
  return {};
}

}  // namespace

Archetype make() { return {"query", "questions of several steps with one answer, over the tables of any domain", kVersion, compile, make_certified, make_task_only, gold, prove, Escalation{hardness, most_calls}}; }

}  // namespace assay::archetypes::query
