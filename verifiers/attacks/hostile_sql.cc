// SQL where names belong, in answers and in arguments, and statements that a model which writes domains may try.
#include <optional>

#include "envs/plain_tools.h"
#include "verifiers/attack.h"

namespace assay::attacks::hostile_sql {
namespace {

// Each with its twin, which is no SQL and sorts beside it: a tool that takes both for texts answers both alike.
struct Injection {
  const char *sql, *twin;
};
constexpr Injection kInjections[] = {{"' OR '1'='1", "' QR '1'='1"},
                                     {"' OR 1=1 --", "' QR 1=1 --"},
                                     {"x' UNION SELECT 1 --", "x' UNIQN SELEKT 1 --"},
                                     {"'; DROP TABLE x; --", "'; DRQP TABEL x; --"},
                                     {"%", "&"},
                                     {"\" OR \"\"=\"", "\" QR \"\"=\""},
                                     {"' || (SELECT 1) || '", "' || (SELEKT 1) || '"},
                                     {"\\' OR 1=1 --", "\\' QR 1=1 --"}};
constexpr const char* kNobody = "nobody has this name";

// Every one must be refused at preparing or, at the latest, fail when it is run. @ stands for a table of the environment.
constexpr const char* kStatements[] = {
    "ATTACH ':memory:' AS x", "DETACH main", "PRAGMA writable_schema = 1", "PRAGMA table_info('@')", "SELECT * FROM pragma_table_info('@')",
    "SELECT load_extension('x')", "SELECT readfile('/etc/passwd')", "SELECT writefile('x', 'y')", "SELECT edit('x')", "SELECT random()",
    "SELECT randomblob(1000000000)", "SELECT zeroblob(2000000000)", "SELECT printf('%1000000000d', 1)", "SELECT fts3_tokenizer('simple')",
    "SELECT name FROM sqlite_master", "SELECT sql FROM sqlite_schema", "SELECT * FROM sqlite_temp_master", "SELECT * FROM sqlite_dbpage",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n", "DROP TABLE \"@\"", "DELETE FROM \"@\"",
    "INSERT INTO \"@\" DEFAULT VALUES", "CREATE TABLE x (a)", "CREATE TRIGGER x AFTER INSERT ON \"@\" BEGIN SELECT 1; END",
    "CREATE TEMP VIEW x AS SELECT 1", "ALTER TABLE \"@\" RENAME TO x", "REINDEX", "ANALYZE", "VACUUM", "VACUUM INTO 'x.db'", "BEGIN", "SAVEPOINT x",
    "SELECT 1; DROP TABLE \"@\"", "SELECT count(*) FROM \"@\"; DELETE FROM \"@\"", "EXPLAIN SELECT 1", "SELECT datetime('now')"};

// The same of a change that is allowed to write the table @, and not the table #.
constexpr const char* kChanges[] = {
    "SELECT 1", "DELETE FROM \"#\"", "UPDATE \"#\" SET rowid = rowid", "INSERT INTO \"#\" DEFAULT VALUES", "DELETE FROM sqlite_master",
    "UPDATE sqlite_schema SET sql = ''", "UPDATE \"@\" SET rowid = rowid + 1000", "DELETE FROM \"@\" RETURNING *", "DELETE FROM \"@\"; DROP TABLE \"@\"",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) DELETE FROM \"@\" WHERE rowid IN (SELECT i FROM n)",
    "DELETE FROM \"@\" WHERE random() > 0", "DELETE FROM \"@\" WHERE load_extension('x')", "DELETE FROM \"@\" WHERE zeroblob(2000000000) = ''",
    "DROP TABLE \"@\"", "ALTER TABLE \"@\" RENAME TO x", "CREATE TABLE x (a)", "CREATE TRIGGER x AFTER INSERT ON \"@\" BEGIN SELECT 1; END",
    "PRAGMA writable_schema = 1", "ATTACH ':memory:' AS x", "VACUUM", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT x", "EXPLAIN DELETE FROM \"@\""};

void attack(Attempts& attempts) {
  attempts.each(Part::kText, 1, [](const Json& part, const auto& place) {
    for (const auto& [sql, twin] : kInjections) {
      place.put("SQL for a name", sql);
      place.put("SQL behind a name", part.get<std::string>() + sql);
    }
  });
  for (const auto& [sql, twin] : kInjections) attempts.answer("SQL for it all", sql, Excuse::kNever);
  attempts.answer("a query", "SELECT * FROM gold", Excuse::kNever);
  attempts.answer("a query, as a text", "\"SELECT * FROM gold\"", Excuse::kNever);
}

// What a read tool says to a text argument that nobody can have meant.
Result<std::string> told(Tools& tools, const ToolSpec& tool, const std::string& parameter, const std::string& value) {
  Json arguments = Json::object();
  for (const Json& required : tool.parameters.value("required", Json::array())) {
    const std::string type = parameter_type(tool.parameters, required);
    arguments[required.get<std::string>()] = type == "string" ? Json(kNobody) : type == "array" ? Json::array() : Json(0);
  }
  arguments[parameter] = value;
  ASSAY_ASSIGN(const Observation observation, tools.call(tool.name, canonical_json(arguments)));
  return observation.error ? "an error" : observation.text;
}

Status attack_tools(Probes& probes) {
  PlainTools plain(probes.tools());
  ASSAY_TRY(plain.reset());
  for (const ToolSpec& tool : plain.specs()) {
    if (tool.effect != ToolEffect::kRead || (tool.kind != "sql" && tool.kind != "function")) continue;
    const Json properties = tool.parameters.value("properties", Json::object());
    for (const auto& [parameter, schema] : properties.items()) {
      if (parameter_type(tool.parameters, parameter) != "string" || schema.contains("enum")) continue;
      for (const auto& [sql, twin] : kInjections) {
        ASSAY_ASSIGN(const std::string answer, told(plain, tool, parameter, sql));
        ASSAY_ASSIGN(const std::string harmless, told(plain, tool, parameter, twin));
        probes.tried("SQL for an argument", tool.name + "(" + parameter + " = " + sql + ")", answer != harmless);
      }
    }
  }
  return {};
}

bool is_run(Connection& connection, const std::string& sql) {
  const auto query = connection.prepare(sql, "a hostile tool");
  std::vector<std::vector<Json>> rows;
  return query.ok() && (*query)->run(Json::object(), rows).ok();
}

bool is_carried_out(Connection& connection, const std::string& sql, const std::string& table) {
  const auto change = connection.prepare_change({sql}, {table}, "a hostile tool");
  return change.ok() && (*change)->run(Json::object()).ok();
}

// With the names of tables put in; nothing where there are too few.
std::optional<std::string> named(std::string sql, const std::vector<Table>& tables) {
  for (const auto& [sign, index] : {std::pair('@', size_t{0}), std::pair('#', size_t{1})})
    for (size_t at = sql.find(sign); at != std::string::npos; at = sql.find(sign)) {
      if (tables.size() <= index) return std::nullopt;
      sql.replace(at, 1, tables[index].spec.name);
    }
  return sql;
}

Status attack_environment(Probes& probes) {
  const auto& tables = probes.environment().tables.tables;
  for (const char* statement : kStatements)
    if (const auto sql = named(statement, tables)) probes.tried("a hostile statement in a tool", *sql, is_run(probes.connection(), *sql));
  for (const char* statement : kChanges) {
    const auto sql = named(statement, tables);
    if (!sql || tables.empty()) continue;
    probes.tried("a hostile change in a tool", *sql, is_carried_out(probes.connection(), *sql, tables[0].spec.name));
    ASSAY_TRY(probes.connection().reset());
  }
  return attack_tools(probes);
}

}  // namespace

Attack make() { return {"hostile_sql", "SQL in answers and arguments, hostile statements in a domain", attack, attack_environment}; }

}  // namespace assay::attacks::hostile_sql
