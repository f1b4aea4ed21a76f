// SQLite as values: a file, and statements over it. Of one thread at a time. Failures have boundary kStore, name the file, and say
// what SQLite says.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "datasets/schema.h"
#include "envs/base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace assay {

struct SqlCloser {
  void operator()(sqlite3* database) const;
  void operator()(sqlite3_stmt* statement) const;
};

// A prepared statement over a SqlFile that outlives it. SQL that is not SQL is an error of its first next().
class Statement {
 public:
  Statement() = default;
  Statement(sqlite3* database, const std::string& sql, const std::string& path);

  // Parameters are counted from 1, and stay bound until they are bound again.
  Statement& bind(int index, const Value& value);
  Statement& bind_text(int index, const std::string& text);
  Statement& bind_all(const Values& values);

  // Whether there is a row; it is there until the next call. After false the statement can be run again.
  Result<bool> next();
  // `visit()` for every row, until one fails.
  template <typename Visit>
  Status each(const Visit& visit) {
    for (;;) {
      ASSAY_ASSIGN(const bool row, next());
      if (!row) return {};
      ASSAY_TRY(visit());
    }
  }
  // To the end, rows ignored.
  Status run() {
    return each([] { return Status(); });
  }
  // Ends early; the current row is gone.
  void finish();

  // Of the current row, by columns from 0.
  int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;   // of NULL ""
  Value value(int column) const;

 private:
  sqlite3* database_ = nullptr;
  std::string path_;
  std::unique_ptr<sqlite3_stmt, SqlCloser> statement_;
};

class SqlFile {
 public:
  // A file to read and write, which `create` may make. Waits up to a minute for locks of others.
  static Result<SqlFile> open(const std::string& path, bool create);

  Statement prepare(const std::string& sql) const { return Statement(handle_.get(), sql, path_); }
  Status execute(const std::string& sql) const;
  // The first cell of the first row; 0 or "" without one.
  Result<int64_t> integer(const std::string& sql) const;
  Result<std::string> text(const std::string& sql) const;
  int64_t last_row() const;
  bool changed() const;   // by the last INSERT
  // BEGIN IMMEDIATE … COMMIT around `work`; rolled back if anything fails.
  template <typename Work>
  Status transaction(const Work& work) const {
    ASSAY_TRY(execute("BEGIN IMMEDIATE"));
    Status status = work();
    if (status.ok()) status = execute("COMMIT");
    if (!status.ok() && in_transaction()) (void)execute("ROLLBACK");
    return status;
  }

 private:
  SqlFile(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  bool in_transaction() const;

  std::unique_ptr<sqlite3, SqlCloser> handle_;
  std::string path_;
};

}  // namespace assay
