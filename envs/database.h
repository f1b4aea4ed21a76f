// The SQLite side of an environment: an immutable in-memory image built from its tables, and connections that run parameterised
// queries, and where tools write, changes to a copy of their own, under an authorizer and limits. Beside text_index.cc, the
// only file of envs/ that knows SQLite.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/json.h"
#include "envs/base/status.h"
#include "envs/table.h"

namespace assay {

// An immutable SQLite image, shared by connections. Tables and columns carry the names of the schema; numbers with decimals are
// REAL, references are the names referred to (TEXT). Identity is the environment's; these bytes are never hashed.
class Database {
 public:
  // Rows are inserted in order; `shuffle_seed` != 0 inserts them in another order, to show that no tool depends on it.
  // Fails on a text of more than 64 KiB.
  static Result<std::shared_ptr<const Database>> build(const Tables& tables, uint64_t shuffle_seed = 0);
  std::string_view bytes() const { return bytes_; }
  Status write_to(const std::string& path) const;

 private:
  std::string bytes_;
};

// Beyond these: a text has at most 64 KiB, and sorting and grouping at most about 2 MB (no temporary file is ever made).
struct QueryLimits {
  int64_t progress_steps = 2'000'000;  // virtual-machine instructions of one call, to the next thousand
  int64_t rows = 10'000;
  int64_t bytes = 4 << 20;
  int64_t sql_bytes = 16 << 10;
};

// A prepared SELECT. Not thread-safe; lives no longer than its Connection.
class Query {
 public:
  virtual ~Query() = default;
  virtual const std::vector<std::string>& columns() const = 0;     // result column names
  virtual const std::vector<std::string>& parameters() const = 0;  // names without the colon
  // Binds by name (string, integer, number, boolean or null) and appends one array of cells per row to `rows`.
  // Fails with boundary kLimit when a limit was hit, kTool on an SQL error.
  virtual Status run(const Json& arguments, std::vector<std::vector<Json>>& rows) = 0;
};

// Prepared statements that write, carried out together or not at all. As a Query: one thread, no longer than its Connection.
class Change {
 public:
  virtual ~Change() = default;
  virtual const std::vector<std::string>& parameters() const = 0;  // of all statements, each once
  // How many rows were inserted, updated or deleted. After an Error nothing has changed, or Connection::reset() must come next:
  // until then every call fails.
  virtual Result<int64_t> run(const Json& arguments) = 0;
};

// A row that was written, before and now: its cells in the order of the table's columns; none: there is no such row.
struct TouchedRow {
  std::string table;
  std::vector<Json> before, after;
};

enum class Access { kRead, kWrite };

// One thread's view of an image; with Access::kWrite of a copy, which may grow by 16 MiB. Refuses at prepare: anything but one
// SELECT, tables outside the schema, functions outside the allow-list of pure ones whose work is linear (random(),
// load_extension(), LIKE …), ATTACH, PRAGMA, recursion.
class Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(std::shared_ptr<const Database> database, QueryLimits limits = {},
                                                  Access access = Access::kRead);
  virtual ~Connection() = default;
  // `where` names the tool in errors.
  virtual Result<std::unique_ptr<Query>> prepare(std::string_view sql, const std::string& where) = 0;
  // One INSERT, UPDATE or DELETE each, which writes no table but those in `writes`, returns nothing and leaves row ids alone.
  virtual Result<std::unique_ptr<Change>> prepare_change(const std::vector<std::string>& statements, const std::vector<std::string>& writes,
                                                         const std::string& where) = 0;
  // Every row written since the beginning or the last reset(), also if it is again as it was; by table and row.
  virtual Result<std::vector<TouchedRow>> touched() = 0;
  // Undoes every change. What is prepared stays prepared.
  virtual Status reset() = 0;
  // Makes the engine return rows without a total order backwards, also in queries already prepared: one that changes its
  // answer lacks an ORDER BY.
  virtual Status reverse_unordered(bool on) = 0;
};

// A user's SQLite file read as text tables, for import: every table (no views, no virtual tables) by name, with its column names
// and cells (null = absent, or binary). At most 1 GiB of data and 16 MiB a cell.
struct RawTable {
  std::string name;
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
};
Result<std::vector<RawTable>> read_sqlite_file(const std::string& path);

}  // namespace assay
