#include "envs/database.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstring>
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

constexpr int64_t kGrowthBytes = 16 << 20;   // of the copy that changes are made to

// The image itself, which SQLite does not write to and other threads read too; or a copy.
Result<Handle> open_image(std::string_view bytes, Access access) {
  sqlite3* db = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  int rc = sqlite3_open_v2(":memory:", &db, flags, closed_vfs());
  Handle handle(db);
  if (rc != SQLITE_OK) return make_error(Boundary::kEnvironment, "cannot open a database in memory");
  sqlite3_extended_result_codes(db, 0);
  const auto size = static_cast<sqlite3_int64>(bytes.size());
  if (access == Access::kRead) {
    auto* image = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
    rc = sqlite3_deserialize(db, "main", image, size, size, SQLITE_DESERIALIZE_READONLY);
  } else {
    auto* copy = static_cast<unsigned char*>(sqlite3_malloc64(static_cast<sqlite3_uint64>(size)));
    if (!copy) return make_error(Boundary::kEnvironment, "not enough memory for the database");
    std::memcpy(copy, bytes.data(), bytes.size());
    rc = sqlite3_deserialize(db, "main", copy, size, size, SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
    sqlite3_int64 most = size + kGrowthBytes;
    if (rc == SQLITE_OK) rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_SIZE_LIMIT, &most);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, "PRAGMA journal_mode = MEMORY", nullptr, nullptr, nullptr);
  }
  if (rc != SQLITE_OK) return sqlite_error(Boundary::kEnvironment, db, "database image");
  return handle;
}

// A statement and its parameters, all of the form :name.
struct Prepared {
  Statement statement;
  std::vector<std::string> parameters;
};

class SqliteConnection final : public Connection {
 public:
  SqliteConnection(std::shared_ptr<const Database> database, const QueryLimits& limits, Access access)
      : database_(std::move(database)), limits_(limits), access_(access) {}

  Status open();
  Result<std::unique_ptr<Query>> prepare(std::string_view sql, const std::string& where) override;
  Result<std::unique_ptr<Change>> prepare_change(const std::vector<std::string>& statements, const std::vector<std::string>& writes,
                                                 const std::string& where) override;
  Result<std::vector<TouchedRow>> touched() override;
  Status reset() override;
  Status reverse_unordered(bool on) override;

  const QueryLimits& limits() const { return limits_; }
  sqlite3* handle() const { return db_.get(); }
  void refill_steps() { steps_ = 0; }
  Status bind(const Prepared& prepared, const Json& arguments, const std::string& where);
  // The failure of the last call as ours: what was refused, what ran out, or what SQLite says.
  Error failure(int rc, const std::string& where);
  // SQLite gives a whole transaction up when it runs out of memory or steps in the middle of a change.
  Status check_alive(const std::string& where) const;

  // What statements may do while one of these lives: nothing but read, otherwise.
  struct Permission {
    Permission(SqliteConnection& connection, const std::vector<std::string>* writes, bool transactions)
        : connection_(connection) {
      connection_.writes_ = writes;
      connection_.transactions_ = transactions;
    }
    ~Permission() {
      connection_.writes_ = nullptr;
      connection_.transactions_ = false;
    }
    SqliteConnection& connection_;
  };
  enum class Mark { kBegin, kRollback, kSave, kRelease, kUndo };
  Status run(Mark mark);

 private:
  static constexpr int kStepsPerCheck = 1000;
  static constexpr std::array<const char*, 5> kMarks = {"BEGIN", "ROLLBACK", "SAVEPOINT change", "RELEASE change", "ROLLBACK TO change"};

  struct Touched {
    std::vector<sqlite3_int64> rows;   // as they were written: unsorted, some more than once
    Statement before, after;           // one row by its id, here and in the image
  };

  static int authorize(void* self, int action, const char* first, const char* second, const char* database, const char*) {
    return static_cast<SqliteConnection*>(self)->allow(action, first, second, database);
  }
  static int count_steps(void* self) {
    auto* connection = static_cast<SqliteConnection*>(self);
    connection->steps_ += kStepsPerCheck;
    return connection->steps_ > connection->limits_.progress_steps;
  }
  static void note_write(void* self, int, const char*, const char* table, sqlite3_int64 row) {
    auto* connection = static_cast<SqliteConnection*>(self);
    for (size_t t = 0; t < connection->tables_.size(); ++t)
      if (connection->tables_[t] == table) connection->touched_[t].rows.push_back(row);
  }
  int allow(int action, const char* first, const char* second, const char* database);
  bool is_table(const char* name, const char* database) const;
  bool may_write(const char* table) const;
  int refuse(std::string what) {
    if (refused_.empty()) refused_ = std::move(what);
    return SQLITE_DENY;
  }
  void limit_size();
  Status read_schema();
  Result<Prepared> prepare_one(std::string_view sql, const std::string& where, const char* expected);
  Status name_parameters(Prepared& prepared, const std::string& where) const;
  Status bind_cell(sqlite3_stmt* statement, int at, const std::string& name, const Json& value, const std::string& where);

  std::shared_ptr<const Database> database_;  // its bytes are read in place
  QueryLimits limits_;
  Access access_;
  Handle db_, image_;                         // image_: as it was in the beginning, where changes are made
  std::vector<std::string> tables_;
  std::vector<Touched> touched_;              // [table]
  std::array<Statement, kMarks.size()> marks_;
  const std::vector<std::string>* writes_ = nullptr;
  bool transactions_ = false;
  bool writing_ = false;                      // the statement last prepared writes, and may
  std::string refused_;
  int64_t steps_ = 0;
};

class SqliteQuery final : public Query {
 public:
  SqliteQuery(SqliteConnection& connection, Prepared prepared, std::string where)
      : connection_(connection), prepared_(std::move(prepared)), where_(std::move(where)) {
    for (int i = 0; i < sqlite3_column_count(prepared_.statement.get()); ++i) {
      const char* name = sqlite3_column_name(prepared_.statement.get(), i);
      columns_.emplace_back(name ? name : "");
    }
  }

  const std::vector<std::string>& columns() const override { return columns_; }
  const std::vector<std::string>& parameters() const override { return prepared_.parameters; }
  Status run(const Json& arguments, std::vector<std::vector<Json>>& rows) override;

 private:
  Status fetch(std::vector<std::vector<Json>>& rows);

  SqliteConnection& connection_;
  Prepared prepared_;
  std::string where_;
  std::vector<std::string> columns_;
};

class SqliteChange final : public Change {
 public:
  SqliteChange(SqliteConnection& connection, std::vector<Prepared> statements, std::vector<std::string> writes, std::string where)
      : connection_(connection), statements_(std::move(statements)), writes_(std::move(writes)), where_(std::move(where)) {
    for (const Prepared& each : statements_)
      for (const std::string& name : each.parameters)
        if (std::find(parameters_.begin(), parameters_.end(), name) == parameters_.end()) parameters_.push_back(name);
  }

  const std::vector<std::string>& parameters() const override { return parameters_; }
  Result<int64_t> run(const Json& arguments) override;

 private:
  Result<int64_t> run_all(const Json& arguments);

  SqliteConnection& connection_;
  std::vector<Prepared> statements_;
  std::vector<std::string> writes_, parameters_;
  std::string where_;
};

// Appends the cells of the row a statement stands on; a blob is an error that names its column.
Status read_row(sqlite3_stmt* statement, std::vector<Json>& row, const std::string& where) {
  const int width = sqlite3_column_count(statement);
  row.reserve(static_cast<size_t>(width));
  for (int column = 0; column < width; ++column) {
    switch (sqlite3_column_type(statement, column)) {
      case SQLITE_INTEGER: row.emplace_back(static_cast<int64_t>(sqlite3_column_int64(statement, column))); break;
      case SQLITE_FLOAT: row.emplace_back(sqlite3_column_double(statement, column)); break;
      case SQLITE_NULL: row.emplace_back(nullptr); break;
      case SQLITE_BLOB:
        return make_error(Boundary::kTool, std::string("the query returns binary data in '") + sqlite3_column_name(statement, column) + "'", where);
      default: row.emplace_back(std::string(column_text(statement, column)));
    }
  }
  return {};
}

Status SqliteConnection::open() {
  ASSAY_ASSIGN(db_, open_image(database_->bytes(), access_));
  sqlite3* db = db_.get();
  ASSAY_TRY(read_schema());
  for (int option : {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_ENABLE_TRIGGER,
                     SQLITE_DBCONFIG_ENABLE_VIEW, SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL})
    sqlite3_db_config(db, option, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  limit_size();
  sqlite3_set_authorizer(db, authorize, this);
  sqlite3_progress_handler(db, kStepsPerCheck, count_steps, this);
  if (access_ == Access::kRead) return {};
  ASSAY_ASSIGN(image_, open_image(database_->bytes(), Access::kRead));
  touched_.resize(tables_.size());
  sqlite3_update_hook(db, note_write, this);
  const Permission permission(*this, nullptr, true);
  for (size_t i = 0; i < kMarks.size(); ++i) {
    ASSAY_ASSIGN(marks_[i], compile(db, kMarks[i], Boundary::kEnvironment, "database image"));
  }
  return run(Mark::kBegin);
}

Status SqliteConnection::run(Mark mark) {
  const Permission permission(*this, nullptr, true);   // a statement may be prepared again when it runs
  sqlite3_stmt* statement = marks_[static_cast<size_t>(mark)].get();
  const bool done = sqlite3_step(statement) == SQLITE_DONE;
  sqlite3_reset(statement);
  return done ? Status() : Status(sqlite_error(Boundary::kEnvironment, db_.get(), kMarks[static_cast<size_t>(mark)]));
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

bool SqliteConnection::is_table(const char* name, const char* database) const {
  const std::string table = name ? name : "";
  // Where no column is read, as by count(*), SQLite passes the name as written and no database.
  return (!database || std::string_view(database) == "main") &&
         std::any_of(tables_.begin(), tables_.end(), [&](const std::string& each) { return sqlite3_stricmp(each.c_str(), table.c_str()) == 0; });
}

bool SqliteConnection::may_write(const char* table) const {
  return writes_ && std::any_of(writes_->begin(), writes_->end(), [&](const std::string& each) { return sqlite3_stricmp(each.c_str(), table) == 0; });
}

int SqliteConnection::allow(int action, const char* first, const char* second, const char* database) {
  switch (action) {
    case SQLITE_SELECT:
      return SQLITE_OK;
    case SQLITE_READ:
      return is_table(first, database) ? SQLITE_OK : refuse("the table '" + std::string(first ? first : "") + "'");
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
      if (!writes_) return refuse("anything but SELECT");
      if (!is_table(first, database) || !may_write(first)) return refuse("the table '" + std::string(first) + "' for writing");
      if (action == SQLITE_UPDATE && sqlite3_stricmp(second, "rowid") == 0) return refuse("row ids");
      writing_ = true;
      // To ignore this one means: delete row by row, each of them noted, instead of the whole table at once.
      return action == SQLITE_DELETE ? SQLITE_IGNORE : SQLITE_OK;
    case SQLITE_FUNCTION: {
      const std::string_view name = second ? second : "";
      if (std::find(kFunctions.begin(), kFunctions.end(), name) != kFunctions.end()) return SQLITE_OK;
      return refuse("the function " + std::string(name) + "()");
    }
    case SQLITE_RECURSIVE:
      return refuse("recursion");
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
      if (transactions_) return SQLITE_OK;
      [[fallthrough]];
    default:
      return refuse(writes_ ? "anything but INSERT, UPDATE and DELETE" : "anything but SELECT");
  }
}

Error SqliteConnection::failure(int rc, const std::string& where) {
  if (!refused_.empty()) {
    std::string functions;
    for (std::string_view name : kFunctions) functions += (functions.empty() ? "" : ", ") + std::string(name);
    return make_error(Boundary::kTool, "the query may not use " + refused_, where,
                      (writes_ ? "one INSERT, UPDATE or DELETE in the tables " + joined(*writes_) + ", over the tables " : "one SELECT over the tables ") + joined(tables_) + " with the functions " + functions);
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

Status SqliteConnection::check_alive(const std::string& where) const {
  if (access_ == Access::kRead || sqlite3_get_autocommit(db_.get()) == 0) return {};
  return make_error(Boundary::kTool, "a change failed, and with it everything changed before", where, "a new episode");
}

// One whole statement under the authorizer. `expected` is what a second statement is answered with.
Result<Prepared> SqliteConnection::prepare_one(std::string_view sql, const std::string& where, const char* expected) {
  if (sql.size() > static_cast<size_t>(limits_.sql_bytes))
    return make_error(Boundary::kLimit, "the query is longer than " + std::to_string(limits_.sql_bytes) + " bytes", where);
  if (sql.find('\0') != std::string_view::npos) return make_error(Boundary::kTool, "the query has a zero byte", where);
  refused_.clear();
  writing_ = false;
  refill_steps();
  const auto compile_next = [&](std::string_view text, const char** tail, Statement& out) {
    sqlite3_stmt* statement = nullptr;
    const unsigned flags = SQLITE_PREPARE_PERSISTENT | SQLITE_PREPARE_NO_VTAB;
    const int rc = sqlite3_prepare_v3(db_.get(), text.data(), static_cast<int>(text.size()), flags, &statement, tail);
    out.reset(statement);
    return rc;
  };
  Prepared prepared;
  Statement second;
  const char* tail = nullptr;
  if (const int rc = compile_next(sql, &tail, prepared.statement); rc != SQLITE_OK) return failure(rc, where);
  const std::string_view rest = sql.substr(static_cast<size_t>(tail - sql.data()));
  if (compile_next(rest, &tail, second) != SQLITE_OK || second)
    return make_error(Boundary::kTool, "the query has a second statement", where, expected);
  if (prepared.statement) ASSAY_TRY(name_parameters(prepared, where));
  return prepared;
}

Result<std::unique_ptr<Query>> SqliteConnection::prepare(std::string_view sql, const std::string& where) {
  ASSAY_ASSIGN(Prepared prepared, prepare_one(sql, where, "one SELECT"));
  sqlite3_stmt* statement = prepared.statement.get();
  if (!statement || !sqlite3_stmt_readonly(statement) || sqlite3_stmt_isexplain(statement) != 0 || sqlite3_column_count(statement) == 0)
    return make_error(Boundary::kTool, "the query is not a SELECT", where, "one SELECT");
  return std::unique_ptr<Query>(std::make_unique<SqliteQuery>(*this, std::move(prepared), where));
}

Result<std::unique_ptr<Change>> SqliteConnection::prepare_change(const std::vector<std::string>& statements, const std::vector<std::string>& writes,
                                                                 const std::string& where) {
  constexpr const char* kExpected = "one INSERT, UPDATE or DELETE";
  ASSAY_ASSERT(access_ == Access::kWrite);
  for (const std::string& table : writes)
    if (std::find(tables_.begin(), tables_.end(), table) == tables_.end()) return unknown_name("table", table, tables_, where);
  const Permission permission(*this, &writes, false);
  std::vector<Prepared> all;
  for (const std::string& sql : statements) {
    ASSAY_ASSIGN(Prepared prepared, prepare_one(sql, where, kExpected));
    sqlite3_stmt* statement = prepared.statement.get();
    // VACUUM, for one, asks no authorizer.
    if (!statement || !writing_ || sqlite3_stmt_isexplain(statement) != 0 || sqlite3_column_count(statement) != 0)
      return make_error(Boundary::kTool, "the statement is not a change that returns nothing", where, kExpected);
    all.push_back(std::move(prepared));
  }
  return std::unique_ptr<Change>(std::make_unique<SqliteChange>(*this, std::move(all), writes, where));
}

Result<std::vector<TouchedRow>> SqliteConnection::touched() {
  ASSAY_TRY(check_alive("touched rows"));
  std::vector<TouchedRow> out;
  const auto read = [](sqlite3_stmt* statement, sqlite3_int64 id, const std::string& table, std::vector<Json>& row) -> Status {
    sqlite3_bind_int64(statement, 1, id);
    Status status;
    const int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) status = read_row(statement, row, "table " + table);
    else if (rc != SQLITE_DONE) status = sqlite_error(Boundary::kEnvironment, sqlite3_db_handle(statement), "table " + table);
    sqlite3_reset(statement);
    return status;
  };
  refill_steps();
  for (size_t t = 0; t < touched_.size(); ++t) {
    Touched& touched = touched_[t];
    std::sort(touched.rows.begin(), touched.rows.end());
    touched.rows.erase(std::unique(touched.rows.begin(), touched.rows.end()), touched.rows.end());
    if (touched.rows.empty()) continue;
    if (!touched.before) {
      const std::string sql = "SELECT * FROM " + name_in_sql(tables_[t]) + " WHERE rowid = ?1";
      ASSAY_ASSIGN(touched.before, compile(image_.get(), sql, Boundary::kEnvironment, "table " + tables_[t]));
      ASSAY_ASSIGN(touched.after, compile(db_.get(), sql, Boundary::kEnvironment, "table " + tables_[t]));
    }
    for (sqlite3_int64 id : touched.rows) {
      TouchedRow& row = out.emplace_back();
      row.table = tables_[t];
      ASSAY_TRY(read(touched.before.get(), id, row.table, row.before));
      ASSAY_TRY(read(touched.after.get(), id, row.table, row.after));
    }
  }
  return out;
}

Status SqliteConnection::reset() {
  if (access_ == Access::kRead) return {};
  for (Touched& touched : touched_) touched.rows.clear();
  if (sqlite3_get_autocommit(db_.get()) == 0) ASSAY_TRY(run(Mark::kRollback));
  return run(Mark::kBegin);
}

Status SqliteConnection::reverse_unordered(bool on) {
  sqlite3_set_authorizer(db_.get(), nullptr, nullptr);
  const char* sql = on ? "PRAGMA reverse_unordered_selects = 1" : "PRAGMA reverse_unordered_selects = 0";
  const int rc = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  sqlite3_set_authorizer(db_.get(), authorize, this);
  if (rc != SQLITE_OK) return sqlite_error(Boundary::kEnvironment, db_.get(), "reverse_unordered");
  return {};
}

Status SqliteConnection::name_parameters(Prepared& prepared, const std::string& where) const {
  for (int i = 1; i <= sqlite3_bind_parameter_count(prepared.statement.get()); ++i) {
    const char* name = sqlite3_bind_parameter_name(prepared.statement.get(), i);
    if (!name || name[0] != ':')
      return make_error(Boundary::kTool, "the query has a parameter without a name", where, "parameters of the form :name");
    prepared.parameters.emplace_back(name + 1);
  }
  return {};
}

Status SqliteConnection::bind(const Prepared& prepared, const Json& arguments, const std::string& where) {
  static const Json kAbsent;
  for (size_t i = 0; i < prepared.parameters.size(); ++i) {
    const auto it = arguments.find(prepared.parameters[i]);
    ASSAY_TRY(bind_cell(prepared.statement.get(), static_cast<int>(i) + 1, prepared.parameters[i], it == arguments.end() ? kAbsent : *it, where));
  }
  return {};
}

Status SqliteConnection::bind_cell(sqlite3_stmt* statement, int at, const std::string& name, const Json& value, const std::string& where) {
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
    return make_error(Boundary::kTool, "the parameter '" + name + "' cannot be an " + value.type_name(), where);
  }
  if (rc != SQLITE_OK) return failure(rc, where);
  return {};
}

Status SqliteQuery::run(const Json& arguments, std::vector<std::vector<Json>>& rows) {
  ASSAY_TRY(connection_.check_alive(where_));
  Status status = connection_.bind(prepared_, arguments, where_);
  if (status.ok()) status = fetch(rows);
  sqlite3_reset(prepared_.statement.get());
  return status;
}

Result<int64_t> SqliteChange::run(const Json& arguments) {
  using Mark = SqliteConnection::Mark;
  ASSAY_TRY(connection_.check_alive(where_));
  const bool whole = statements_.size() == 1;   // one statement is all or nothing by itself
  if (!whole) ASSAY_TRY(connection_.run(Mark::kSave));
  Result<int64_t> changed = run_all(arguments);
  if (whole || !connection_.check_alive(where_).ok()) return changed;
  if (!changed.ok()) ASSAY_TRY(connection_.run(Mark::kUndo));
  ASSAY_TRY(connection_.run(Mark::kRelease));
  return changed;
}

Result<int64_t> SqliteChange::run_all(const Json& arguments) {
  const SqliteConnection::Permission permission(connection_, &writes_, false);
  connection_.refill_steps();
  int64_t changed = 0;
  for (const Prepared& each : statements_) {
    Status status = connection_.bind(each, arguments, where_);
    const int rc = status.ok() ? sqlite3_step(each.statement.get()) : SQLITE_DONE;
    if (rc != SQLITE_DONE) status = connection_.failure(rc, where_);
    else changed += sqlite3_changes(connection_.handle());
    sqlite3_reset(each.statement.get());
    ASSAY_TRY(std::move(status));
  }
  return changed;
}

Status SqliteQuery::fetch(std::vector<std::vector<Json>>& rows) {
  sqlite3_stmt* statement = prepared_.statement.get();
  const QueryLimits& limits = connection_.limits();
  const int width = static_cast<int>(columns_.size());
  int64_t count = 0, bytes = 0;
  connection_.refill_steps();
  int rc = SQLITE_OK;
  while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
    if (++count > limits.rows)
      return make_error(Boundary::kLimit, "the query returns more than " + std::to_string(limits.rows) + " rows", where_);
    ASSAY_TRY(read_row(statement, rows.emplace_back(), where_));
    for (int column = 0; column < width; ++column) bytes += 16 + sqlite3_column_bytes(statement, column);
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

Result<std::unique_ptr<Connection>> Connection::open(std::shared_ptr<const Database> database, QueryLimits limits, Access access) {
  auto connection = std::make_unique<SqliteConnection>(std::move(database), limits, access);
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
