// The archetype operate: what a part of a domain may say, what certificates of its tasks prove, and that they can fail.
#include <functional>

#include "envs/database.h"
#include "envs/episode.h"
#include "synth/certify.h"
#include "synth/factory.h"
#include "synth/operate/gold.h"
#include "tests/synth/fixture.h"
#include "verifiers/state_verifier.h"

namespace assay {
namespace {

using fixture::must;

Json library_source() { return fixture::domain_source("library_loans"); }

struct Library {
  std::unique_ptr<Factory> factory;
  explicit Library(uint64_t seed = 5, std::vector<int> difficulties = {1, 2, 3, 4, 5}) {
    FactoryOptions options;
    options.domain = "library_loans";
    options.archetypes = {"operate"};
    options.seed = seed;
    options.difficulties = std::move(difficulties);
    factory = must(Factory::create(options));
  }

  struct Ready {   // a task, and what is needed to certify it again
    MadeTask made;
    std::shared_ptr<const Environment> environment;
    std::unique_ptr<Toolset> tools;
    AuditRequest audit;
  };
  Ready ready(int64_t index) {
    Ready out{must(factory->make(index)), must(factory->environment(index)), nullptr, {}};
    out.tools = must(Toolset::open(out.environment, must(Database::build(out.environment->tables))));
    out.audit = must(request_of(out.made.task, must(load_domain(out.made.task.provenance.domain)), out.environment, *out.tools));
    return out;
  }
};

Certificate again(const Library::Ready& ready, Task task) {
  seal_task(task);
  return must(certify(task, ready.audit.request));
}

bool says(const Certificate& certificate, const std::string& what) {
  for (const std::string& problem : certificate.problems)
    if (problem.find(what) != std::string::npos) return true;
  return false;
}

std::string problems_of(const Certificate& certificate) {
  std::string out;
  for (const std::string& problem : certificate.problems) out += problem + "\n";
  return out;
}

TEST_CASE("library tasks of every difficulty are sound, lie in their bands, and audit to the same bytes") {
  Library library;
  const operate::Part part = must(operate::read_part(library.factory->domain(), library.factory->domain().archetypes.at("operate"), "f", "$"));
  std::set<std::string> prompts;
  std::map<std::string, int> branches;
  for (int64_t i = 0; i < 60; ++i) {
    const Library::Ready ready = library.ready(i);
    const Certificate& certificate = ready.made.certificate;
    INFO(ready.made.task.prompt << "\n" << problems_of(certificate));
    REQUIRE(certificate.sound);
    CHECK(certificate.calls_high >= certificate.calls_low);
    CHECK(part.levels.at(ready.made.task.difficulty).calls.contains(certificate.calls_high));
    CHECK(certificate.chance_rate() < 0.6);
    prompts.insert(ready.made.task.prompt);
    for (const MutantClaim& mutant : certificate.mutants) {
      CHECK((mutant.outcome == "killed" || (mutant.outcome == "impossible" && mutant.branch == "refuses and acts")));
      ++branches[mutant.branch.substr(0, mutant.branch.find(':'))];
    }
    if (i % 10 == 0) CHECK(again(ready, ready.made.task).id == certificate.id);
  }
  CHECK(prompts.size() == 60);
  for (const char* branch : {"left out", "acts where it must be refused", "refuses what must be done", "refuses for another reason", "refuses and acts", "a change too many"})
    CHECK(branches[branch] > 0);
}

TEST_CASE("every case of every policy decides some request, and every reason is given in some case") {
  int policies = 0;
  for (const std::string& name : domain_names()) {
    const auto domain = must(load_domain(name));
    if (!domain->archetypes.contains("operate")) continue;
    ++policies;
    std::map<std::string, size_t> found;   // case or reason -> requests that it decides
    std::set<std::string> dead;
    for (int64_t number = 0; number == 0 || (number < 8 && !dead.empty()); ++number) {
      const auto world = must(operate::World::open(*domain, domain->archetypes.at("operate"), must(generate_environment(*domain, 1, number)), "f", "$"));
      const operate::Part& part = world->part();
      for (const auto& [code, what] : part.reasons) found["reason " + code] += 0;
      for (size_t r = 0; r < part.requests.size(); ++r)
        for (size_t c = 0; c < part.requests[r].cases.size(); ++c) {
          const operate::Case& decided = part.requests[r].cases[c];
          const size_t requests = world->of_case(r, c).size();
          found[part.requests[r].name + " " + decided.name] += requests;
          if (!decided.refuse.empty()) found["reason " + decided.refuse] += requests;
        }
      dead.clear();
      for (const auto& [what, requests] : found)
        if (requests == 0) dead.insert(what);
    }
    for (const std::string& what : dead) FAIL_CHECK(name << ": " << what << " never occurs");
    CHECK(found.size() >= 20);
  }
  CHECK(policies >= 8);
}

TEST_CASE("the gold passes, doing nothing does not, and submitting is no condition") {
  Library library(9, {3});
  for (int64_t i = 0; i < 10; ++i) {
    const Library::Ready ready = library.ready(i);
    const Task& task = ready.made.task;
    const auto verifier = must(StateVerifier::create(task.goal, ready.environment->tables, "test"));
    const Exploration gold = must(find_archetype("operate").value()->gold(task, ready.audit.request));
    CHECK(gold.calls == ready.made.certificate.calls_high);
    for (const bool submits : {true, false}) {
      REQUIRE(ready.tools->reset().ok());
      Episode episode(task, *ready.tools);
      CHECK_FALSE(verifier->judge(must(episode.outcome())).passed);
      for (const Message& message : gold.transcript)
        if (message.role == Role::kAssistant && (submits || message.tool_calls[0].name != "finish")) must(episode.step(message));
      CHECK(episode.submitted() == submits);
      CHECK(verifier->judge(must(episode.outcome())).passed);
    }
    REQUIRE(ready.tools->reset().ok());
    Episode idle(task, *ready.tools);
    must(idle.call("finish", R"({"summary":"Done."})"));
    CHECK_FALSE(verifier->judge(must(idle.outcome())).passed);
  }
}

// ---- Certificates that must fail ----

TEST_CASE("a task whose goal is not what the policy says is unsound") {
  Library library(11, {2});
  const Library::Ready ready = library.ready(0);
  SECTION("nothing is to be done") {
    Task task = ready.made.task;
    task.goal = Json::object();
    const Certificate certificate = again(ready, task);
    CHECK_FALSE(certificate.trivial_fail);
    CHECK(says(certificate, "doing nothing passes"));
    CHECK(says(certificate, "comes out differently"));
  }
  SECTION("a gold that stands in the prompt") {
    Task task = ready.made.task;
    task.prompt += " " + task.gold;
    const Certificate certificate = again(ready, task);
    CHECK_FALSE(certificate.no_leak);
    CHECK_FALSE(certificate.sound);
  }
}

// The library with something changed, its tasks made and certified.
struct Changed {
  std::shared_ptr<const Domain> domain;
  Certificate certificate;
  std::string error;

  explicit Changed(const std::function<void(Json&)>& change, int difficulty, int64_t index = 0) {
    Json source = library_source();
    change(source);
    auto compiled = compile_domain(source.dump(), "changed.json");
    if (!compiled.ok()) {
      error = compiled.error().text();
      return;
    }
    domain = *compiled;
    MakeRequest request;
    request.domain = domain.get();
    request.archetype = "operate";
    request.environment = must(generate_environment(*domain, 2, 0));
    request.preset = "difficulty";
    request.difficulty = difficulty;
    request.seed = 2;
    request.index = index;
    auto made = find_archetype("operate").value()->make(request);
    if (made.ok()) certificate = made->certificate;
    else error = made.error().text();
  }
};

Json& tool_of(Json& source, const std::string& name) {
  for (Json& tool : source["tools"])
    if (tool["name"] == name) return tool;
  FAIL("no tool " << name);
  return source;
}
Json& request_in(Json& source, const std::string& name) { return source["archetypes"]["operate"]["requests"][name]; }
void only(Json& source, const std::string& name) {
  Json kept = {{name, request_in(source, name)}};
  source["archetypes"]["operate"]["requests"] = kept;
  for (int level = 1; level <= 5; ++level) source["archetypes"]["operate"]["levels"][std::to_string(level)] = Json{{"requests", {1, 1}}};
}

TEST_CASE("faults planted in a domain show in the certificates of its tasks") {
  CHECK(Changed([](Json&) {}, 3).certificate.sound);
  SECTION("a tool that changes less than it says: two things to do come to the same") {
    const Changed faulty([](Json& s) {
      only(s, "cancel_for");
      tool_of(s, "decline_request")["body"]["change"] = {"UPDATE member SET remark = :reason WHERE name = :member AND :request = :request"};
    }, 1);
    CHECK_FALSE(faulty.certificate.sound);
  }
  SECTION("an argument that nobody is shown") {
    const Changed faulty([](Json& s) {
      only(s, "cancel");
      request_in(s, "cancel")["lookups"] = Json::array();
    }, 1);
    CHECK(says(faulty.certificate, "nothing shown before gives away the argument 'reservation' of cancel_reservation"));
    CHECK_FALSE(faulty.certificate.learnable);
  }
  SECTION("an argument that does not matter") {
    const Changed faulty([](Json& s) {
      only(s, "waive");
      for (Json& one : request_in(s, "waive")["cases"])
        if (one.contains("do")) one["do"][0]["arguments"]["note"] = "waived";
      s["archetypes"]["operate"]["levels"]["1"]["refusals"] = {0, 0};
    }, 1);
    CHECK(says(faulty.certificate, "a mutant survives"));
    CHECK(says(faulty.certificate, "another note for waive_fee"));
  }
  SECTION("a gold call that the tools refuse") {
    const Changed faulty([](Json& s) {
      only(s, "cancel");
      tool_of(s, "cancel_reservation")["body"]["require"] = Json::parse(R"([{"sql":"SELECT 1 FROM branch WHERE name = :reservation","else":"never"}])");
    }, 1);
    CHECK(says(faulty.certificate, "is answered with an error"));
    CHECK(says(faulty.certificate, "doing nothing passes"));
  }
  SECTION("ids that are given again make the order matter") {
    const Changed faulty([](Json& s) {
      Json& o = s["archetypes"]["operate"];
      o["requests"] = {{"borrow", request_in(s, "borrow")}};
      o["levels"]["1"] = {{"requests", {2, 2}}, {"refusals", {0, 0}}};
      for (const char* level : {"2", "3", "4", "5"}) o["levels"][level] = Json::object();
      for (Json& table : s["tables"])
        if (table["name"] == "loan") table["columns"][0]["equality"] = "exact";
      tool_of(s, "lend_copy")["body"]["change"] = {"INSERT INTO loan SELECT 'L-' || (5000 + count(*)), :copy, :member, :due, 0 FROM loan"};
    }, 1);
    CHECK(says(faulty.certificate, "in another order are judged differently"));
  }
  SECTION("a policy whose facts are two things at once for one request") {
    const Changed faulty([](Json& s) {
      only(s, "cancel_for");
      request_in(s, "cancel_for")["pick"] = "SELECT r.member AS member, r.title AS title, r.number AS reservation, r.member AS caller, b.name = 'Central' AS together FROM reservation r JOIN branch b";
    }, 1);
    CHECK(faulty.error.find("contradictory policy: one request is two rows") != std::string::npos);
    CHECK(faulty.error.find("library_loans.json: $.archetypes.operate.requests.cancel_for.pick") != std::string::npos);
  }
  SECTION("cases that never occur leave nothing to make") {
    const Changed faulty([](Json& s) {
      only(s, "cancel");
      request_in(s, "cancel")["pick"] = "SELECT r.member AS member, r.title AS title, r.number AS reservation FROM reservation r WHERE r.member = ''";
    }, 1);
    CHECK(faulty.error.find("no task of difficulty 1 was found") != std::string::npos);
  }
}

TEST_CASE("requests that bear on each other are not put into one message") {
  // Two members of one title: a reservation of the one takes the copy away from the other.
  const auto domain = must(load_domain("library_loans"));
  const auto world = must(operate::World::open(*domain, domain->archetypes.at("operate"), must(generate_environment(*domain, 3, 0)), "f", "$"));
  const auto& requests = world->part().requests;
  const auto request = [&](const std::string& name) {
    for (size_t i = 0; i < requests.size(); ++i)
      if (requests[i].name == name) return i;
    FAIL("no request " << name);
    return size_t{0};
  };
  const auto chosen = [&](size_t r, const operate::Candidate& candidate) {
    return operate::Chosen{r, &candidate, "", {}, operate::calls_of(requests[r].cases[candidate.which].calls, candidate.row)};
  };
  const size_t reserve = request("reserve"), renew = request("renew"), cancel = request("cancel");
  int bound = 0, free = 0;
  for (const operate::Candidate& a : world->candidates(reserve))
    for (const operate::Candidate& b : world->candidates(renew)) {
      if (!requests[reserve].cases[a.which].refuse.empty() || !requests[renew].cases[b.which].refuse.empty()) continue;
      const bool same_title = a.row["title"] == b.row["title"];
      const bool independent = must(operate::independent(*world, {chosen(reserve, a), chosen(renew, b)}));
      if (same_title) CHECK_FALSE(independent);
      bound += same_title;
      free += independent;
    }
  CHECK(bound > 0);
  CHECK(free > 0);
  const auto& cancels = world->candidates(cancel);
  CHECK(must(operate::independent(*world, {chosen(cancel, cancels[0]), chosen(cancel, cancels[1])})));
  CHECK_FALSE(must(operate::independent(*world, {chosen(cancel, cancels[0]), chosen(cancel, cancels[0])})));
}

// ---- Parts that are refused ----

TEST_CASE("a part that is wrong is refused with file and path") {
  const auto refused = [](const std::function<void(Json&)>& change) {
    Json source = library_source();
    change(source);
    const auto compiled = compile_domain(source.dump(), "bad.json");
    return compiled.ok() ? std::string("compiled") : compiled.error().text();
  };
  const auto part = [](Json& s) -> Json& { return s["archetypes"]["operate"]; };
  struct Bad {
    std::function<void(Json&)> change;
    std::string where, what;
  };
  const std::vector<Bad> all = {
      {[&](Json& s) { part(s)["policy"] = Json::array(); }, "$.archetypes.operate.policy", "at least one rule"},
      {[&](Json& s) { part(s)["rules"] = 1; }, "$.archetypes.operate", "rules"},
      {[&](Json& s) { part(s)["refuse"]["tool"] = "get_member"; }, "$.archetypes.operate.refuse.tool", "expected a tool that writes"},
      {[&](Json& s) { part(s)["refuse"]["reason"] = "because"; }, "$.archetypes.operate.refuse.reason", "string parameter"},
      {[&](Json& s) { part(s)["refuse"]["reasons"]["rude"] = "x"; }, "$.archetypes.operate.refuse.reasons.rude", "does not take it"},
      {[&](Json& s) { request_in(s, "cancel")["say"] = Json::array(); }, "$.archetypes.operate.requests.cancel.say", "at least one way"},
      {[&](Json& s) { request_in(s, "cancel")["say"][0] = "{member"; }, "requests.cancel.say[0]", "a brace without its partner"},
      {[&](Json& s) { request_in(s, "cancel")["say"][0] = "{membre}"; }, "requests.cancel.say[0]", "unknown column 'membre'"},
      {[&](Json& s) { request_in(s, "waive")["say"][1] = "{member} {late}"; }, "requests.waive.say[1]", "give the decision away"},
      {[&](Json& s) { request_in(s, "cancel")["pick"] = "DELETE FROM reservation"; }, "requests.cancel.pick", "anything but SELECT"},
      {[&](Json& s) { request_in(s, "cancel")["pick"] = "SELECT member, title, number AS reservation FROM reservation WHERE member = :who"; }, "requests.cancel.pick", "without parameters"},
      {[&](Json& s) { request_in(s, "cancel")["pick"] = "SELECT member, member FROM reservation"; }, "requests.cancel.pick", "two columns"},
      {[&](Json& s) { request_in(s, "cancel")["lookups"][0]["tool"] = "cancel_reservation"; }, "requests.cancel.lookups[0].tool", "no tool that reads"},
      {[&](Json& s) { request_in(s, "cancel")["cases"][0]["do"][0]["tool"] = "get_member"; }, "requests.cancel.cases[0].do[0].tool", "no tool that writes"},
      {[&](Json& s) { request_in(s, "cancel")["cases"][0]["do"][0]["tool"] = "decline_request"; }, "requests.cancel.cases[0].do[0]", "written as \"refuse\""},
      {[&](Json& s) { request_in(s, "cancel")["cases"][0]["do"][0]["arguments"] = Json::object(); }, "requests.cancel.cases[0].do[0]", "the argument 'reservation'"},
      {[&](Json& s) { request_in(s, "cancel")["cases"][0]["do"][0]["arguments"]["reason"] = 1; }, "requests.cancel.cases[0].do[0]", "unknown argument 'reason'"},
      {[&](Json& s) { request_in(s, "cancel")["cases"][0]["refuse"] = "blocked"; }, "requests.cancel.cases[0]", "either does something or refuses"},
      {[&](Json& s) { request_in(s, "cancel")["cases"][0] = Json{{"refuse", "bloked"}}; }, "requests.cancel.cases[0].refuse", "unknown reason 'bloked'"},
      {[&](Json& s) { request_in(s, "cancel_for")["cases"][0]["if"]["togehter"] = true; }, "requests.cancel_for.cases[0].if", "unknown column 'togehter'"},
      {[&](Json& s) { request_in(s, "cancel_for")["cases"][1]["if"] = Json::object(); }, "requests.cancel_for.cases[1]", "contradictory policy: this case and cases[0] can hold at once"},
      {[&](Json& s) { request_in(s, "waive")["cases"][4]["if"].erase("standard"); }, "requests.waive.cases[5]", "contradictory policy: this case and cases[4]"},
      {[&](Json& s) { request_in(s, "waive")["computed"] = {"late"}; }, "requests.waive.computed", "is a fact"},
      {[&](Json& s) { part(s)["levels"].erase("3"); }, "$.archetypes.operate.levels", "level 3 is missing"},
      {[&](Json& s) { part(s)["levels"]["3"]["requests"] = {3, 2}; }, "levels.3.requests", "[least, most]"},
      {[&](Json& s) { part(s)["levels"]["3"]["choose"] = {"borow"}; }, "levels.3.choose", "unknown request 'borow'"},
      {[&](Json& s) { tool_of(s, "set_plan")["body"]["change"] = {"UPDATE member SET plan = :plan; DELETE FROM loan"}; }, "set_plan", "second statement"},
      {[&](Json& s) { tool_of(s, "set_plan")["body"]["change"] = {"UPDATE title SET audience = :plan WHERE name = :member"}; }, "set_plan", "the table 'title' for writing"},
      {[&](Json& s) { s["tables"][0]["columns"][0]["equality"] = "same"; }, "$.tables[0].columns[0]", "unknown equality"},
  };
  CHECK(refused([](Json&) {}) == "compiled");
  for (const Bad& bad : all) {
    const std::string text = refused(bad.change);
    INFO(text << "\nexpected: " << bad.where << ": … " << bad.what);
    CHECK(text.find("bad.json: ") == 0);
    CHECK(text.find(bad.where) != std::string::npos);
    CHECK(text.find(bad.what) != std::string::npos);
  }
}

TEST_CASE("texts are filled in once, with a value's own type where it stands alone") {
  const Json row = {{"a", "x{b}"}, {"b", 2}, {"c", 1.5}};
  CHECK(operate::fill(std::string("{a} and {b}{c}"), row) == "x{b} and 21.5");
  CHECK(operate::fill(Json::parse(R"({"p":"{b}","q":["{c}","{a}!"],"r":true})"), row) == Json::parse(R"({"p":2,"q":[1.5,"x{b}!"],"r":true})"));
}

}  // namespace
}  // namespace assay
