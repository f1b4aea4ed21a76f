// Tasks of the archetype query: made, certified, made again, and refused where something is wrong.
#include "synth/archetype.h"

#include <algorithm>

#include "envs/database.h"
#include "envs/episode.h"
#include "synth/certify.h"
#include "synth/query/options.h"
#include "tests/synth/fixture.h"
#include "verifiers/value_verifier.h"

using namespace assay;
using fixture::must;

namespace {

// Changes what tools say of one column, or leaves the last record out.
class Liar final : public Tools {
 public:
  Liar(Tools& tools, std::function<std::string(std::string_view tool, std::string text)> lie) : tools_(tools), lie_(std::move(lie)) {}
  const std::vector<ToolSpec>& specs() const override { return tools_.specs(); }
  Result<Observation> call(std::string_view tool, std::string_view arguments) override {
    ASSAY_ASSIGN(Observation out, tools_.call(tool, arguments));
    out.text = lie_(tool, std::move(out.text));
    return out;
  }

 private:
  Tools& tools_;
  std::function<std::string(std::string_view, std::string)> lie_;
};

class Anything final : public Verifier {
 public:
  Verdict judge(const Outcome&) const override {
    Verdict out;
    out.passed = true;
    return out;
  }
};

struct World {
  explicit World(std::shared_ptr<const Domain> of) : domain(std::move(of)), environment(must(generate_environment(*domain, 3, 0))) {
    tools = must(Toolset::open(environment, must(Database::build(environment->tables))));
    report = must(check_environment(environment, 2));
  }

  MakeRequest request(int64_t index, int difficulty) {
    MakeRequest out;
    out.domain = domain.get();
    out.archetype = "query";
    out.environment = environment;
    out.tools = tools.get();
    out.report = report;
    out.preset = "difficulty";
    out.difficulty = difficulty;
    out.seed = 3;
    out.index = index;
    return out;
  }

  std::shared_ptr<const Domain> domain;
  std::shared_ptr<const Environment> environment;
  std::unique_ptr<Toolset> tools;
  std::shared_ptr<const EnvironmentReport> report;
};

World& travel() {
  static World world(must(load_domain("travel")));
  return world;
}

const Archetype& query_archetype() { return *must(find_archetype("query")); }

MakeRequest kept(const MakeRequest& request, const Task& task) {
  MakeRequest out = request;
  out.attempt = task.provenance.attempt;
  return out;
}

bool complains(const Certificate& certificate, const std::string& of) {
  return std::any_of(certificate.problems.begin(), certificate.problems.end(), [&](const std::string& p) { return p.find(of) != std::string::npos; });
}

// What compiling travel says with this part.
std::string refused(const Json& part) {
  Json source = fixture::travel_source();
  source["archetypes"]["query"] = part;
  const auto domain = compile_domain(source.dump(), "mine.json");
  return domain.ok() ? "" : domain.error().text();
}

}  // namespace

TEST_CASE("questions of every difficulty are made, certified, and made again to the byte") {
  World& world = travel();
  const auto options = must(query::read_options(*world.domain, world.domain->archetypes.at("query"), "travel.json", "$"));
  for (int64_t index = 0; index < 50; ++index) {
    const int difficulty = static_cast<int>(index % 5) + 1;
    const MakeRequest request = world.request(index, difficulty);
    const MadeTask made = must(query_archetype().make(request));
    const Certificate& c = made.certificate;
    INFO(made.task.prompt << " " << (c.problems.empty() ? "" : c.problems[0]));
    CHECK(c.sound);
    const query::Level& level = options.levels.at(difficulty);
    CHECK((c.measures.at("hops") >= level.hops_low && c.measures.at("hops") <= level.hops_high));
    CHECK((c.measures.at("operators") >= level.operators_low && c.measures.at("operators") <= level.operators_high));
    CHECK((c.calls_low >= level.calls_low && c.calls_low <= c.calls_high && c.calls_high <= level.calls_high));
    CHECK(c.redundant.empty());
    CHECK(std::any_of(c.mutants.begin(), c.mutants.end(), [](const MutantClaim& m) { return m.branch == "dropped" || m.branch == "other end"; }));
    CHECK(std::all_of(c.mutants.begin(), c.mutants.end(), [](const MutantClaim& m) { return m.outcome == "killed"; }));
    CHECK(must(task_from_json(to_json(made.task), "test")).id == made.task.id);
    CHECK(must(certificate_from_json(to_json(c), "test")).id == c.id);
    CHECK(must(query_archetype().make_task_only(kept(request, made.task))).task.id == made.task.id);
    CHECK(must(certify(made.task, kept(request, made.task))).id == c.id);
  }
}

TEST_CASE("the gold trajectory is played through the tools and passes") {
  World& world = travel();
  for (int64_t index = 0; index < 10; ++index) {
    const MakeRequest request = world.request(index, static_cast<int>(index % 5) + 1);
    const MadeTask made = must(query_archetype().make(request));
    const Exploration gold = must(query_archetype().gold(made.task, kept(request, made.task)));
    Episode episode(made.task, *world.tools);
    for (const Message& message : gold.transcript)
      if (message.role == Role::kAssistant) must(episode.step(message));
    CHECK(episode.submitted());
    CHECK(episode.calls() == made.certificate.calls_high);
    CHECK(must(ValueVerifier::create(made.task.expected, "test"))->judge(episode.answer()).passed);
  }
}

TEST_CASE("tools that lie, fall short or refuse are noticed") {
  World& world = travel();
  int64_t disagree = 0, unfound = 0;
  for (int64_t index = 0; index < 10; ++index) {
    MakeRequest request = world.request(index, static_cast<int>(index % 5) + 1);
    const MadeTask made = must(query_archetype().make(request));
    request = kept(request, made.task);
    Liar short_lists(*world.tools, [](std::string_view tool, std::string text) {
      if (tool.find("get_all") == std::string_view::npos) return text;
      Json list = Json::parse(text);
      while (list.size() > 1) list.erase(list.size() - 1);
      return list.dump();
    });
    request.tools = &short_lists;
    disagree += !must(certify(made.task, request)).sound;
    Liar nothing(*world.tools, [](std::string_view, std::string) { return std::string("{}"); });
    request.tools = &nothing;
    const Certificate certificate = must(certify(made.task, request));
    unfound += complains(certificate, "the gold cannot be found through the tools");
    CHECK_FALSE(certificate.learnable);
  }
  CHECK(disagree >= 8);   // a question about one connection needs no list
  CHECK(unfound == 10);
}

TEST_CASE("a verifier that takes anything lets every wrong plan survive, and the certificate says so") {
  World& world = travel();
  const MakeRequest request = world.request(1, 3);
  const MadeTask made = must(query_archetype().make(request));
  Certificate certificate;
  REQUIRE(query_archetype().prove_value(made.task, kept(request, made.task), Anything(), certificate).ok());
  CHECK(certificate.mutants.size() >= 3);
  CHECK(std::all_of(certificate.mutants.begin(), certificate.mutants.end(), [](const MutantClaim& m) { return m.outcome == "survived"; }));
  CHECK(complains(certificate, "a mutant survives"));
}

TEST_CASE("a changed answer or prompt is noticed") {
  World& world = travel();
  const MakeRequest request = world.request(2, 2);
  const Task task = must(query_archetype().make(request)).task;
  Task other = task;
  other.expected = Json{{"type", "integer"}, {"value", "987654321"}};
  seal_task(other);
  CHECK(complains(must(certify(other, kept(request, task))), "comes out differently"));
}

TEST_CASE("a part of a domain that is wrong is refused with file and path") {
  CHECK(refused(Json::object()).empty());
  CHECK(refused({{"avoid", {"city.population"}}}).find("mine.json: $.archetypes.query.avoid[0]: unknown column 'population'") == 0);
  CHECK(refused({{"avoid", {"town.name"}}}).find("mine.json: $.archetypes.query.avoid[0]: unknown table 'town'") == 0);
  CHECK(refused({{"avoid", {"city"}}}).find("expected \"table.column\"") != std::string::npos);
  CHECK(refused({{"phrases", {{"hotel.city", "in"}}}}).find("mine.json: $.archetypes.query.phrases.hotel.city: expected a phrase with {} once") == 0);
  CHECK(refused({{"phrases", {{"hotel.city", "{} {}"}}}}).find("with {} once") != std::string::npos);
  CHECK(refused({{"levels", {{"6", Json::object()}}}}).find("mine.json: $.archetypes.query.levels: unknown level '6'") == 0);
  CHECK(refused({{"levels", {{"2", {{"hops", {3, 1}}}}}}}).find("$.archetypes.query.levels.2.hops: expected [least, most]") != std::string::npos);
  CHECK(refused({{"levels", {{"2", {{"jumps", {3, 1}}}}}}}).find("jumps") != std::string::npos);
  CHECK(refused({{"level", 1}}).find("level") != std::string::npos);
  Json source = fixture::travel_source();
  source["tools"] = Json::array({{{"name", "get_hotels"}, {"description", "Lists hotels."}, {"body", {{"sql", "SELECT name FROM hotel ORDER BY name, city"}, {"returns", "values"}}},
                                  {"parameters", {{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}, {"additionalProperties", false}}}}});
  const auto silent = compile_domain(source.dump(), "mine.json");
  REQUIRE_FALSE(silent.ok());
  CHECK(silent.error().text().find("mine.json: $.archetypes.query: no tool reveals all rows") == 0);
}

TEST_CASE("a difficulty that the domain cannot give ends in a named reason") {
  Json source = fixture::travel_source();
  source["archetypes"]["query"]["levels"] = {{"1", {{"hops", {9, 9}}}}};
  World world(must(compile_domain(source.dump(), "mine.json")));
  const auto made = query_archetype().make(world.request(0, 1));
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().text().find("no question of difficulty 1 was found") != std::string::npos);
  CHECK_FALSE(query_archetype().make(world.request(0, 6)).ok());
}
