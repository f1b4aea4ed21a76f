#include "envs/database.h"

#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "envs/base/rng.h"
#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;
using Rows = std::vector<std::vector<Json>>;

std::unique_ptr<Connection> connect(QueryLimits limits = {}, uint64_t shuffle_seed = 0) {
  return must(Connection::open(must(Database::build(fixture::environment()->tables, shuffle_seed)), limits));
}

Result<Rows> ask(Connection& connection, std::string_view sql, const Json& arguments = Json::object()) {
  ASSAY_ASSIGN(auto query, connection.prepare(sql, "tool t"));
  Rows rows;
  ASSAY_TRY(query->run(arguments, rows));
  return rows;
}

// `count` rows of (n INTEGER, t TEXT) in a relation.
Tables many(int count, const std::string& text = "x") {
  Tables tables;
  Table table;
  table.spec = {"many", "many", "many", {{.name = "n", .type = ColumnType::kInteger}, {.name = "t"}}, {"n"}};
  table.columns.resize(2);
  for (int i = 0; i < count; ++i) {
    table.columns[0].push_back(i);
    table.columns[1].push_back(tables.texts.intern(text));
  }
  tables.tables.push_back(std::move(table));
  return tables;
}

TEST_CASE("a database holds decimals as REAL, references as names and nulls as NULL") {
  auto connection = connect();
  const Rows rows = must(ask(*connection, "SELECT name, city, price, stars FROM hotel WHERE city = 'Suzhou' ORDER BY price"));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0] == std::vector<Json>{"The \"Old\" Inn\\\n\x01", "Suzhou", 210.0, nullptr});
  CHECK(rows[0][2].is_number_float());
  CHECK(rows[1] == std::vector<Json>{"Grand", "Suzhou", 350.5, 4});
}

TEST_CASE("parameters bind by name and type, and what is not given is NULL") {
  auto connection = connect();
  CHECK(must(ask(*connection, "SELECT :a, :b, :c, :d, :e, :a",
                 {{"a", "x"}, {"b", 7}, {"c", 2.5}, {"d", true}})) == Rows{{"x", 7, 2.5, 1, nullptr, "x"}});
  CHECK(must(ask(*connection, "SELECT :a", {{"a", "x' OR 1 = 1 --"}})) == Rows{{"x' OR 1 = 1 --"}});
  auto query = must(connection->prepare("SELECT name AS hotel FROM hotel WHERE city = :city ORDER BY name", "t"));
  CHECK(query->columns() == std::vector<std::string>{"hotel"});
  CHECK(query->parameters() == std::vector<std::string>{"city"});
  Rows rows;
  REQUIRE(query->run({{"city", "Nanjing"}}, rows).ok());
  REQUIRE(query->run({{"city", "Suzhou"}}, rows).ok());
  CHECK(rows == Rows{{"Grand"}, {"凤凰 Lodge"}, {"Grand"}, {"The \"Old\" Inn\\\n\x01"}});
  const Status refused = query->run({{"city", Json::array()}}, rows);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().boundary == Boundary::kTool);
}

TEST_CASE("hostile queries are refused before they run") {
  auto connection = connect();
  const std::vector<std::pair<std::string, std::string>> hostile = {
      {"ATTACH 'x.db' AS x", "anything but SELECT"},
      {"PRAGMA table_info(city)", "anything but SELECT"},
      {"SELECT * FROM pragma_table_info('city')", ""},
      {"SELECT load_extension('x')", "load_extension"},
      {"SELECT random()", "function random()"},
      {"SELECT name FROM city ORDER BY random()", "function random()"},
      {"SELECT randomblob(1000000000)", "function randomblob()"},
      {"SELECT zeroblob(2000000000)", "function zeroblob()"},
      {"SELECT printf('%1000000000d', 1)", "function printf()"},
      {"SELECT replace(hex(name), '0', name) FROM city", "function replace()"},
      {"SELECT group_concat(name) FROM city", "function group_concat()"},
      {"SELECT name FROM city WHERE name LIKE '%a%a%a%a%a%a%a%a%b'", "function like()"},
      {"SELECT name FROM city WHERE name GLOB '*a*a*a*a*a*a*a*a*b'", "function glob()"},
      {"SELECT CURRENT_TIMESTAMP", "function current_timestamp()"},
      {"SELECT datetime('now')", "function datetime()"},
      {"SELECT sqlite_version()", "function sqlite_version()"},
      {"SELECT row_number() OVER (ORDER BY name) FROM city", "function row_number()"},
      {"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n", "recursion"},
      {"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT 3", "recursion"},
      {"SELECT name FROM city; SELECT name FROM hotel", "second statement"},
      {"SELECT name FROM city; DROP TABLE city", "second statement"},
      {"DELETE FROM city", "anything but SELECT"},
      {"UPDATE hotel SET price = 0", "anything but SELECT"},
      {"INSERT INTO city VALUES ('x')", "anything but SELECT"},
      {"CREATE TEMP TABLE x (a)", "anything but SELECT"},
      {"DROP TABLE city", "anything but SELECT"},
      {"VACUUM INTO 'x.db'", "not a SELECT"},
      {"BEGIN", "anything but SELECT"},
      {"SELECT sql FROM sqlite_master", "the table 'sqlite_master'"},
      {"SELECT sql FROM sqlite_schema AS city", "the table 'sqlite_master'"},
      {"SELECT count(*) FROM sqlite_master", "the table 'sqlite_master'"},
      {"SELECT * FROM sqlite_temp_master", "sqlite_temp_master"},
      {"SELECT value FROM json_each('[1]')", ""},
      {"SELECT \"no_column\" FROM city", "no such column"},
      {"EXPLAIN SELECT name FROM city", "not a SELECT"},
      {"SELECT ?", "parameter without a name"},
      {"SELECT $x", "parameter without a name"},
      {"", "not a SELECT"},
      {"-- nothing", "not a SELECT"},
      {std::string("SELECT 1\0; DROP TABLE city", 26), "zero byte"},
      {"SELECT '" + std::string(20'000, 'x') + "'", "longer than"},
      {"SELECT " + std::string(2'000, '(') + "1" + std::string(2'000, ')'), ""},
      {"SELECT 1" + std::string(3'000, '+') + "1", ""},
  };
  for (const auto& [sql, why] : hostile) {
    INFO(sql.substr(0, 100));
    auto query = connection->prepare(sql, "tool t");
    REQUIRE_FALSE(query.ok());
    CHECK_THAT(query.error().text(), Catch::Contains(why));
    CHECK(query.error().where == "tool t");
  }
  CHECK(must(ask(*connection, "SELECT count(*) FROM City; -- all of them")) == Rows{{3}});
}

TEST_CASE("the functions that queries may use do work") {
  auto connection = connect();
  CHECK(must(ask(*connection,
                 "SELECT abs(-1), avg(2), coalesce(NULL, 1), count(*), iif(1, 2, 3), ifnull(NULL, 4), length('ab'), lower('A'), "
                 "ltrim(' a'), max(1, 2), min(1, 2), nullif(1, 1), round(2.25, 1), rtrim('a '), substr('abc', 2), sum(3), total(3), "
                 "trim(' a '), upper('a')")) ==
        Rows{{1, 2.0, 1, 1, 2, 4, 2, "a", "a", 2, 1, nullptr, 2.3, "a", "bc", 3, 3.0, "a", "A"}});
}

TEST_CASE("a query that works too long is stopped at its step limit, and the connection lives on") {
  auto connection = must(Connection::open(must(Database::build(many(1000)))));
  const std::string bomb = "SELECT count(*) FROM many a, many b, many c, many d WHERE a.n + b.n + c.n + d.n = -1";
  for (int i = 0; i < 2; ++i) {
    auto rows = ask(*connection, bomb);
    REQUIRE_FALSE(rows.ok());
    CHECK(rows.error().boundary == Boundary::kLimit);
    CHECK_THAT(rows.error().what, Catch::Contains("2000000 steps"));
    CHECK(must(ask(*connection, "SELECT count(*) FROM many")) == Rows{{1000}});
  }
}

TEST_CASE("results are bounded in rows, bytes and length of a text") {
  const auto image = must(Database::build(many(1000, std::string(1000, 'x'))));
  const auto failing = [&](QueryLimits limits, const std::string& sql) {
    auto connection = must(Connection::open(image, limits));
    auto rows = ask(*connection, sql);
    REQUIRE_FALSE(rows.ok());
    CHECK(rows.error().boundary == Boundary::kLimit);
    return rows.error().what;
  };
  CHECK_THAT(failing({.rows = 999}, "SELECT n FROM many"), Catch::Contains("999 rows"));
  CHECK_THAT(failing({.bytes = 500'000}, "SELECT t FROM many"), Catch::Contains("500000 bytes"));
  std::string longer = "t";
  for (int i = 0; i < 7; ++i) longer = "(" + longer + "||" + longer + ")";  // 128 kB
  CHECK_THAT(failing({}, "SELECT " + longer + " FROM many"), Catch::Contains("too long"));
  auto connection = must(Connection::open(image, {.rows = 1000}));
  CHECK(must(ask(*connection, "SELECT t FROM many")).size() == 1000);
}

TEST_CASE("sorting and grouping cannot fill memory or disk") {
  auto connection = must(Connection::open(must(Database::build(many(1000, std::string(1000, 'x'))))));
  const std::string wide = "(a.t||a.t||a.t||a.t||a.t||a.t||a.t||a.t||b.n)";
  for (const std::string& sql : {"SELECT " + wide + " AS w FROM many a, many b ORDER BY w LIMIT 20000, 1",
                                 "SELECT count(*) FROM (SELECT DISTINCT " + wide + " AS w FROM many a, many b)",
                                 "SELECT max(c) FROM (SELECT " + wide + " AS w, count(*) AS c FROM many a, many b GROUP BY w)",
                                 "WITH m AS MATERIALIZED (SELECT " + wide + " AS w FROM many a, many b) SELECT max(x.w || y.w) FROM m x, m y"}) {
    INFO(sql);
    sqlite3_memory_highwater(1);
    const int64_t before = sqlite3_memory_used();
    auto rows = ask(*connection, sql);
    REQUIRE_FALSE(rows.ok());
    CHECK(rows.error().boundary == Boundary::kLimit);
    CHECK_THAT(rows.error().what, Catch::Contains("too much memory"));  // and not, after filling a file, too many steps
    CHECK(sqlite3_memory_highwater(0) - before < 32'000'000);
  }
}

TEST_CASE("an unordered query changes its answer when reversed, an ordered one does not") {
  auto connection = connect();
  auto unordered = must(connection->prepare("SELECT stars FROM hotel", "t"));
  auto ordered = must(connection->prepare("SELECT stars FROM hotel ORDER BY stars", "t"));
  const auto both = [&] {
    Rows first, second;
    REQUIRE(unordered->run(Json::object(), first).ok());
    REQUIRE(ordered->run(Json::object(), second).ok());
    return std::make_pair(first, second);
  };
  const auto forward = both();
  REQUIRE(connection->reverse_unordered(true).ok());
  const auto backward = both();
  CHECK(forward.first != backward.first);
  CHECK(forward.second == backward.second);
  CHECK_FALSE(connection->prepare("PRAGMA user_version", "t").ok());
  REQUIRE(connection->reverse_unordered(false).ok());
  CHECK(both().first == forward.first);
}

TEST_CASE("another order of insertion gives the same rows in another order") {
  auto plain = connect(), shuffled = connect({}, 7);
  const std::string sql = "SELECT name, city, price FROM hotel";
  Rows a = must(ask(*plain, sql)), b = must(ask(*shuffled, sql));
  CHECK(a != b);
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  CHECK(a == b);
}

TEST_CASE("one image serves many threads, and outlives whoever opened it") {
  auto image = must(Database::build(many(500)));
  const std::string before(image->bytes());
  std::vector<std::thread> threads;
  std::vector<int64_t> sums(4);
  for (size_t i = 0; i < sums.size(); ++i)
    threads.emplace_back([&, i] {
      auto connection = Connection::open(image);
      for (int k = 0; k < 20; ++k) {
        auto rows = ask(**connection, "SELECT sum(n) FROM many WHERE n < :top", {{"top", 100}});
        if (rows.ok()) sums[i] += (*rows)[0][0].get<int64_t>();
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(sums == std::vector<int64_t>(4, 20 * 4950));
  CHECK(image->bytes() == before);
  auto connection = must(Connection::open(image));
  image.reset();
  CHECK(must(ask(*connection, "SELECT count(*) FROM many")) == Rows{{500}});
}

TEST_CASE("a random database answers like the tables it was built from") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Rng rng(seed, "database_test");
    Tables tables;
    Table table;
    table.spec = {"group", "r", "rs", {{.name = "select", .type = ColumnType::kInteger}, {.name = "a\"b", .type = ColumnType::kDecimal, .decimals = 2}}, {"select"}};
    table.columns.resize(2);
    for (uint64_t i = 0, n = rng.below(200); i < n; ++i) {
      table.columns[0].push_back(rng.below(10) == 0 ? kNull : rng.between(-50, 50));
      table.columns[1].push_back(rng.below(10) == 0 ? kNull : rng.between(-5000, 5000));
    }
    tables.tables.push_back(table);
    auto connection = must(Connection::open(must(Database::build(tables, seed))));
    const int64_t key = rng.between(-50, 50);
    Rows expected;
    for (int32_t row = 0; row < table.size(); ++row)
      if (table.cell(0, row) == key) expected.push_back({tables.cell_json(table, 1, row)});
    Rows got = must(ask(*connection, "SELECT \"a\"\"b\" FROM \"group\" WHERE \"select\" = :key", {{"key", key}}));
    std::sort(expected.begin(), expected.end());
    std::sort(got.begin(), got.end());
    CHECK(got == expected);
  }
}

TEST_CASE("building refuses an overlong text and names its place") {
  auto database = Database::build(many(2, std::string(70'000, 'x')));
  REQUIRE_FALSE(database.ok());
  CHECK(database.error().where == "many.t row 0");
}

struct TemporaryFile {
  TemporaryFile() {
    char name[] = "/tmp/assay-test-XXXXXX";
    close(mkstemp(name));
    path = name;
  }
  ~TemporaryFile() { unlink(path.c_str()); }
  std::string path;
};

TEST_CASE("a database written to a file is read back, views and virtual tables left out") {
  TemporaryFile file;
  REQUIRE(must(Database::build(fixture::environment()->tables))->write_to(file.path).ok());
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.path.c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_exec(db, "CREATE VIEW v AS SELECT 1; CREATE VIRTUAL TABLE f USING fts5(t); DELETE FROM weather;"
                           "CREATE TABLE blobs (a); INSERT INTO blobs VALUES (x'00ff'), (1.5)", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
  const auto tables = must(read_sqlite_file(file.path));
  const auto find = [&](const std::string& name) {
    return std::find_if(tables.begin(), tables.end(), [&](const RawTable& table) { return table.name == name; });
  };
  CHECK(find("v") == tables.end());
  CHECK(find("f") == tables.end());
  REQUIRE(find("hotel") != tables.end());
  CHECK(find("hotel")->columns == std::vector<std::string>{"name", "city", "price", "stars"});
  CHECK(find("hotel")->rows[3] == std::vector<std::optional<std::string>>{"凤凰 Lodge", "Nanjing", "99.9", "3"});
  CHECK(find("hotel")->rows[2][3] == std::nullopt);
  REQUIRE(find("weather") != tables.end());
  CHECK(find("weather")->rows.empty());
  CHECK(find("blobs")->rows == std::vector<std::vector<std::optional<std::string>>>{{std::nullopt}, {"1.5"}});
}

TEST_CASE("a file that is no database is an error that names it") {
  TemporaryFile file;
  REQUIRE(write_file(file.path, "name,city\nGrand,Suzhou\n" + std::string(5000, 'x')).ok());
  for (const std::string& path : {file.path, std::string("/no/such/file.db"), std::string("/tmp")}) {
    auto tables = read_sqlite_file(path);
    REQUIRE_FALSE(tables.ok());
    CHECK(tables.error().where == path);
  }
}

TEST_CASE("a torn database file is an error, never a crash") {
  const auto image = must(Database::build(many(3000, "some text")));
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Rng rng(seed, "torn");
    std::string bytes(image->bytes());
    for (int i = 0; i < 20; ++i) bytes[100 + rng.below(bytes.size() - 100)] = static_cast<char>(rng.below(256));
    bytes.resize(bytes.size() - rng.below(bytes.size() / 2));
    TemporaryFile file;
    REQUIRE(write_file(file.path, bytes).ok());
    const auto tables = read_sqlite_file(file.path);
    if (!tables.ok()) CHECK_THAT(tables.error().where, Catch::StartsWith(file.path));
    else CHECK(tables->size() <= 1);
  }
}

}  // namespace
}  // namespace assay
