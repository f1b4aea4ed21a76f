// Every category of attack catches a verifier that is weak where it looks, and none catches one that is not.
#include "verifiers/attack.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "envs/database.h"
#include "verifiers/constraint_verifier.h"
#include "verifiers/right_answer.h"
#include "verifiers/value_verifier.h"

using namespace assay;

namespace {

// Hotels of two cities, and a tool that tells about one.
std::shared_ptr<const Environment> world() {
  static const std::shared_ptr<const Environment> environment = [] {
    const Json json = Json::parse(R"({"format":"assay-environment/1","domain":"test","notes":[],
      "tables":[
        {"name":"city","label":"city","plural":"cities","key":["name"],"columns":[{"name":"name"}]},
        {"name":"hotel","label":"hotel","plural":"hotels","key":["name","city"],"columns":[{"name":"name"},
          {"name":"city","type":"reference","references":"city"},{"name":"price","type":"integer"}]}],
      "rows":{"city":[["Hangzhou"],["Suzhou"],["Ningbo"],["Wuxi"]],
        "hotel":[["Garden Hotel","Hangzhou",300],["Old Mill Inn","Suzhou",200],["Grand Café 10","Ningbo",120],["Garden Hotel","Wuxi",90]]},
      "tools":[{"name":"get_hotels","description":"Hotels of a city.","kind":"sql","effect":"read",
        "parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false},
        "body":{"sql":"SELECT name FROM hotel WHERE city = :city ORDER BY name","returns":"values"}}]})");
    auto made = environment_from_json(json, "test");
    if (!made.ok()) FAIL(made.error().text());
    return *made;
  }();
  return environment;
}

// Two days in different cities, with a hotel there each.
Task trip() {
  Task task;
  task.environment = world()->id;
  task.archetype = "select";
  task.prompt = "Plan a trip of two days to different cities, as in [{\"day\":\"1\",\"city\":\"…\",\"hotel\":\"…\"}].";
  task.answer.groups = 2;
  AnswerField day, city, hotel;
  day.name = day.label = day.plural = "day";
  day.literals = {"1", "2"};
  city.name = city.label = city.table = "city";
  city.plural = "cities";
  hotel.name = hotel.label = hotel.table = "hotel";
  hotel.plural = "hotels";
  hotel.scope = "city";
  task.answer.fields = {day, city, hotel};
  task.constraints = Json::parse(R"([{"op":"all_different","slots":{"fields":["city"]}},
    {"op":"belongs","slots":{"fields":["hotel"]},"get":"city","field":"city"}])");
  task.gold = R"([{"day":"1","city":"Hangzhou","hotel":"Garden Hotel"},{"day":"2","city":"Ningbo","hotel":"Grand Café 10"}])";
  seal_task(task);
  return task;
}

Task question(const std::string& expected, const std::string& prompt = "What is it?") {
  Task task;
  task.environment = world()->id;
  task.archetype = "query";
  task.prompt = prompt;
  task.expected = Json::parse(expected);
  task.gold = value_text(task.expected);
  seal_task(task);
  return task;
}

const char* const kRecord = R"({"type":"object","fields":{"city":{"type":"text","value":"Ningbo"},"hotel":{"type":"text","value":"Grand Café 10"},
  "price":{"type":"integer","value":"120"},"mean":{"type":"number","value":2.25,"absolute":0.01,"why":"rounded"},
  "cities":{"type":"list","ordered":true,"items":[{"type":"text","value":"Suzhou"},{"type":"text","value":"Hangzhou"}]}}})";

std::unique_ptr<Verifier> sound(const Task& task) {
  auto made = make_verifier(task, world());
  if (!made.ok()) FAIL(made.error().text());
  return std::move(*made);
}

// Passes what a sound one does, and what `weakness` lets through.
class Weak final : public Verifier {
 public:
  using Weakness = std::function<bool(const Verifier& sound, const Task& task, const std::string& answer)>;
  Weak(const Task& task, Weakness weakness) : task_(task), sound_(sound(task)), weakness_(std::move(weakness)) {}
  Verdict judge(const Outcome& outcome) const override {
    Verdict verdict;
    verdict.passed = sound_->judge(outcome).passed || weakness_(*sound_, task_, outcome.answer);
    verdict.reward = verdict.passed;
    return verdict;
  }

 private:
  const Task& task_;
  std::unique_ptr<Verifier> sound_;
  Weakness weakness_;
};

const std::vector<std::string> kOtherGolds = {
    R"([{"day":"1","city":"Suzhou","hotel":"Old Mill Inn"},{"day":"2","city":"Suzhou","hotel":"Old Mill Inn"}])", "\"Wuxi\"", "77"};

AttackReport attacked(const Task& task, const Verifier& verifier) {
  auto report = attack_task({task, *world(), verifier, kOtherGolds});
  if (!report.ok()) FAIL(report.error().text());
  return *report;
}

// ---- What careless verifiers do ----

bool passes(const Verifier& verifier, const std::string& answer) { return verifier.judge({answer, {}}).passed; }

std::string small_letters(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string without(std::string text, std::string_view part) {
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part)) text.erase(at, part.size());
  return text;
}

// A member that is a text, else nothing.
std::string text_at(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object.at(key).is_string() ? object.at(key).get<std::string>() : "";
}

bool both_days(const std::string& answer, const std::function<bool(const Json&)>& good) {
  const Json given = Json::parse(answer, nullptr, false);
  return given.is_array() && given.size() == 2 && std::all_of(given.begin(), given.end(), good);
}

// Every text of the answer equals the gold's by `same`.
bool alike(const Json& gold, const Json& answer, const std::function<bool(const std::string&, const std::string&)>& same) {
  if (gold.is_string() && answer.is_string()) return same(gold, answer);
  if (!gold.is_structured() || gold.type() != answer.type() || gold.size() != answer.size()) return gold == answer;
  if (gold.is_array()) return std::equal(gold.begin(), gold.end(), answer.begin(), [&](const Json& a, const Json& b) { return alike(a, b, same); });
  return std::all_of(gold.items().begin(), gold.items().end(),
                     [&](const auto& item) { return answer.contains(item.key()) && alike(item.value(), answer.at(item.key()), same); });
}

Weak::Weakness texts_alike(std::function<bool(const std::string&, const std::string&)> same) {
  return [same](const Verifier&, const Task& task, const std::string& answer) {
    const Json given = Json::parse(answer, nullptr, false);   // keeps the last of two keys, as careless readers do
    return !given.is_discarded() && alike(Json::parse(task.gold), given, same);
  };
}

size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

Json sorted(Json value) {
  if (value.is_structured())
    for (Json& below : value) below = sorted(below);
  if (value.is_array()) std::sort(value.begin(), value.end());
  return value;
}

Json::object_t only_known(const Json& gold, const Json& answer) {
  Json::object_t out;
  for (const auto& [key, value] : answer.items())
    if (gold.contains(key)) out[key] = value;
  return out;
}

// Whether all that is there is as in the gold, and nothing need be there.
bool part_of(const Json& gold, const Json& answer) {
  if (answer.is_null() || answer == gold) return true;
  if (answer.is_object() && gold.is_object())
    return std::all_of(answer.items().begin(), answer.items().end(),
                       [&](const auto& item) { return gold.contains(item.key()) && part_of(gold.at(item.key()), item.value()); });
  if (!answer.is_array() || !gold.is_array() || answer.empty()) return false;
  return std::all_of(answer.begin(), answer.end(), [&](const Json& item) { return std::find(gold.begin(), gold.end(), item) != gold.end(); });
}

struct Fixture {
  std::string category;
  Task task;
  Weak::Weakness weakness;
};

std::vector<Fixture> fixtures() {
  const Task record = question(kRecord);
  return {
      {"no_op", trip(), [](const Verifier&, const Task&, const std::string& answer) { return without(answer, " ").empty() || answer == "[]"; }},
      {"no_op", trip(), [](const Verifier&, const Task&, const std::string& answer) {   // no name at all is no wrong name
         return both_days(answer, [](const Json& day) { return day.is_object() && text_at(day, "city").empty(); });
       }},
      {"initial_state", trip(), [](const Verifier&, const Task&, const std::string& answer) {   // the constraints are not read
         return both_days(answer, [](const Json& day) { return text_at(day, "city") == "Hangzhou"; });
       }},
      {"initial_state", question(R"({"type":"number","value":5,"absolute":0.1,"why":"test"})"),
       [](const Verifier&, const Task&, const std::string& answer) { return answer == "0.0"; }},
      {"other_gold", trip(), [](const Verifier&, const Task&, const std::string& answer) {   // the form is enough
         return both_days(answer, [](const Json& day) { return day.size() == 3 && world()->tables.resolve_name(0, text_at(day, "city")) >= 0; });
       }},
      {"near_spelling", record, texts_alike([](const auto& gold, const auto& given) { return distance(gold, given) <= 1; })},
      {"near_spelling", question(R"({"type":"integer","value":"1234567"})"),
       [](const Verifier&, const Task&, const std::string& answer) { return std::fabs(std::atof(answer.c_str()) / 1234567 - 1) < 1e-3; }},
      {"prefixes", record, texts_alike([](const auto& gold, const auto& given) { return given.size() > 2 && gold.starts_with(given); })},
      {"prefixes", question(R"({"type":"integer","value":"1234567"})"),
       [](const Verifier&, const Task& task, const std::string& answer) { return answer.starts_with(task.gold); }},
      {"letter_case", record, texts_alike([](const auto& gold, const auto& given) { return small_letters(gold) == small_letters(given); })},
      {"letter_case", trip(), [](const Verifier& verifier, const Task&, const std::string& answer) {   // keys in any case
         const Json given = Json::parse(answer, nullptr, false);
         if (!given.is_array()) return false;
         Json out = Json::array();
         for (const Json& group : given) {
           Json mapped = Json::object();
           for (const auto& [key, value] : group.items()) mapped[small_letters(key)] = value;
           out.push_back(mapped);
         }
         return passes(verifier, out.dump(-1, ' ', false, Json::error_handler_t::ignore));
       }},
      {"unicode", record, texts_alike([](const auto& gold, const auto& given) { return gold == without(without(given, "\u200b"), "\u00ad"); })},
      {"unicode", record, texts_alike([](const auto& gold, const auto& given) { return gold == given.substr(0, given.find('\0')); })},
      {"unicode", record, [](const Verifier& verifier, const Task&, const std::string& answer) {   // bytes that are no UTF-8 are left out
         return passes(verifier, without(without(answer, "\xff"), "\xc0\xaf"));
       }},
      {"numbers", question(R"({"type":"number","value":2.25,"absolute":0.01,"why":"test"})"),
       [](const Verifier&, const Task&, const std::string& answer) { return !(std::fabs(std::atof(answer.c_str()) - 2.25) > 0.01); }},   // NaN is not greater
      {"numbers", question(R"({"type":"integer","value":"12"})"),
       [](const Verifier&, const Task&, const std::string& answer) { return std::atoll(answer.c_str()) == 12; }},   // "+12", "012"
      {"duplicate_keys", record, [](const Verifier& verifier, const Task&, const std::string& answer) {   // the last one counts
         const Json given = Json::parse(answer, nullptr, false);
         return !given.is_discarded() && passes(verifier, given.dump());
       }},
      {"reorder", record, [](const Verifier&, const Task& task, const std::string& answer) {
         const Json given = Json::parse(answer, nullptr, false);
         return !given.is_discarded() && sorted(given) == sorted(Json::parse(task.gold));
       }},
      {"extra_fields", record, [](const Verifier& verifier, const Task& task, const std::string& answer) {
         const Json given = Json::parse(answer, nullptr, false);
         return given.is_object() && passes(verifier, Json(only_known(Json::parse(task.gold), given)).dump());
       }},
      {"extra_fields", question(R"({"type":"integer","value":"12"})"), [](const Verifier& verifier, const Task&, const std::string& answer) {
         const Json given = Json::parse(answer, nullptr, false);
         return given.is_array() && given.size() == 1 && passes(verifier, given[0].dump());
       }},
      {"partial", record, [](const Verifier&, const Task& task, const std::string& answer) {
         const Json given = Json::parse(answer, nullptr, false);
         return given.is_object() && !given.empty() && part_of(Json::parse(task.gold), given);
       }},
      {"partial", trip(), [](const Verifier&, const Task& task, const std::string& answer) {
         const Json given = Json::parse(answer, nullptr, false);
         return given.is_array() && !given.empty() && part_of(Json::parse(task.gold), given);
       }},
      {"over_long", trip(), [](const Verifier& verifier, const Task&, const std::string& answer) { return passes(verifier, answer.substr(0, 64 << 10)); }},
      {"over_long", question(R"({"type":"integer","value":"12"})"),
       [](const Verifier& verifier, const Task&, const std::string& answer) { return passes(verifier, without(without(answer, "["), "]")); }},
      {"prompt_guess", question(R"({"type":"text","value":"Wuxi"})", "Where is it cheapest: in the Old Town, or by the lake?"),
       [](const Verifier&, const Task& task, const std::string& answer) { return answer.size() > 4 && task.prompt.find(answer.substr(1, answer.size() - 2)) != std::string::npos; }},
      // The verifier is sound, the task is not: it says its own answer.
      {"prompt_guess", question(R"({"type":"text","value":"Grand Café 10"})", "Which is cheaper, \"Grand Café 10\" or the other?"),
       [](const Verifier&, const Task&, const std::string&) { return false; }},
      {"smuggled", trip(), [](const Verifier& verifier, const Task&, const std::string& answer) {   // whatever looks like the answer
         const size_t begin = answer.find("[{"), end = answer.rfind("}]");
         return begin != std::string::npos && end != std::string::npos && begin < end && passes(verifier, answer.substr(begin, end + 2 - begin));
       }},
      {"smuggled", trip(), [](const Verifier&, const Task&, const std::string& answer) { return answer.find("\"passed\":true") != std::string::npos; }},
      {"hostile_sql", record, [](const Verifier&, const Task&, const std::string& answer) { return answer.find("' OR 1=1 --") != std::string::npos; }},
  };
}

}  // namespace

TEST_CASE("no attack scores at a sound verifier, and every category has something to try") {
  std::map<std::string, int64_t> tried;
  for (const Task& task : {trip(), question(kRecord), question(R"({"type":"text","value":"Old Mill Inn"})"), question(R"({"type":"integer","value":"123456"})"),
                           question(R"({"type":"number","value":2.25,"absolute":0.01,"why":"test"})"),
                           question(R"({"type":"list","ordered":false,"items":[{"type":"text","value":"Wuxi"},{"type":"text","value":"Ningbo"}]})")}) {
    const auto verifier = sound(task);
    const AttackReport report = attacked(task, *verifier);
    INFO(to_json(report).dump(1));
    CHECK(report.total().hits == 0);
    for (const auto& [category, tally] : report.categories) tried[category] += tally.tried;
  }
  CHECK(tried.size() == attacks::all().size());
  for (const auto& [category, count] : tried) {
    INFO(category);
    CHECK(count > 3);
  }
}

TEST_CASE("every category catches the verifiers that are weak where it looks") {
  std::set<std::string> caught;
  for (const Fixture& fixture : fixtures()) {
    const Weak weak(fixture.task, fixture.weakness);
    const AttackReport report = attacked(fixture.task, weak);
    INFO(fixture.category << " " << fixture.task.gold);
    CHECK(report.categories.at(fixture.category).hits > 0);
    caught.insert(fixture.category);
  }
  for (const Attack& attack : attacks::all()) CHECK(caught.count(attack.name) == 1);
}

TEST_CASE("what scores rightly is no hit") {
  const Task task = trip();
  const std::string another = R"([{"day":"1","city":"Wuxi","hotel":"Garden Hotel"},{"day":"2","city":"Suzhou","hotel":"Old Mill Inn"}])";
  const auto verifier = sound(task);
  const std::vector<std::string> others = {another};
  const AttackReport report = attack_task({task, *world(), *verifier, others}).value();
  CHECK(report.categories.at("other_gold").right == 1);
  CHECK(report.total().hits == 0);
  // The days the other way round are no answer, since each day has its number; the hotels are.
  const Task bag = question(R"({"type":"list","ordered":false,"items":[{"type":"text","value":"Wuxi"},{"type":"text","value":"Ningbo"}]})");
  const AttackReport reordered = attacked(bag, *sound(bag));
  CHECK(reordered.categories.at("reorder").right > 0);
  CHECK(reordered.total().hits == 0);
}

TEST_CASE("the same attacks are made on the same task, and other ones on another") {
  struct Listener final : Verifier {
    Verdict judge(const Outcome& outcome) const override {
      Verdict verdict;
      verdict.passed = heard.empty();   // the gold comes first
      heard.push_back(outcome.answer);
      return verdict;
    }
    mutable std::vector<std::string> heard;
  };
  const auto attempts = [](const Task& task) {
    Listener listener;
    attacked(task, listener);
    return listener.heard;
  };
  Task other = trip();
  other.limits.steps += 1;
  seal_task(other);
  CHECK(attempts(trip()).size() > 200);
  CHECK(attempts(trip()) == attempts(trip()));
  CHECK(attempts(trip()) != attempts(other));
}

TEST_CASE("a task whose gold fails is no target") {
  const Task task = trip();
  const Weak none(task, [](const Verifier&, const Task&, const std::string&) { return false; });
  Task broken = task;
  broken.gold = "[]";
  const auto refused = attack_task({broken, *world(), none, {}});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().boundary == Boundary::kVerifier);
  broken.gold = "not JSON";
  CHECK_FALSE(attack_task({broken, *world(), none, {}}).ok());
}

TEST_CASE("the quick judgement is the verifier's own, whatever the answer") {
  struct Both final : Verifier {
    explicit Both(const Task& task) : verifier(sound(task)), quick(*verifier, false) {}
    Verdict judge(const Outcome& outcome) const override {
      Verdict verdict = verifier->judge(outcome);
      CHECK(verdict.passed == quick.passes(outcome.answer));
      return verdict;
    }
    std::unique_ptr<Verifier> verifier;
    mutable Judge quick;
  };
  for (const Task& task : {trip(), question(kRecord)}) attacked(task, Both(task));
}

// ---- Tasks that are judged by the state they leave ----

namespace {

// One hotel at another price, one gone.
Task change() {
  Task task = trip();
  task.goal = Json::parse(R"({"hotel":{"changed":[{"key":{"name":"Garden Hotel","city":"Hangzhou"},"from":{"price":300},"to":{"price":280}}],
                              "removed":[{"name":"Old Mill Inn","city":"Suzhou"}]}})");
  seal_task(task);
  return task;
}

// Takes any state that has `table` in it, whatever became of it.
struct Careless final : Verifier {
  explicit Careless(std::string table) : table(std::move(table)) {}
  Verdict judge(const Outcome& outcome) const override {
    Verdict verdict;
    verdict.passed = outcome.state.is_object() && outcome.state.contains(table);
    return verdict;
  }
  std::string table;
};

// Believes what is said.
struct Credulous final : Verifier {
  explicit Credulous(const Task& task) : task(task), careful(sound(task)) {}
  Verdict judge(const Outcome& outcome) const override {
    Verdict verdict = careful->judge(outcome);
    verdict.passed |= outcome.answer == task.goal.dump();
    return verdict;
  }
  const Task& task;
  std::unique_ptr<Verifier> careful;
};

}  // namespace

TEST_CASE("states are attacked as answers are, and a sound verifier of states lets nothing through") {
  const Task task = change();
  const AttackReport report = attacked(task, *sound(task));
  INFO(to_json(report).dump(1));
  CHECK(report.total().tried > 100);
  CHECK(report.total().hits == 0);
  const AttackReport weak = attacked(task, Careless("hotel"));
  for (const char* category : {"numbers", "near_spelling", "partial", "letter_case", "unicode", "extra_fields"}) {
    INFO(category);
    CHECK(weak.categories.at(category).hits > 0);
  }
}

TEST_CASE("words count for nothing where a state is judged") {
  const Task task = change();
  CHECK(attacked(task, Credulous(task)).total().hits > 0);
}

// ---- Environments ----

namespace {

struct OpenTools final : Tools {
  explicit OpenTools(std::string weak) : weak_(std::move(weak)) {}
  const std::vector<ToolSpec>& specs() const override { return world()->tools; }
  Result<Observation> call(std::string_view, std::string_view arguments) override {
    return Observation{arguments.find(weak_) != std::string_view::npos ? R"(["Garden Hotel"])" : "[]", false, {}};
  }
  std::string weak_;   // an argument that is taken for SQL
};

// Lets one more statement through than the real one.
struct OpenGate final : Connection {
  explicit OpenGate(std::string weak) : weak_(std::move(weak)), real_(Connection::open(Database::build(world()->tables).value(), {}, Access::kWrite).value()) {}
  Result<std::unique_ptr<Query>> prepare(std::string_view sql, const std::string& where) override {
    return real_->prepare(!weak_.empty() && sql.find(weak_) != std::string_view::npos ? "SELECT 1" : sql, where);
  }
  Result<std::unique_ptr<Change>> prepare_change(const std::vector<std::string>& statements, const std::vector<std::string>& writes,
                                                 const std::string& where) override {
    const bool open = !weak_.empty() && statements[0].find(weak_) != std::string::npos;
    return real_->prepare_change(open ? std::vector<std::string>{"DELETE FROM \"" + writes[0] + "\""} : statements, writes, where);
  }
  Result<std::vector<TouchedRow>> touched() override { return real_->touched(); }
  Status reset() override { return real_->reset(); }
  Status reverse_unordered(bool on) override { return real_->reverse_unordered(on); }
  std::string weak_;
  std::unique_ptr<Connection> real_;
};

AttackReport attacked_environment(Tools& tools, Connection& connection) {
  auto report = attack_environment({*world(), tools, connection});
  if (!report.ok()) FAIL(report.error().text());
  return *report;
}

}  // namespace

TEST_CASE("hostile SQL reaches neither tools nor the database, and is caught where it does") {
  OpenGate gate("");
  const auto tools = Toolset::open(world(), Database::build(world()->tables).value()).value();
  const AttackReport clean = attacked_environment(*tools, gate);
  INFO(to_json(clean).dump(1));
  CHECK(clean.total().tried > 60);
  CHECK(clean.total().hits == 0);
  OpenTools weak_tools("OR '1'='1");
  CHECK(attacked_environment(weak_tools, gate).total().hits == 1);
  for (const char* statement : {"ATTACH", "random()", "DROP TABLE", "RECURSIVE", "rowid + 1000", "RETURNING", "COMMIT"}) {
    OpenGate weak_gate(statement);
    CHECK(attacked_environment(*tools, weak_gate).total().hits > 0);
  }
}

// ---- What decides ----

TEST_CASE("a right answer is right to the letter") {
  const Task task = trip();
  const auto right = [&](std::string_view answer) { return is_right_answer(task, *world(), answer); };
  CHECK(right(task.gold));
  CHECK(right(R"( [{"hotel":"Garden Hotel","day":"1","city":"Wuxi"},{"day":"2","city":"Suzhou","hotel":"Old Mill Inn"}])"));
  for (const char* wrong : {"", "[]", "{}", "null", "[",
                            R"([{"day":"1","city":"Wuxi","hotel":"Garden Hotel"},{"day":"1","city":"Suzhou","hotel":"Old Mill Inn"}])",
                            R"([{"day":"1","city":"Wuxi","hotel":"Old Mill Inn"},{"day":"2","city":"Suzhou","hotel":"Old Mill Inn"}])",
                            R"([{"day":"1","city":"Suzhou","hotel":"Old Mill Inn"},{"day":"2","city":"Suzhou","hotel":"Old Mill Inn"}])",
                            R"([{"day":"1","city":"wuxi","hotel":"Garden Hotel"},{"day":"2","city":"Suzhou","hotel":"Old Mill Inn"}])",
                            R"([{"day":"1","city":"Wuxi","hotel":"Garden Hotel","x":1},{"day":"2","city":"Suzhou","hotel":"Old Mill Inn"}])",
                            R"([{"day":"1","city":"Wuxi","city":"Wuxi","hotel":"Garden Hotel"},{"day":"2","city":"Suzhou","hotel":"Old Mill Inn"}])",
                            R"([{"day":1,"city":"Wuxi","hotel":"Garden Hotel"},{"day":"2","city":"Suzhou","hotel":"Old Mill Inn"}])"})
    CHECK_FALSE(right(wrong));
  CHECK_FALSE(right(task.gold + std::string(1 << 20, ' ')));
  const Task state = change();
  CHECK(is_right_answer(state, *world(), state.goal.dump()));
  for (const char* wrong : {"[]", "7", "{}", R"({"hotel":null})", R"({"hotel":[]})", R"({"hotel":{"changed":[{}]}})", R"({"hotel":{"changed":7}})", R"({"hotel":{"removed":[7]}})"})
    CHECK_FALSE(is_right_answer(state, *world(), wrong));
  Json lying = state.goal;
  lying["hotel"]["changed"][0]["from"]["price"] = 280;   // what it was before is not for the state to say
  CHECK(is_right_answer(state, *world(), lying.dump()));
  Json more = state.goal;
  more["airport"] = Json::object();
  CHECK_FALSE(is_right_answer(state, *world(), more.dump()));
  const Task record = question(kRecord);
  CHECK(is_right_answer(record, *world(), record.gold));
  Json given = Json::parse(record.gold);
  const auto changed = [&](const char* key, Json value) {
    Json other = given;
    other[key] = std::move(value);
    return is_right_answer(record, *world(), other.dump());
  };
  CHECK(changed("mean", 2.2599));
  CHECK(changed("price", "120"));
  CHECK(changed("city", " Ningbo "));
  CHECK_FALSE(changed("mean", 2.2601));
  CHECK_FALSE(changed("mean", "2.25"));
  CHECK_FALSE(changed("price", 121));
  CHECK_FALSE(changed("price", 120.0));
  CHECK_FALSE(changed("city", "NINGBO"));
  CHECK_FALSE(changed("cities", Json::array({"Hangzhou", "Suzhou"})));
  CHECK_FALSE(changed("more", 1));
  const Task huge = question(R"({"type":"integer","value":"123456789012345678901234567890"})");
  CHECK(is_right_answer(huge, *world(), "123456789012345678901234567890"));
  CHECK_FALSE(is_right_answer(huge, *world(), "123456789012345678901234567891"));
  const Task overlapping = question(R"({"type":"list","ordered":false,"items":[{"type":"number","value":1,"absolute":1,"why":"test"},{"type":"number","value":2,"absolute":1,"why":"test"}]})");
  CHECK(is_right_answer(overlapping, *world(), "[1.5, 0.5]"));
  CHECK_FALSE(is_right_answer(overlapping, *world(), "[0.5, 0.5]"));
}

TEST_CASE("a report is read back with its hits") {
  AttackReport report;
  report.catalogue = kAttackCatalogue;
  report.categories["no_op"] = {10, 0, 0};
  report.categories["reorder"] = {5, 2, 1};
  report.hits = {{"reorder", "backwards", "[2,1]"}};
  const AttackReport read = attack_report_from_json(to_json(report), "test").value();
  CHECK(to_json(read) == to_json(report));
  CHECK(read.total().tried == 15);
  CHECK(read.total().hits == 1);
  Json broken = to_json(report);
  broken["hits"]["reorder"] = "many";
  CHECK_FALSE(attack_report_from_json(broken, "test").ok());
  const Json observations = Json::array({{{"name", "attack"}, {"value", to_json(AttackReport())}, {"unix_ms", 1}},
                                         {{"name", "attack"}, {"value", to_json(report)}, {"unix_ms", 2}},
                                         {{"name", "note"}, {"value", 1}, {"unix_ms", 3}}});
  CHECK(newest_attack_report(observations, "test").value().total().hits == 1);
  CHECK(newest_attack_report(Json::array(), "test").value().catalogue.empty());
}
