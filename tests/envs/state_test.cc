// Tools that write: what they may not say, that a change is whole or not at all, that episodes do not meet, and what state() makes of it.
#include "envs/state.h"

#include <functional>
#include <set>
#include <thread>

#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

// An account book beside the fixture's tables.
Json bank_json() {
  Json json = fixture::environment_json();
  json["domain"] = "bank";
  json["tables"].push_back(Json::parse(R"({"name":"account","label":"account","key":["name"],"columns":[
    {"name":"name"},{"name":"balance","type":"decimal","decimals":2},{"name":"tags","equality":"set"},{"name":"note","equality":"ignored"}]})"));
  json["rows"]["account"] = Json::parse(R"([["ann",10.1,"a, b","x"],["bob",0,"","y"],["cat",5.25,"c",null]])");
  const auto tool = [](const char* name, const char* parameters, const char* body) {
    return Json{{"name", name}, {"description", name}, {"kind", "sql_write"}, {"effect", "write"},
                {"parameters", {{"type", "object"}, {"properties", Json::parse(parameters)}}}, {"body", Json::parse(body)}};
  };
  json["tools"].push_back(tool("move", R"({"from":{"type":"string"},"to":{"type":"string"},"amount":{"type":"number"}})", R"({"writes":["account"],
    "require":[{"sql":"SELECT 1 FROM account WHERE name = :from AND balance >= :amount","else":"not enough there"}],
    "change":["UPDATE account SET balance = balance - :amount WHERE name = :from","UPDATE account SET balance = balance + :amount WHERE name = :to"],
    "returns":"SELECT name, balance FROM account WHERE name = :from"})"));
  json["tools"].push_back(tool("open", R"({"name":{"type":"string"},"note":{"type":"string"}})",
                               R"j({"writes":["account"],"change":["INSERT INTO account VALUES (:name, 0, '', :note)"]})j"));
  json["tools"].push_back(tool("close", R"({"name":{"type":"string"}})", R"({"writes":["account"],"change":["DELETE FROM account WHERE name = :name"]})"));
  json["tools"].push_back(tool("close_all", "{}", R"({"writes":["account"],"change":["DELETE FROM account"]})"));
  json["tools"].push_back(tool("half", R"({"name":{"type":"string"}})", R"j({"writes":["account"],
    "change":["DELETE FROM account WHERE name = :name","UPDATE account SET note = abs(-9223372036854775807 - 1)"]})j"));
  json["tools"].push_back(tool("flood", "{}", R"({"writes":["account"],
    "change":["INSERT INTO account SELECT a.name || b.name || c.name || d.name, 0, a.note, b.note FROM account a, account b, account c, account d"]})"));
  return json;
}

std::unique_ptr<Toolset> bank() { return must(fixture::open_toolset(fixture::environment(bank_json()))); }

std::string call(Tools& tools, const std::string& tool, const Json& arguments) { return must(tools.call(tool, arguments.dump())).text; }
Json state(Tools& tools) { return must(tools.state()); }

TEST_CASE("tools that only read have no state") {
  auto tools = fixture::toolset();
  CHECK(state(*tools).is_null());
  CHECK_FALSE(keeps_state(*fixture::environment()));
  CHECK(keeps_state(*fixture::environment(bank_json())));
  CHECK_FALSE(runs_programs(*fixture::environment(bank_json())));
}

TEST_CASE("the state is what differs from the beginning, by key and column, in one form") {
  auto tools = bank();
  CHECK(state(*tools) == Json::object());
  CHECK(call(*tools, "move", {{"from", "ann"}, {"to", "bob"}, {"amount", 0.3}}) == R"({"name":"ann","balance":9.799999999999999})");
  const Json moved = Json::parse(R"({"account":{"changed":[
    {"key":{"name":"bob"},"from":{"balance":0.0},"to":{"balance":0.3}},{"key":{"name":"ann"},"from":{"balance":10.1},"to":{"balance":9.8}}]}})");
  CHECK(state(*tools) == moved);
  SECTION("back again is nothing") {
    call(*tools, "move", {{"from", "bob"}, {"to", "ann"}, {"amount", 0.3}});
    CHECK(state(*tools) == Json::object());
  }
  SECTION("a key that comes back under another row id is a change of its row") {
    call(*tools, "close", {{"name", "cat"}});
    CHECK(state(*tools)["account"]["removed"] == Json::parse(R"([{"name":"cat"}])"));
    call(*tools, "open", {{"name", "cat"}, {"note", "new"}});
    CHECK(state(*tools)["account"]["changed"].size() == 3);
    CHECK(state(*tools)["account"]["changed"][2] ==
          Json::parse(R"({"key":{"name":"cat"},"from":{"balance":5.25,"note":null,"tags":"c"},"to":{"balance":0.0,"note":"new","tags":""}})"));
  }
  SECTION("a row that was added and is gone again is nothing") {
    call(*tools, "open", {{"name", "dan"}});
    CHECK(state(*tools)["account"]["added"] == Json::parse(R"([{"name":"dan","balance":0.0,"note":null,"tags":""}])"));
    call(*tools, "close", {{"name", "dan"}});
    CHECK(state(*tools) == moved);
  }
  SECTION("all rows deleted at once are noted one by one") {
    call(*tools, "close_all", Json::object());
    CHECK(state(*tools)["account"]["removed"] == Json::parse(R"([{"name":"ann"},{"name":"bob"},{"name":"cat"}])"));
  }
  REQUIRE(tools->reset().ok());
  CHECK(state(*tools) == Json::object());
  CHECK(call(*tools, "move", {{"from", "ann"}, {"to", "bob"}, {"amount", 0.3}}) == R"({"name":"ann","balance":9.799999999999999})");
}

TEST_CASE("what is read again after something was written, or after a reset, is what is there then") {
  Json json = bank_json();
  json["tools"].push_back(Json{{"name", "balances"}, {"description", "balances"}, {"kind", "sql"}, {"effect", "read"},
                               {"parameters", {{"type", "object"}, {"properties", Json::object()}}},
                               {"body", {{"sql", "SELECT balance FROM account"}, {"returns", "values"}}}});
  auto tools = must(fixture::open_toolset(fixture::environment(json)));
  const auto read = [&] { return call(*tools, "balances", Json::object()); };
  for (int i = 0; i < 2; ++i) {
    CHECK(read() == "[10.1,0.0,5.25]");
    CHECK(read() == "[10.1,0.0,5.25]");
    call(*tools, "move", {{"from", "ann"}, {"to", "bob"}, {"amount", 1}});
    CHECK(read() == "[9.1,1.0,5.25]");
    call(*tools, "close", {{"name", "ann"}});
    CHECK(read() == "[1.0,5.25]");
    REQUIRE(tools->reset().ok());
  }
  REQUIRE(tools->reverse_unordered(true).ok());
  CHECK(read() == "[5.25,0.0,10.1]");
}

TEST_CASE("a refused call changes nothing") {
  auto tools = bank();
  CHECK(call(*tools, "move", {{"from", "bob"}, {"to", "ann"}, {"amount", 1}}) == R"({"error":"not enough there"})");
  CHECK(call(*tools, "close", {{"name", "zoe"}}) == R"({"error":"nothing is there to be changed for name 'zoe'"})");
  CHECK(must(tools->call("open", Json{{"name", std::string(5000, 'x')}}.dump())).error);
  CHECK(state(*tools) == Json::object());
}

TEST_CASE("a change that fails in the middle has changed nothing, and the episode goes on") {
  auto tools = bank();
  call(*tools, "open", {{"name", "dan"}});
  const Json before = state(*tools);
  const auto broken = tools->call("half", R"({"name":"ann"})");
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.error().boundary == Boundary::kTool);
  CHECK(state(*tools) == before);
  CHECK_FALSE(must(tools->call("close", R"({"name":"ann"})")).error);
}

TEST_CASE("a database that outgrows its limit loses its episode, says so until it is reset, and is whole again after") {
  auto tools = bank();
  Status status;
  for (int i = 0; i < 20 && status.ok(); ++i)
    if (auto result = tools->call("flood", "{}"); !result.ok()) status = result.error();
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().boundary == Boundary::kLimit);
  const auto next = tools->call("close", R"({"name":"ann"})");
  if (!next.ok()) CHECK(next.error().what == "a change failed, and with it everything changed before");
  REQUIRE(tools->reset().ok());
  CHECK(state(*tools) == Json::object());
  CHECK_FALSE(must(tools->call("close", R"({"name":"ann"})")).error);
}

TEST_CASE("statements that write more than they may are refused when they are prepared") {
  const auto environment = fixture::environment(bank_json());
  const auto connection = must(Connection::open(must(Database::build(environment->tables)), {}, Access::kWrite));
  const std::vector<std::string> writes = {"account"};
  for (const char* good : {"UPDATE account SET note = 'x'", "INSERT INTO account SELECT name, price, '', '' FROM hotel", "DELETE FROM account WHERE name = :n",
                           "INSERT OR REPLACE INTO account (rowid, name) VALUES (1, 'x')"}) {
    INFO(good);
    CHECK(connection->prepare_change({good}, writes, "test").ok());
  }
  for (const char* bad : {"UPDATE hotel SET price = 1", "DELETE FROM city", "INSERT INTO weather VALUES ('a','b','c')", "UPDATE account SET rowid = 7",
                          "UPDATE account SET _rowid_ = 7", "DROP TABLE account", "CREATE TABLE x (y)", "CREATE TRIGGER t AFTER DELETE ON account BEGIN DELETE FROM city; END",
                          "ALTER TABLE account RENAME TO y", "PRAGMA journal_mode = DELETE", "ATTACH 'x' AS y", "VACUUM", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT change",
                          "RELEASE change", "SELECT 1", "INSERT INTO sqlite_master VALUES (1,2,3,4,5)", "UPDATE account SET note = random()", "",
                          "UPDATE account SET note = load_extension('x')", "DELETE FROM account RETURNING name", "EXPLAIN DELETE FROM account", "REINDEX", "ANALYZE",
                          "UPDATE account SET note = 'x'; DELETE FROM city", "UPDATE account SET note = ?", "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r) INSERT INTO account SELECT x, 0, '', '' FROM r",
                          "WITH d AS (SELECT 1) DELETE FROM city"}) {
    INFO(bad);
    CHECK_FALSE(connection->prepare_change({bad}, writes, "test").ok());
  }
  CHECK(connection->prepare_change({"DELETE FROM hotel"}, {"hotels"}, "test").error().text() ==
        "test: unknown table 'hotels'; known: city, hotel, weather, account (try: 'hotel')");
  // Queries of the same connection are as narrow as ever.
  for (const char* bad : {"DELETE FROM account", "UPDATE account SET note = ''", "BEGIN"}) CHECK_FALSE(connection->prepare(bad, "test").ok());
  CHECK(must(connection->touched()).empty());
}

TEST_CASE("rows that a replaced row id pushes out are noted") {
  const auto environment = fixture::environment(bank_json());
  const auto connection = must(Connection::open(must(Database::build(environment->tables)), {}, Access::kWrite));
  const auto change = must(connection->prepare_change({"INSERT OR REPLACE INTO account (rowid, name) VALUES (1, 'x')"}, {"account"}, "test"));
  must(change->run(Json::object()));
  CHECK(must(state_change(environment->tables, must(connection->touched()))) ==
        Json::parse(R"({"account":{"added":[{"name":"x","balance":null,"tags":null,"note":null}],"removed":[{"name":"ann"}]}})"));
}

TEST_CASE("a statement that ends the transaction by itself costs the episode, not the next one") {
  const auto environment = fixture::environment(bank_json());
  const auto connection = must(Connection::open(must(Database::build(environment->tables)), {}, Access::kWrite));
  const auto change = must(connection->prepare_change({"INSERT OR ROLLBACK INTO account (rowid, name) VALUES (1, 'x')"}, {"account"}, "test"));
  CHECK_FALSE(change->run(Json::object()).ok());
  CHECK_FALSE(connection->touched().ok());
  REQUIRE(connection->reset().ok());
  CHECK(must(connection->touched()).empty());
}

TEST_CASE("what was prepared works on after a reset, also when rows come backwards") {
  auto tools = bank();
  REQUIRE(tools->reverse_unordered(true).ok());
  for (int i = 0; i < 3; ++i) {
    call(*tools, "move", {{"from", "ann"}, {"to", "bob"}, {"amount", 1}});
    CHECK(state(*tools)["account"]["changed"].size() == 2);
    REQUIRE(tools->reset().ok());
    CHECK(state(*tools) == Json::object());
  }
}

TEST_CASE("episodes over one database do not meet") {
  const auto environment = fixture::environment(bank_json());
  const auto database = must(Database::build(environment->tables));
  std::set<std::string> states;
  std::vector<std::string> found(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < found.size(); ++i)
    threads.emplace_back([&, i] {
      auto tools = Toolset::open(environment, database).value();
      for (size_t k = 0; k <= 100 + i; ++k) tools->call("move", R"({"from":"ann","to":"bob","amount":0.01})").value();
      found[i] = tools->state().value().dump();
    });
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < found.size(); ++i) {
    const std::string balance = number_text(101 + static_cast<int64_t>(i), 2);
    CHECK(found[i].find("\"to\":{\"balance\":" + balance + "}") != std::string::npos);
  }
  CHECK(call(*must(Toolset::open(environment, database)), "move", {{"from", "ann"}, {"to", "bob"}, {"amount", 0}}) == R"({"name":"ann","balance":10.1})");
}

TEST_CASE("a tool that writes says in its body what it writes, and only that") {
  const auto broken = [](const std::function<void(Json&)>& change) {
    Json json = bank_json();
    for (Json& tool : json["tools"])
      if (tool["name"] == "open") change(tool);
    const auto environment = fixture::environment(json);
    const auto opened = fixture::open_toolset(environment);
    return opened.ok() ? std::string("fine") : opened.error().text();
  };
  CHECK(broken([](Json&) {}) == "fine");
  CHECK(broken([](Json& t) { t["effect"] = "read"; }).find("needs the effect 'write'") != std::string::npos);
  CHECK(broken([](Json& t) { t["body"]["writes"] = Json::array(); }).find("expected the tables that the tool changes") != std::string::npos);
  CHECK(broken([](Json& t) { t["body"]["writes"] = {"hotel"}; }).find("the table 'account' for writing") != std::string::npos);
  CHECK(broken([](Json& t) { t["body"]["change"] = {"INSERT INTO account VALUES (:nam, 0, '', '')"}; }).find(":nam is not a plain parameter") != std::string::npos);
  CHECK(broken([](Json& t) { t["body"]["change"] = Json::array(); }).find("1 to 16 statements") != std::string::npos);
  CHECK(broken([](Json& t) { t["body"]["require"] = Json::parse(R"([{"sql":"DELETE FROM account","else":"no"}])"); }).find("anything but SELECT") != std::string::npos);
  CHECK(broken([](Json& t) { t["body"]["returns"] = "SELECT note FROM accounts"; }).find("no such table") != std::string::npos);
  CHECK(broken([](Json& t) { t["body"]["require"] = Json::parse(R"([{"sql":"SELECT 1"}])"); }).find("$.body.require[0]") != std::string::npos);
}

TEST_CASE("equalities are declared by columns that can have them") {
  const auto column = [](const char* json) {
    const auto read = table_spec_from_json({{"name", "t"}, {"key", {"k"}}, {"columns", {{{"name", "k"}}, Json::parse(json)}}}, "f", "$");
    return read.ok() ? to_json(*read)["columns"][1].value("equality", Json("exact")).dump() : read.error().text();
  };
  CHECK(column(R"({"name":"a"})") == R"("exact")");
  CHECK(column(R"({"name":"a","equality":"bag"})") == R"("bag")");
  CHECK(column(R"({"name":"a","type":"integer","equality":{"tolerance":2}})") == R"({"tolerance":2.0})");
  CHECK(column(R"({"name":"a","equality":"about"})").find("unknown equality \"about\"") != std::string::npos);
  CHECK(column(R"({"name":"a","equality":"tolerance"})").find("unknown equality") != std::string::npos);
  CHECK(column(R"({"name":"a","equality":{"tolerance":2}})").find("columns of numbers") != std::string::npos);
  CHECK(column(R"({"name":"a","type":"integer","equality":{"tolerance":-1}})").find("at least 0") != std::string::npos);
  CHECK(column(R"({"name":"a","type":"integer","equality":"set"})").find("columns of text") != std::string::npos);
}

}  // namespace
}  // namespace assay
