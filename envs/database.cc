#include "envs/database.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "envs/base/rng.h"

namespace assay {
namespace {

// The longest text of one cell, and of anything a query computes: one instruction cannot do more than linear work on it.
constexpr int kCellBytes = 64 << 10;

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Handle = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

std::string name_in_sql(std::string_view name) {
  std::string out = "\"";
  for (char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

Error sqlite_error(Boundary boundary, sqlite3* db, const std::string& where) {
  return make_error(boundary, std::string("SQLite says: ") + sqlite3_errmsg(db), where);
}

std::string_view column_text(sqlite3_stmt* statement, int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  return text ? std::string_view(text, static_cast<size_t>(sqlite3_column_bytes(statement, column))) : std::string_view();
}

// For SQL of our own making.
Result<Statement> compile(sqlite3* db, std::string_view sql, Boundary boundary, const std::string& where) {
  sqlite3_stmt* statement = nullptr;
  const int rc = sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_NO_VTAB, &statement, nullptr);
  if (rc != SQLITE_OK) return sqlite_error(boundary, db, where);
  return Statement(statement);
}

// ---- Building an image ----

class Builder {
 public:
  Builder(const Tables& tables, uint64_t shuffle_seed) : tables_(tables), shuffle_seed_(shuffle_seed) {}

  Result<std::string> build() {
    sqlite3* db = nullptr;
    const int rc = sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX, nullptr);
    db_.reset(db);
    if (rc != SQLITE_OK) return make_error(Boundary::kEnvironment, "cannot open a database in memory");
    ASSAY_TRY(execute("BEGIN", "schema"));
    for (const Table& table : tables_.tables) ASSAY_TRY(fill(table));
    for (const Table& table : tables_.tables) ASSAY_TRY(index(table));
    ASSAY_TRY(execute("COMMIT", "schema"));
    return serialized();
  }

 private:
  Status execute(const std::string& sql, const std::string& where) {
    if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    return sqlite_error(Boundary::kEnvironment, db_.get(), where);
  }

  static const char* sql_type(ColumnType type) {
    if (type == ColumnType::kInteger) return " INTEGER";
    return type == ColumnType::kDecimal ? " REAL" : " TEXT";
  }

  Status fill(const Table& table) {
    const TableSpec& spec = table.spec;
    std::vector<std::string> columns, marks;
    for (const ColumnSpec& column : spec.columns) {
      columns.push_back(name_in_sql(column.name) + sql_type(column.type));
      marks.push_back("?");
    }
    const std::string where = "table " + spec.name;
    ASSAY_TRY(execute("CREATE TABLE " + name_in_sql(spec.name) + " (" + joined(columns) + ")", where));
    ASSAY_ASSIGN(Statement insert, compile(db_.get(), "INSERT INTO " + name_in_sql(spec.name) + " VALUES (" + joined(marks) + ")",
                                           Boundary::kEnvironment, where));
    for (int32_t row : order_of(table)) {
      for (size_t c = 0; c < spec.columns.size(); ++c) ASSAY_TRY(bind(insert.get(), table, static_cast<int>(c), row));
      if (sqlite3_step(insert.get()) != SQLITE_DONE) return sqlite_error(Boundary::kEnvironment, db_.get(), where);
      sqlite3_reset(insert.get());
    }
    return {};
  }

  std::vector<int32_t> order_of(const Table& table) const {
    std::vector<int32_t> rows(static_cast<size_t>(table.size()));
    for (int32_t row = 0; row < table.size(); ++row) rows[row] = row;
    if (shuffle_seed_ != 0) Rng(shuffle_seed_, "rows/" + table.spec.name).shuffle(rows);
    return rows;
  }

  Status bind(sqlite3_stmt* insert, const Table& table, int c, int32_t row) {
    const ColumnSpec& column = table.spec.columns[c];
    const int64_t cell = table.cell(c, row);
    if (cell == kNull) {
      sqlite3_bind_null(insert, c + 1);
    } else if (column.type == ColumnType::kInteger) {
      sqlite3_bind_int64(insert, c + 1, cell);
    } else if (column.type == ColumnType::kDecimal) {
      sqlite3_bind_double(insert, c + 1, static_cast<double>(cell) / static_cast<double>(kPowersOfTen[column.decimals]));
    } else {
      const std::string_view text = column.type == ColumnType::kText
                                        ? tables_.texts.text(static_cast<int32_t>(cell))
                                        : tables_.entity_name(tables_.table_index(column.references), static_cast<int32_t>(cell));
      if (text.size() > kCellBytes)
        return make_error(Boundary::kEnvironment, "a text of " + std::to_string(text.size()) + " bytes is over the limit of " +
                          std::to_string(kCellBytes), table.spec.name + "." + column.name + " row " + std::to_string(row),
                          "shorten it");
      sqlite3_bind_text(insert, c + 1, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    }
    return {};
  }

  // What tools look things up by: the key, and each reference; with the name behind it, "all in this city, by name" needs no sort.
  Status index(const Table& table) {
    const TableSpec& spec = table.spec;
    std::vector<std::vector<std::string>> indexes = {spec.key};
    for (const ColumnSpec& column : spec.columns)
      if (column.type == ColumnType::kReference && column.name != spec.key[0]) indexes.push_back({column.name, spec.key[0]});
    for (const std::vector<std::string>& columns : indexes) {
      std::vector<std::string> names;
      for (const std::string& column : columns) names.push_back(name_in_sql(column));
      ASSAY_TRY(execute("CREATE INDEX " + name_in_sql("index " + std::to_string(indexes_++)) + " ON " + name_in_sql(spec.name) + " (" +
                        joined(names) + ")", "table " + spec.name));
    }
    return {};
  }

  Result<std::string> serialized() {
    // A database without tables has no page, and so no bytes, until something is written into it.
    ASSAY_TRY(execute("PRAGMA user_version = 1", "database"));
    sqlite3_int64 size = 0;
    unsigned char* bytes = sqlite3_serialize(db_.get(), "main", &size, 0);
    if (!bytes) return make_error(Boundary::kEnvironment, "not enough memory for the database");
    std::string out(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
    sqlite3_free(bytes);
    return out;
  }

  const Tables& tables_;
  uint64_t shuffle_seed_;
  int64_t indexes_ = 0;
  Handle db_;
};

// ---- Querying ----

// Pure functions of their arguments, linear in them, whose result is no longer than they are.
constexpr std::array<std::string_view, 19> kFunctions = {
    "abs", "avg", "coalesce", "count", "ifnull", "iif", "length", "lower", "ltrim", "max",
    "min", "nullif", "round", "rtrim", "substr", "sum", "total", "trim", "upper"};

// No file is ever opened through this one. Sorting and temporary tables that outgrow their cache (2 MB) want a file and fail:
// so neither memory nor disk can be filled by a query.
const char* closed_vfs() {
  static const char* const kName = "assay-closed";
  static std::once_flag once;
  std::call_once(once, [] {
    sqlite3_initialize();
    static sqlite3_vfs vfs = *sqlite3_vfs_find(nullptr);
    vfs.zName = kName;
    vfs.pNext = nullptr;
    vfs.xOpen = [](sqlite3_vfs*, const char*, sqlite3_file* file, int, int*) {
      file->pMethods = nullptr;
      return SQLITE_CANTOPEN;
    };
    sqlite3_vfs_register(&vfs, 0);
  });
  return kName;
}

class SqliteConnection final : public Connection {
 public:
  SqliteConnection(std::shared_ptr<const Database> database, const QueryLimits& limits)
      : database_(std::move(database)), limits_(limits) {}

  Status open();
  Result<std::unique_ptr<Query>> prepare(std::string_view sql, const std::string& where) override;
  Status reverse_unordered(bool on) override;

  const QueryLimits& limits() const { return limits_; }
  sqlite3* handle() const { return db_.get(); }
  void refill_steps() { steps_ = 0; }
  // The failure of the last call as ours: what was refused, what ran out, or what SQLite says.
  Error failure(int rc, const std::string& where);

 private:
  static constexpr int kStepsPerCheck = 1000;

  static int authorize(void* self, int action, const char* first, const char* second, const char* database, const char*) {
    return static_cast<SqliteConnection*>(self)->allow(action, first, second, database) ? SQLITE_OK : SQLITE_DENY;
  }
  static int count_steps(void* self) {
    auto* connection = static_cast<SqliteConnection*>(self);
    connection->steps_ += kStepsPerCheck;
    return connection->steps_ > connection->limits_.progress_steps;
  }
  bool allow(int action, const char* first, const char* second, const char* database);
  bool refuse(std::string what) {
    if (refused_.empty()) refused_ = std::move(what);
    return false;
  }
  void limit_size();
  Status read_schema();

  std::shared_ptr<const Database> database_;  // its bytes are read in place
  QueryLimits limits_;
  Handle db_;
  std::vector<std::string> tables_;
  std::string refused_;
  int64_t steps_ = 0;
};

class SqliteQuery final : public Query {
 public:
  SqliteQuery(SqliteConnection& connection, Statement statement, std::string where)
      : connection_(connection), statement_(std::move(statement)), where_(std::move(where)) {
    for (int i = 0; i < sqlite3_column_count(statement_.get()); ++i) {
      const char* name = sqlite3_column_name(statement_.get(), i);
      columns_.emplace_back(name ? name : "");
    }
  }

  // Fails unless every parameter is of the form :name.
  Status name_parameters();
  const std::vector<std::string>& columns() const override { return columns_; }
  const std::vector<std::string>& parameters() const override { return parameters_; }
  Status run(const Json& arguments, std::vector<std::vector<Json>>& rows) override;

 private:
  Status bind(int position, const Json& value);
  Status fetch(std::vector<std::vector<Json>>& rows);

  SqliteConnection& connection_;
  Statement statement_;
  std::string where_;
  std::vector<std::string> columns_, parameters_;
};

Status SqliteConnection::open() {
  sqlite3* db = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  int rc = sqlite3_open_v2(":memory:", &db, flags, closed_vfs());
  db_.reset(db);
  if (rc != SQLITE_OK) return make_error(Boundary::kEnvironment, "cannot open a database in memory");
  sqlite3_extended_result_codes(db, 0);
  const std::string_view bytes = database_->bytes();
  const auto size = static_cast<sqlite3_int64>(bytes.size());
  // Read-only: SQLite does not write to these bytes, which other threads read too.
  auto* image = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  rc = sqlite3_deserialize(db, "main", image, size, size, SQLITE_DESERIALIZE_READONLY);
  if (rc != SQLITE_OK) return sqlite_error(Boundary::kEnvironment, db, "database image");
  ASSAY_TRY(read_schema());
  for (int option : {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_ENABLE_TRIGGER,
                     SQLITE_DBCONFIG_ENABLE_VIEW, SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL})
    sqlite3_db_config(db, option, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  limit_size();
  sqlite3_set_authorizer(db, authorize, this);
  sqlite3_progress_handler(db, kStepsPerCheck, count_steps, this);
  return {};
}

void SqliteConnection::limit_size() {
  const auto bound = [&](int what, int64_t value) { sqlite3_limit(db_.get(), what, static_cast<int>(value)); };
  bound(SQLITE_LIMIT_LENGTH, kCellBytes);
  bound(SQLITE_LIMIT_SQL_LENGTH, std::min<int64_t>(limits_.sql_bytes, kCellBytes));
  bound(SQLITE_LIMIT_COLUMN, 200);
  bound(SQLITE_LIMIT_EXPR_DEPTH, 50);
  bound(SQLITE_LIMIT_COMPOUND_SELECT, 10);
  bound(SQLITE_LIMIT_VDBE_OP, 25'000);
  bound(SQLITE_LIMIT_FUNCTION_ARG, 8);
  bound(SQLITE_LIMIT_ATTACHED, 0);
  bound(SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 0);
  bound(SQLITE_LIMIT_VARIABLE_NUMBER, 50);
  bound(SQLITE_LIMIT_TRIGGER_DEPTH, 1);
  bound(SQLITE_LIMIT_WORKER_THREADS, 0);
}

Status SqliteConnection::read_schema() {
  ASSAY_ASSIGN(Statement names, compile(db_.get(), "SELECT name FROM sqlite_master WHERE type = 'table'",
                                        Boundary::kEnvironment, "database image"));
  while (sqlite3_step(names.get()) == SQLITE_ROW) tables_.emplace_back(column_text(names.get(), 0));
  return {};
}

bool SqliteConnection::allow(int action, const char* first, const char* second, const char* database) {
  switch (action) {
    case SQLITE_SELECT:
      return true;
    case SQLITE_READ: {
      // Where no column is read, as by count(*), SQLite passes the name as written and no database.
      const std::string table = first ? first : "";
      const bool known = std::any_of(tables_.begin(), tables_.end(),
                                     [&](const std::string& name) { return sqlite3_stricmp(name.c_str(), table.c_str()) == 0; });
      if (known && (!database || std::string_view(database) == "main")) return true;
      return refuse("the table '" + table + "'");
    }
    case SQLITE_FUNCTION: {
      const std::string_view name = second ? second : "";
      if (std::find(kFunctions.begin(), kFunctions.end(), name) != kFunctions.end()) return true;
      return refuse("the function " + std::string(name) + "()");
    }
    case SQLITE_RECURSIVE:
      return refuse("recursion");
    default:
      return refuse("anything but SELECT");
  }
}

Error SqliteConnection::failure(int rc, const std::string& where) {
  if (!refused_.empty()) {
    std::string functions;
    for (std::string_view name : kFunctions) functions += (functions.empty() ? "" : ", ") + std::string(name);
    return make_error(Boundary::kTool, "the query may not use " + refused_, where,
                      "one SELECT over the tables " + joined(tables_) + " with the functions " + functions);
  }
  switch (rc) {
    case SQLITE_INTERRUPT:
      return make_error(Boundary::kLimit, "the query takes more than " + std::to_string(limits_.progress_steps) + " steps", where,
                        "look rows up by a key or a reference");
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
    case SQLITE_FULL:
      return make_error(Boundary::kLimit, "the query needs too much memory to sort or group", where, "select fewer rows");
    case SQLITE_TOOBIG:
      return make_error(Boundary::kLimit, "the query, or a text in it, is too long", where);
    default:
      return sqlite_error(Boundary::kTool, db_.get(), where);
  }
}

Result<std::unique_ptr<Query>> SqliteConnection::prepare(std::string_view sql, const std::string& where) {
  if (sql.size() > static_cast<size_t>(limits_.sql_bytes))
    return make_error(Boundary::kLimit, "the query is longer than " + std::to_string(limits_.sql_bytes) + " bytes", where);
  if (sql.find('\0') != std::string_view::npos) return make_error(Boundary::kTool, "the query has a zero byte", where);
  refused_.clear();
  refill_steps();
  const auto compile_next = [&](std::string_view text, const char** tail, Statement& out) {
    sqlite3_stmt* statement = nullptr;
    const unsigned flags = SQLITE_PREPARE_PERSISTENT | SQLITE_PREPARE_NO_VTAB;
    const int rc = sqlite3_prepare_v3(db_.get(), text.data(), static_cast<int>(text.size()), flags, &statement, tail);
    out.reset(statement);
    return rc;
  };
  Statement statement, second;
  const char* tail = nullptr;
  if (const int rc = compile_next(sql, &tail, statement); rc != SQLITE_OK) return failure(rc, where);
  const std::string_view rest = sql.substr(static_cast<size_t>(tail - sql.data()));
  if (compile_next(rest, &tail, second) != SQLITE_OK || second)
    return make_error(Boundary::kTool, "the query has a second statement", where, "one SELECT");
  if (!statement || !sqlite3_stmt_readonly(statement.get()) || sqlite3_stmt_isexplain(statement.get()) != 0 ||
      sqlite3_column_count(statement.get()) == 0)
    return make_error(Boundary::kTool, "the query is not a SELECT", where, "one SELECT");
  auto query = std::make_unique<SqliteQuery>(*this, std::move(statement), where);
  ASSAY_TRY(query->name_parameters());
  return std::unique_ptr<Query>(std::move(query));
}

Status SqliteConnection::reverse_unordered(bool on) {
  sqlite3_set_authorizer(db_.get(), nullptr, nullptr);
  const char* sql = on ? "PRAGMA reverse_unordered_selects = 1" : "PRAGMA reverse_unordered_selects = 0";
  const int rc = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  sqlite3_set_authorizer(db_.get(), authorize, this);
  if (rc != SQLITE_OK) return sqlite_error(Boundary::kEnvironment, db_.get(), "reverse_unordered");
  return {};
}

Status SqliteQuery::name_parameters() {
  for (int i = 1; i <= sqlite3_bind_parameter_count(statement_.get()); ++i) {
    const char* name = sqlite3_bind_parameter_name(statement_.get(), i);
    if (!name || name[0] != ':')
      return make_error(Boundary::kTool, "the query has a parameter without a name", where_, "parameters of the form :name");
    parameters_.emplace_back(name + 1);
  }
  return {};
}

Status SqliteQuery::run(const Json& arguments, std::vector<std::vector<Json>>& rows) {
  static const Json kAbsent;
  Status status;
  for (size_t i = 0; i < parameters_.size() && status.ok(); ++i) {
    const auto it = arguments.find(parameters_[i]);
    status = bind(static_cast<int>(i), it == arguments.end() ? kAbsent : *it);
  }
  if (status.ok()) status = fetch(rows);
  sqlite3_reset(statement_.get());
  return status;
}

Status SqliteQuery::bind(int position, const Json& value) {
  sqlite3_stmt* statement = statement_.get();
  const int at = position + 1;
  int rc = SQLITE_OK;
  if (value.is_string()) {
    // Borrowed: the arguments outlive the steps, and a later run binds every parameter again.
    const std::string& text = value.get_ref<const std::string&>();
    rc = sqlite3_bind_text64(statement, at, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  } else if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) {
    rc = sqlite3_bind_double(statement, at, value.get<double>());
  } else if (value.is_number_integer()) {
    rc = sqlite3_bind_int64(statement, at, value.get<int64_t>());
  } else if (value.is_number()) {
    rc = sqlite3_bind_double(statement, at, value.get<double>());
  } else if (value.is_boolean()) {
    rc = sqlite3_bind_int(statement, at, value.get<bool>() ? 1 : 0);
  } else if (value.is_null()) {
    rc = sqlite3_bind_null(statement, at);
  } else {
    return make_error(Boundary::kTool, "the parameter '" + parameters_[position] + "' cannot be an " + value.type_name(), where_);
  }
  if (rc != SQLITE_OK) return connection_.failure(rc, where_);
  return {};
}

Status SqliteQuery::fetch(std::vector<std::vector<Json>>& rows) {
  sqlite3_stmt* statement = statement_.get();
  const QueryLimits& limits = connection_.limits();
  const int width = static_cast<int>(columns_.size());
  int64_t count = 0, bytes = 0;
  connection_.refill_steps();
  int rc = SQLITE_OK;
  while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
    if (++count > limits.rows)
      return make_error(Boundary::kLimit, "the query returns more than " + std::to_string(limits.rows) + " rows", where_);
    std::vector<Json>& row = rows.emplace_back();
    row.reserve(static_cast<size_t>(width));
    for (int column = 0; column < width; ++column) {
      switch (sqlite3_column_type(statement, column)) {
        case SQLITE_INTEGER: row.emplace_back(static_cast<int64_t>(sqlite3_column_int64(statement, column))); break;
        case SQLITE_FLOAT: row.emplace_back(sqlite3_column_double(statement, column)); break;
        case SQLITE_NULL: row.emplace_back(nullptr); break;
        case SQLITE_BLOB: return make_error(Boundary::kTool, "the query returns binary data in '" + columns_[column] + "'", where_);
        default: row.emplace_back(std::string(column_text(statement, column)));
      }
      bytes += 16 + sqlite3_column_bytes(statement, column);
    }
    if (bytes > limits.bytes)
      return make_error(Boundary::kLimit, "the query returns more than " + std::to_string(limits.bytes) + " bytes", where_);
  }
  if (rc != SQLITE_DONE) return connection_.failure(rc, where_);
  return {};
}

// ---- Reading a user's file ----

constexpr int64_t kImportBytes = int64_t{1} << 30;

Status read_rows(sqlite3* db, const std::string& path, RawTable& table, int64_t& bytes) {
  const std::string where = path + ": table " + table.name;
  ASSAY_ASSIGN(Statement select, compile(db, "SELECT * FROM " + name_in_sql(table.name), Boundary::kInput, where));
  for (int c = 0; c < sqlite3_column_count(select.get()); ++c) {
    const char* name = sqlite3_column_name(select.get(), c);
    table.columns.emplace_back(name ? name : "");
  }
  int rc = SQLITE_OK;
  while ((rc = sqlite3_step(select.get())) == SQLITE_ROW) {
    auto& row = table.rows.emplace_back();
    for (size_t c = 0; c < table.columns.size(); ++c) {
      const int type = sqlite3_column_type(select.get(), static_cast<int>(c));
      if (type == SQLITE_NULL || type == SQLITE_BLOB) row.emplace_back(std::nullopt);
      else row.emplace_back(std::string(column_text(select.get(), static_cast<int>(c))));
      bytes += 40 + (row.back() ? static_cast<int64_t>(row.back()->size()) : 0);
    }
    if (bytes > kImportBytes) return input_error("more than 1 GiB of data", where, "import fewer rows or columns");
  }
  if (rc != SQLITE_DONE) return sqlite_error(Boundary::kInput, db, where);
  return {};
}

}  // namespace

Result<std::shared_ptr<const Database>> Database::build(const Tables& tables, uint64_t shuffle_seed) {
  auto database = std::make_shared<Database>();
  ASSAY_ASSIGN(database->bytes_, Builder(tables, shuffle_seed).build());
  return std::shared_ptr<const Database>(std::move(database));
}

Status Database::write_to(const std::string& path) const { return write_file(path, bytes_); }

Result<std::unique_ptr<Connection>> Connection::open(std::shared_ptr<const Database> database, QueryLimits limits) {
  auto connection = std::make_unique<SqliteConnection>(std::move(database), limits);
  ASSAY_TRY(connection->open());
  return std::unique_ptr<Connection>(std::move(connection));
}

Result<std::vector<RawTable>> read_sqlite_file(const std::string& path) {
  sqlite3* db = nullptr;
  const int rc = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  const Handle handle(db);
  if (rc != SQLITE_OK) return input_error("cannot open as a SQLite file", path, "check the path and its permissions");
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);  // its schema is as little trusted as its rows
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 16 << 20);
  ASSAY_ASSIGN(Statement names, compile(db, "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND "
                                            "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name", Boundary::kInput, path));
  std::vector<RawTable> tables;
  int step = SQLITE_OK;
  while ((step = sqlite3_step(names.get())) == SQLITE_ROW) tables.push_back({std::string(column_text(names.get(), 0)), {}, {}});
  if (step != SQLITE_DONE) return sqlite_error(Boundary::kInput, db, path);
  int64_t bytes = 0;
  for (RawTable& table : tables) ASSAY_TRY(read_rows(db, path, table, bytes));
  return tables;
}

}  // namespace assay
