#include "datasets/sql_file.h"

#include <sqlite3.h>

namespace assay {
namespace {

constexpr int kBusyMs = 60'000;

Error database_error(sqlite3* database, const std::string& doing, const std::string& path) {
  const int code = sqlite3_errcode(database) & 0xff;
  std::string hint = "check that the file and its folder can be read and written";
  if (code == SQLITE_FULL || code == SQLITE_IOERR) hint = "free some space and run the same command again";
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) hint = "wait until the other process that holds the store has ended";
  if (code == SQLITE_CORRUPT) hint = "restore the store from a copy";
  if (code == SQLITE_NOTADB) hint = "name another file with --store";
  return make_error(Boundary::kStore, "cannot " + doing + ": " + sqlite3_errmsg(database), path, hint);
}

}  // namespace

void SqlCloser::operator()(sqlite3* database) const { sqlite3_close_v2(database); }
void SqlCloser::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement::Statement(sqlite3* database, const std::string& sql, const std::string& path) : database_(database), path_(path) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(database, sql.c_str(), static_cast<int>(sql.size()), &statement, nullptr);
  statement_.reset(statement);
}

Statement& Statement::bind(int index, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return bind_text(index, *text);
  if (!statement_) return *this;
  if (const auto* number = std::get_if<int64_t>(&value)) sqlite3_bind_int64(statement_.get(), index, *number);
  else sqlite3_bind_double(statement_.get(), index, std::get<double>(value));
  return *this;
}

Statement& Statement::bind_text(int index, const std::string& text) {
  if (statement_) sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_all(const Values& values) {
  for (size_t i = 0; i < values.size(); ++i) bind(static_cast<int>(i) + 1, values[i]);
  return *this;
}

Result<bool> Statement::next() {
  if (!statement_) return database_error(database_, "read the store", path_);
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    finish();
    return false;
  }
  Error error = database_error(database_, sqlite3_stmt_readonly(statement_.get()) ? "read the store" : "write to the store", path_);
  finish();
  return error;
}

void Statement::finish() { sqlite3_reset(statement_.get()); }

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return bytes ? std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))) : std::string();
}

Value Statement::value(int column) const {
  switch (sqlite3_column_type(statement_.get(), column)) {
    case SQLITE_INTEGER: return integer(column);
    case SQLITE_FLOAT: return real(column);
    default: return text(column);
  }
}

Result<SqlFile> SqlFile::open(const std::string& path, bool create) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0), nullptr);
  SqlFile file(handle, path);
  if (code != SQLITE_OK) return database_error(handle, "open the store", path);
  sqlite3_busy_timeout(handle, kBusyMs);
  if (sqlite3_db_readonly(handle, "main") == 1)
    return make_error(Boundary::kStore, "the store is write-protected", path, "copy it, with its .segments folder, to where you may write");
  return file;
}

Status SqlFile::execute(const std::string& sql) const {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return database_error(handle_.get(), "write to the store", path_);
}

Result<int64_t> SqlFile::integer(const std::string& sql) const {
  Statement statement = prepare(sql);
  ASSAY_ASSIGN(const bool row, statement.next());
  return row ? statement.integer(0) : 0;
}

Result<std::string> SqlFile::text(const std::string& sql) const {
  Statement statement = prepare(sql);
  ASSAY_ASSIGN(const bool row, statement.next());
  return row ? statement.text(0) : std::string();
}

int64_t SqlFile::last_row() const { return sqlite3_last_insert_rowid(handle_.get()); }
bool SqlFile::changed() const { return sqlite3_changes(handle_.get()) > 0; }
bool SqlFile::in_transaction() const { return !sqlite3_get_autocommit(handle_.get()); }

}  // namespace assay
