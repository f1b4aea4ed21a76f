#include "datasets/store.h"

#include <filesystem>
#include <mutex>
#include <set>
#include <unordered_set>

#include "datasets/rollout_text.h"
#include "datasets/schema.h"
#include "datasets/segment.h"
#include "datasets/sql_file.h"
#include "datasets/store_file.h"
#include "datasets/token_record.h"
#include "datasets/token_sequence.h"
#include "envs/base/hash.h"

namespace assay {
namespace {

constexpr size_t kPendingRows = 8192;
constexpr size_t kPendingBytes = size_t{8} << 20;
constexpr size_t kAheadBytes = size_t{1} << 20;
constexpr int64_t kPendingUs = 500'000;
constexpr size_t kCachedEnvironments = 64;
constexpr size_t kOpenSegments = 64;
constexpr size_t kIdDigits = 64, kPrefixDigits = 6;
constexpr size_t kProblems = 1000;

// ---- Listings ----

// Collects "column = ?" conditions and their values.
class Where {
 public:
  void add(const std::string& condition, Value value) {
    sql_ += (sql_.empty() ? " WHERE " : " AND ") + condition;
    values_.push_back(std::move(value));
  }
  template <typename T>
  void equal(const char* column, const std::optional<T>& value) {
    if (!value) return;
    if constexpr (std::is_integral_v<T>) add(std::string(column) + " = ?", static_cast<int64_t>(*value));
    else add(std::string(column) + " = ?", *value);
  }
  void prefix(const char* column, const std::optional<std::string>& prefix) {
    if (!prefix) return;
    add(std::string(column) + " >= ?", *prefix);
    add(std::string(column) + " < ?", *prefix + "g");  // after every hexadecimal digit
  }
  const std::string& sql() const { return sql_; }
  Values values(int64_t limit) const {
    Values all = values_;
    all.emplace_back(limit);
    return all;
  }

 private:
  std::string sql_;
  Values values_;
};

constexpr const char* kNewestCertificate =
    " FROM task t LEFT JOIN certificate c ON c.position = (SELECT max(position) FROM certificate WHERE task = t.id)";

TaskRow task_row(const Statement& s) {
  TaskRow row{s.text(0), s.text(1), s.text(2), s.text(3), s.text(4)};
  row.difficulty = static_cast<int>(s.integer(5));
  row.seed = static_cast<uint64_t>(s.integer(6));
  row.index = s.integer(7);
  row.certificate = s.text(8);
  row.sound = s.integer(9) != 0;
  row.chance_rate = s.real(10);
  row.calls_low = s.integer(11);
  row.calls_high = s.integer(12);
  return row;
}

RolloutRow rollout_row(const Statement& s) {
  RolloutRow row{s.text(0), s.text(1), s.text(2), s.text(3), s.text(4)};
  row.seed = static_cast<uint64_t>(s.integer(5));
  row.sample = s.integer(6);
  row.steps = s.integer(7);
  row.calls = s.integer(8);
  row.scored = s.integer(9) != 0;
  row.passed = s.integer(10) != 0;
  row.reward = s.real(11);
  row.position = s.integer(12);
  return row;
}

template <typename Row, typename Read>
Result<std::vector<Row>> rows_of(Statement& select, const Read& read) {
  std::vector<Row> rows;
  ASSAY_TRY(select.each([&]() -> Status {
    rows.push_back(read(select));
    return {};
  }));
  return rows;
}

std::string columns_of(const StoreTable& table) {
  std::string list;
  for (const char* column : table.columns) list += std::string(column) + ", ";
  return list + "segment, offset, size";
}

std::string insert_sql(const StoreTable& table) {
  std::string marks;
  for (size_t i = 1; i <= table.columns.size() + 3; ++i) marks += (i > 1 ? ", ?" : "?") + std::to_string(i);
  std::string sql = "INSERT OR IGNORE INTO " + std::string(table.name) + "(" + columns_of(table) + ") SELECT " + marks;
  if (table.kind == RecordKind::kCertificate)
    sql += " WHERE ?1 IS NOT (SELECT id FROM certificate WHERE task = ?2 ORDER BY position DESC LIMIT 1)";
  return sql;
}

struct PendingRow {
  RecordKind kind;
  Values values;
  int64_t offset = 0, size = 0;  // within the buffer
};

struct LeasedItem {
  std::string work, item;
};

struct Located {
  std::string id, record, where;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, SqlFile database, Clock& clock)
      : path_(std::move(path)), folder_(path_ + ".segments"), database_(std::move(database)), clock_(clock) {
    for (const StoreTable& table : store_tables()) {
      const std::string name = table.name;
      const bool is_certificate = table.kind == RecordKind::kCertificate;
      Statements& s = statements_[table.kind];
      s.insert = database_.prepare(insert_sql(table));
      s.exists = database_.prepare(is_certificate
                                       ? "SELECT 1 WHERE ?1 = (SELECT id FROM certificate WHERE task = ?2 ORDER BY position DESC LIMIT 1)"
                                       : "SELECT 1 FROM " + name + " WHERE id = ?1");
      s.holds = database_.prepare("SELECT 1 FROM " + name + " WHERE id = ?1" + (is_certificate ? " AND task = ?2" : ""));
      s.find = database_.prepare("SELECT id, segment, offset, size FROM " + name +
                                 (is_certificate ? " WHERE task = ?1 ORDER BY position DESC LIMIT 1"
                                                 : " WHERE id >= ?1 AND id < ?1 || 'g' LIMIT 2"));
    }
    find_outcome_ = database_.prepare("SELECT answer, state, verdict FROM rollout WHERE rowid = ?1 AND id = ?2");
    find_segment_ = database_.prepare("SELECT name FROM segment WHERE number = ?1");
  }
  ~SqliteStore() override { (void)flush(); }

  const std::string& path() const override { return path_; }

  Status put_environment(const Environment& environment) override {
    return put(RecordKind::kEnvironment, environment, environment.id);
  }
  Status put_task(const Task& task) override { return put(RecordKind::kTask, task, task.id); }
  Status put_certificate(const Certificate& certificate) override {
    return put(RecordKind::kCertificate, certificate, certificate.task);
  }
  Status put_rollout(const Rollout& rollout) override {
    if (rollout.id != rollout_id(rollout.task, rollout.policy, rollout.seed, rollout.sample))
      return make_error(Boundary::kInternal, "a rollout that is not named by its task, policy, seed and sample", rollout.id);
    ASSAY_TRY(check_turns(rollout));
    return put(RecordKind::kRollout, rollout, rollout.id);
  }
  Status put_observation(const std::string& subject, const std::string& name, const Json& value) override {
    return put_observation({subject, name, canonical_json(value), clock_.unix_ms()});
  }
  Status put_observation(const StoredObservation& observation) override {
    std::lock_guard lock(mutex_);
    ASSAY_TRY(recover());
    mark_pending();
    observations_.push_back(observation);
    return flush_if_due();
  }

  Status flush() override {
    std::lock_guard lock(mutex_);
    return flush_locked();
  }

  Result<std::shared_ptr<const Environment>> environment(const std::string& id) override;
  Result<Task> task(const std::string& id) override {
    ASSAY_ASSIGN(const Located found, locate(RecordKind::kTask, id));
    return decode<Task>(RecordKind::kTask, found, task_from_text);
  }
  Result<Certificate> certificate(const std::string& task) override {
    std::string id = task;
    if (id.size() < kIdDigits) {
      ASSAY_ASSIGN(const Located whole, locate(RecordKind::kTask, id));
      id = whole.id;
    }
    ASSAY_ASSIGN(const Located found, locate(RecordKind::kCertificate, id));
    return decode<Certificate>(RecordKind::kCertificate, found, certificate_from_text);
  }
  Result<Rollout> rollout(const std::string& id) override {
    ASSAY_ASSIGN(const Located found, locate(RecordKind::kRollout, id));
    return decode<Rollout>(RecordKind::kRollout, found, rollout_from_text);
  }
  Result<StoredOutcome> outcome(const RolloutRow& row) override;
  Result<std::vector<TokenTurn>> turns(const std::string& rollout) override;
  Result<std::vector<TaskRow>> tasks(const TaskFilter& filter) override;
  Result<std::vector<RolloutRow>> rollouts(const RolloutFilter& filter) override;
  Result<bool> has_rollout(const std::string& id) override {
    std::lock_guard lock(mutex_);
    if (pending_keys_.contains(key_of(RecordKind::kRollout, id))) return true;
    return finds_row(statements_[RecordKind::kRollout].exists, RecordKind::kRollout, {id});
  }
  Result<std::vector<std::string>> environments() override;
  Result<std::vector<PolicySummary>> summary() override;
  Result<Json> observations(const std::string& subject) override;
  Result<Json> observations_named(const std::string& name) override;
  Status visit_records(RecordKind kind, const std::function<bool(const Values&)>& wanted,
                       const std::function<Status(StoredRecord)>& visit) override;
  Status visit_observations(const std::function<Status(const StoredObservation&)>& visit) override;
  Result<bool> holds(RecordKind kind, const Values& values) override;
  Result<StoredRecord> rollout_record(const std::string& id) override;
  Status put_record(const StoredRecord& record) override;
  Result<std::vector<std::string>> lease(const std::string& work, const std::vector<std::string>& items, int64_t for_ms) override;
  Status renew_leases(int64_t for_ms) override;
  Status give_back(const std::string& work, const std::vector<std::string>& items) override;
  Result<Json> statistics() override;
  Result<std::vector<std::string>> check() override;

 private:
  struct Statements {
    Statement insert, exists, holds, find;
  };

  // What a pending row is looked up by: a certificate by its task, everything else by its id.
  static std::string key_of(RecordKind kind, const std::string& id) {
    return static_cast<char>('0' + static_cast<int>(kind)) + id;
  }

  template <typename Item>
  Status put(RecordKind kind, const Item& item, const std::string& key);
  Result<bool> is_known(RecordKind kind, const Values& values, const std::string& key);
  Status append_rows(const std::string& key, std::vector<PendingRow> rows, std::string_view records);
  Result<bool> finds_row(Statement& statement, RecordKind kind, const Values& values);
  Status recover() { return failed_ ? flush_locked() : Status(); }
  size_t pending_rows() const { return pending_.size() + observations_.size() + given_back_.size(); }
  void mark_pending() {
    if (pending_rows() == 0) pending_since_us_ = clock_.monotonic_us();
  }
  Status open_writer();
  Status flush_if_due();
  Status flush_locked();
  Status commit();
  Status insert_pending(int64_t segment);

  Result<Located> locate(RecordKind kind, const std::string& id);
  Result<std::string> read_record(int64_t segment, int64_t offset, int64_t size);
  template <typename Item>
  Result<Item> decode(RecordKind kind, const Located& found, Result<Item> (*from_text)(std::string_view, const std::string&)) {
    ASSAY_ASSIGN(const std::string text, record_text(found.record, kind, found.where));
    return from_text(text, found.where);
  }
  Statement select_records(RecordKind kind, const std::string& condition);
  StoredRecord record_of(const Statement& row, RecordKind kind);
  Result<StoredRecord> with_tokens(StoredRecord rollout);
  Result<Json> observations_of(Statement& select, const char* first, const std::string& what);
  Status check_table(const StoreTable& table, std::vector<std::string>& problems);
  Status check_references(std::vector<std::string>& problems);

  const std::string path_, folder_;
  std::mutex mutex_;  // guards everything below
  SqlFile database_;
  Clock& clock_;
  std::map<RecordKind, Statements> statements_;
  Statement find_segment_, find_outcome_;

  std::string buffer_;  // records of pending_, end to end
  size_t ahead_ = 0;    // how much of it the disk has been given
  std::vector<PendingRow> pending_;
  std::vector<StoredObservation> observations_;
  std::vector<LeasedItem> given_back_;
  std::unordered_set<std::string> pending_keys_;
  int64_t pending_since_us_ = 0;
  bool failed_ = false;  // the last flush
  std::unique_ptr<SegmentWriter> writer_;
  int64_t writer_number_ = 0;  // of its row, once committed

  std::map<int64_t, std::unique_ptr<SegmentReader>> readers_;
  std::map<std::string, std::shared_ptr<const Environment>> environments_;
};

// ---- Writing ----

template <typename Item>
std::string text_of(const Item& item) { return canonical_json(to_json(item)); }
std::string text_of(const Rollout& rollout) { return rollout_text(rollout); }

// Everything but a rollout is named by the hash of its text.
Status check_name(RecordKind kind, const std::string& id, std::string_view text) {
  if (kind == RecordKind::kRollout || sha256_hex(text) == id) return {};
  return make_error(Boundary::kInternal, std::string(store_table(kind).name) + " that is not named by its content", id);
}

// Appends a record and the row that points to it.
Status append(RecordKind kind, Values values, std::string_view text, std::string& records, std::vector<PendingRow>& rows) {
  const size_t offset = records.size();
  ASSAY_TRY(append_record(kind, text, records));
  rows.push_back({kind, std::move(values), static_cast<int64_t>(offset), static_cast<int64_t>(records.size() - offset)});
  return {};
}

template <typename Item>
Status append_tokens(const Item&, std::string&, std::vector<PendingRow>&) { return {}; }
Status append_tokens(const Rollout& rollout, std::string& records, std::vector<PendingRow>& rows) {
  if (rollout.turns.empty()) return {};
  return append(RecordKind::kTokens, values_of(rollout.id, rollout.turns), token_record_text(rollout), records, rows);
}

template <typename Item>
Status SqliteStore::put(RecordKind kind, const Item& item, const std::string& key) {
  Values values = values_of(item);
  ASSAY_ASSIGN(const bool known, is_known(kind, values, key_of(kind, key)));
  if (known) return {};
  const std::string text = text_of(item);
  ASSAY_TRY(check_name(kind, std::get<std::string>(values[0]), text));
  std::string records;
  std::vector<PendingRow> rows;
  ASSAY_TRY(append(kind, std::move(values), text, records, rows));
  ASSAY_TRY(append_tokens(item, records, rows));
  return append_rows(key_of(kind, key), std::move(rows), records);
}

// Whether a put would change nothing.
Result<bool> SqliteStore::is_known(RecordKind kind, const Values& values, const std::string& key) {
  std::lock_guard lock(mutex_);
  ASSAY_TRY(recover());
  if (kind == RecordKind::kCertificate && pending_keys_.contains(key)) ASSAY_TRY(flush_locked());
  bool known = pending_keys_.contains(key);
  if (!known) {
    ASSAY_ASSIGN(known, finds_row(statements_[kind].exists, kind, values));
  }
  if (known) ASSAY_TRY(flush_if_due());
  return known;
}

// Rows with offsets in `records`.
Status SqliteStore::append_rows(const std::string& key, std::vector<PendingRow> rows, std::string_view records) {
  std::lock_guard lock(mutex_);
  ASSAY_TRY(recover());
  mark_pending();
  for (PendingRow& row : rows) {
    row.offset += static_cast<int64_t>(buffer_.size());
    pending_.push_back(std::move(row));
  }
  pending_keys_.insert(key);
  buffer_ += records;
  if (writer_ && buffer_.size() >= ahead_ + kAheadBytes) {
    writer_->write_ahead(buffer_);
    ahead_ = buffer_.size();
  }
  return flush_if_due();
}

Result<bool> SqliteStore::finds_row(Statement& statement, RecordKind kind, const Values& values) {
  statement.bind(1, values[0]);
  if (kind == RecordKind::kCertificate) statement.bind(2, values[1]);
  ASSAY_ASSIGN(const bool found, statement.next());
  statement.finish();
  return found;
}

Status SqliteStore::flush_if_due() {
  const size_t rows = pending_rows();
  if (rows == 0) return {};
  if (rows >= kPendingRows || buffer_.size() >= kPendingBytes || clock_.monotonic_us() - pending_since_us_ >= kPendingUs)
    return flush_locked();
  return {};
}

Status SqliteStore::flush_locked() {
  if (pending_rows() == 0) return {};
  Status status = commit();
  failed_ = !status.ok();
  if (failed_) return status;
  if (writer_) writer_->keep(buffer_.size());
  buffer_.clear();
  ahead_ = 0;
  pending_.clear();
  observations_.clear();
  given_back_.clear();
  pending_keys_.clear();
  return {};
}

Status SqliteStore::open_writer() {
  if (writer_) return {};
  ASSAY_ASSIGN(writer_, SegmentWriter::create(folder_));
  return {};
}

// The order that makes a power cut harmless: segment written and synced, then the rows.
Status SqliteStore::commit() {
  if (!pending_.empty()) {
    ASSAY_TRY(open_writer());
    ASSAY_TRY(writer_->write(buffer_));
  }
  int64_t segment = writer_number_;
  const Status status = database_.transaction([&]() -> Status {
    if (segment == 0 && writer_) {
      ASSAY_TRY(database_.prepare("INSERT INTO segment(name) VALUES(?1)").bind_text(1, writer_->name()).run());
      segment = database_.last_row();
    }
    return insert_pending(segment);
  });
  if (status.ok()) writer_number_ = segment;
  return status;
}

Status SqliteStore::insert_pending(int64_t segment) {
  bool inserted = false;  // the row before
  for (const PendingRow& row : pending_) {
    // Another process's rollout of this name may be there: then it stands, with or without tokens of its own.
    if (row.kind == RecordKind::kTokens && !inserted) continue;
    Statement& insert = statements_[row.kind].insert;
    const int columns = static_cast<int>(row.values.size());
    insert.bind_all(row.values).bind(columns + 1, segment);
    insert.bind(columns + 2, writer_->size() + row.offset).bind(columns + 3, row.size);
    ASSAY_TRY(insert.run());
    inserted = database_.changed();
  }
  Statement release = database_.prepare("DELETE FROM lease WHERE work = ?1 AND item = ?2 AND holder = ?3");
  for (const LeasedItem& leased : given_back_)
    ASSAY_TRY(release.bind_text(1, leased.work).bind_text(2, leased.item).bind_text(3, writer_->name()).run());
  if (observations_.empty()) return {};
  Statement insert = database_.prepare("INSERT INTO observation(subject, name, value, unix_ms) SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS "
                                          "(SELECT 1 FROM observation WHERE subject = ?1 AND name = ?2 AND value = ?3 AND unix_ms = ?4)");
  for (const StoredObservation& o : observations_)
    ASSAY_TRY(insert.bind_text(1, o.subject).bind_text(2, o.name).bind_text(3, o.value).bind(4, o.unix_ms).run());
  return {};
}

// ---- Reading ----

Result<Located> SqliteStore::locate(RecordKind kind, const std::string& id) {
  const std::string name = store_table(kind).name;
  const std::string noun = kind == RecordKind::kCertificate ? "task with a certificate" : name;
  std::lock_guard lock(mutex_);
  if (id.size() < kPrefixDigits || id.size() > kIdDigits)
    return input_error("no " + noun + " '" + id.substr(0, 80) + "'", path_, "give at least 6 digits of its id; assay list shows them");
  if (id.size() < kIdDigits || pending_keys_.contains(key_of(kind, id))) ASSAY_TRY(flush_locked());
  Statement& find = statements_[kind].find;
  ASSAY_ASSIGN(const bool found, find.bind_text(1, id).next());
  if (!found) return input_error("no " + noun + " '" + id + "'", path_, "assay list shows what is there");
  Located located{find.text(0), "", ""};
  const int64_t segment = find.integer(1), offset = find.integer(2), size = find.integer(3);
  ASSAY_ASSIGN(const bool another, find.next());
  find.finish();
  if (another) return input_error("several " + noun + "s begin with '" + id + "'", path_, "give more digits of the id");
  located.where = path_ + ": " + name + " " + located.id.substr(0, 12);
  ASSAY_ASSIGN(located.record, read_record(segment, offset, size));
  return located;
}

Result<std::string> SqliteStore::read_record(int64_t segment, int64_t offset, int64_t size) {
  if (size < 0 || size > static_cast<int64_t>(2 * kRecordBytes))
    return make_error(Boundary::kStore, "a record of impossible size", path_, "restore the store from a copy");
  auto reader = readers_.find(segment);
  if (reader == readers_.end()) {
    ASSAY_ASSIGN(const bool known, find_segment_.bind(1, segment).next());
    const std::string name = known ? find_segment_.text(0) : "";
    find_segment_.finish();
    if (name.empty() || name.find('/') != std::string::npos)
      return make_error(Boundary::kStore, "a row names a segment that is not known", path_, "restore the store from a copy");
    ASSAY_ASSIGN(auto opened, SegmentReader::open(folder_ + "/" + name));
    if (readers_.size() >= kOpenSegments) readers_.clear();
    reader = readers_.emplace(segment, std::move(opened)).first;
  }
  return reader->second->read(offset, size);
}

Result<std::shared_ptr<const Environment>> SqliteStore::environment(const std::string& id) {
  {
    std::lock_guard lock(mutex_);
    if (auto cached = environments_.find(id); cached != environments_.end()) return cached->second;
  }
  ASSAY_ASSIGN(const Located found, locate(RecordKind::kEnvironment, id));
  ASSAY_ASSIGN(auto loaded, decode<std::shared_ptr<const Environment>>(RecordKind::kEnvironment, found, environment_from_text));
  std::lock_guard lock(mutex_);
  if (environments_.size() >= kCachedEnvironments) environments_.clear();
  environments_[loaded->id] = loaded;
  return loaded;
}

Result<StoredOutcome> SqliteStore::outcome(const RolloutRow& row) {
  StoredOutcome found;
  std::string state;
  {
    std::lock_guard lock(mutex_);
    ASSAY_ASSIGN(const bool there, find_outcome_.bind(1, row.position).bind_text(2, row.id).next());
    if (there) {
      found.outcome.answer = find_outcome_.text(0);
      state = find_outcome_.text(1);
      found.verdict = find_outcome_.text(2);
    }
    find_outcome_.finish();
  }
  if (found.verdict.empty()) {
    ASSAY_ASSIGN(Rollout whole, rollout(row.id));
    return StoredOutcome{{std::move(whole.answer), std::move(whole.state)}, verdict_digest(whole.verdict)};
  }
  if (!state.empty()) {
    ASSAY_ASSIGN(found.outcome.state, parse_json(state, path_ + ": rollout " + row.id.substr(0, 12)));
  }
  return found;
}

Result<std::vector<TokenTurn>> SqliteStore::turns(const std::string& rollout) {
  ASSAY_ASSIGN(const Located whole, locate(RecordKind::kRollout, rollout));
  {
    std::lock_guard lock(mutex_);
    ASSAY_ASSIGN(const bool recorded, finds_row(statements_[RecordKind::kTokens].exists, RecordKind::kTokens, {whole.id}));
    if (!recorded) return std::vector<TokenTurn>();
  }
  ASSAY_ASSIGN(const Located found, locate(RecordKind::kTokens, whole.id));
  ASSAY_ASSIGN(TokenRecord record, decode<TokenRecord>(RecordKind::kTokens, found, token_record_from_text));
  if (record.rollout != whole.id) return make_error(Boundary::kStore, "the record is of another rollout", found.where, "restore the store from a copy");
  return std::move(record.turns);
}

Result<std::vector<TaskRow>> SqliteStore::tasks(const TaskFilter& filter) {
  Where where;
  where.prefix("t.id", filter.id_prefix);
  where.equal("t.domain", filter.domain);
  where.equal("t.preset", filter.preset);
  where.equal("t.seed", filter.seed);
  where.equal("t.difficulty", filter.difficulty);
  if (filter.sound_only) where.add("c.sound = ?", int64_t{1});
  std::lock_guard lock(mutex_);
  ASSAY_TRY(flush_locked());
  Statement select = database_.prepare(
      std::string("SELECT t.id, t.environment, t.archetype, t.domain, t.preset, t.difficulty, t.seed, t.number, "
                  "c.id, c.sound, c.chance_rate, c.calls_low, c.calls_high") +
      kNewestCertificate + where.sql() + " ORDER BY t.domain, t.preset, t.seed, t.difficulty, t.number, t.id LIMIT ?");
  select.bind_all(where.values(filter.limit));
  return rows_of<TaskRow>(select, task_row);
}

Result<std::vector<RolloutRow>> SqliteStore::rollouts(const RolloutFilter& filter) {
  Where where;
  where.prefix("id", filter.id_prefix);
  where.equal("task", filter.task);
  where.equal("policy", filter.policy);
  where.equal("seed", filter.seed);
  where.equal("passed", filter.passed);
  if (filter.passed) where.add("scored = ?", int64_t{1});
  std::lock_guard lock(mutex_);
  ASSAY_TRY(flush_locked());
  Statement select = database_.prepare(
      "SELECT id, task, policy, boundary, stop, seed, sample, steps, calls, scored, passed, reward, rowid FROM rollout" +
      where.sql() + " ORDER BY policy, task, seed, sample, id LIMIT ?");
  select.bind_all(where.values(filter.limit));
  return rows_of<RolloutRow>(select, rollout_row);
}

Result<std::vector<std::string>> SqliteStore::environments() {
  std::lock_guard lock(mutex_);
  ASSAY_TRY(flush_locked());
  Statement select = database_.prepare("SELECT id FROM environment ORDER BY id");
  return rows_of<std::string>(select, [](const Statement& s) { return s.text(0); });
}

Result<std::vector<PolicySummary>> SqliteStore::summary() {
  std::lock_guard lock(mutex_);
  ASSAY_TRY(flush_locked());
  Statement select = database_.prepare(
      "SELECT r.policy, t.difficulty, count(DISTINCT r.task), count(*), sum(r.scored), sum(r.passed), sum(1 - r.scored), "
      "avg(r.calls) FROM rollout r LEFT JOIN task t ON t.id = r.task GROUP BY r.policy, t.difficulty ORDER BY 1, 2");
  return rows_of<PolicySummary>(select, [](const Statement& s) {
    return PolicySummary{s.text(0), static_cast<int>(s.integer(1)), s.integer(2), s.integer(3), s.integer(4), s.integer(5), s.integer(6), s.real(7)};
  });
}

// Rows of (name or subject, value, time).
Result<Json> SqliteStore::observations_of(Statement& select, const char* first, const std::string& what) {
  Json found = Json::array();
  ASSAY_TRY(select.each([&]() -> Status {
    ASSAY_ASSIGN(Json value, parse_json(select.text(1), path_ + ": " + what));
    found.push_back({{first, select.text(0)}, {"value", std::move(value)}, {"unix_ms", select.integer(2)}});
    return {};
  }));
  return found;
}

Result<Json> SqliteStore::observations(const std::string& subject) {
  std::lock_guard lock(mutex_);
  ASSAY_TRY(flush_locked());
  Statement select = database_.prepare("SELECT name, value, unix_ms FROM observation WHERE subject = ?1 ORDER BY unix_ms, position");
  select.bind_text(1, subject);
  return observations_of(select, "name", "observation of " + subject);
}

Result<Json> SqliteStore::observations_named(const std::string& name) {
  std::lock_guard lock(mutex_);
  ASSAY_TRY(flush_locked());
  Statement select = database_.prepare("SELECT subject, value, unix_ms FROM observation WHERE name = ?1 ORDER BY unix_ms, position");
  select.bind_text(1, name);
  return observations_of(select, "subject", "observations named " + name);
}

Result<Json> SqliteStore::statistics() {
  std::lock_guard lock(mutex_);
  ASSAY_TRY(flush_locked());
  Json counts = Json::object();
  const std::pair<const char*, std::string> queries[] = {
      {"tasks", "SELECT count(*) FROM task"},
      {"environments", "SELECT count(*) FROM environment"},
      {"certificates", "SELECT count(*) FROM certificate"},
      {"sound", std::string("SELECT count(*)") + kNewestCertificate + " WHERE c.sound = 1"},
      {"rollouts", "SELECT count(*) FROM rollout"},
      {"token_records", "SELECT count(*) FROM tokens"},
      {"observations", "SELECT count(*) FROM observation"},
      {"segments", "SELECT count(*) FROM segment"},
      {"schema", "PRAGMA user_version"},
  };
  for (const auto& [name, sql] : queries) {
    ASSAY_ASSIGN(counts[name], database_.integer(sql));
  }
  int64_t bytes = 0;
  std::error_code error;
  for (const char* suffix : {"", "-wal"}) {
    const auto size = std::filesystem::file_size(path_ + suffix, error);
    if (!error) bytes += static_cast<int64_t>(size);
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const auto size = entry.file_size(error);
    if (!error) bytes += static_cast<int64_t>(size);
  }
  counts["bytes"] = bytes;
  return counts;
}

// ---- Copying ----

const std::string& key_value(RecordKind kind, const Values& values) {
  return std::get<std::string>(values[kind == RecordKind::kCertificate ? 1 : 0]);
}

Statement SqliteStore::select_records(RecordKind kind, const std::string& condition) {
  const StoreTable& table = store_table(kind);
  return database_.prepare("SELECT " + columns_of(table) + " FROM " + table.name + condition);
}

StoredRecord SqliteStore::record_of(const Statement& row, RecordKind kind) {
  const StoreTable& table = store_table(kind);
  const int columns = static_cast<int>(table.columns.size());
  Values values;
  for (int i = 0; i < columns; ++i) values.push_back(row.value(i));
  return {kind, std::move(values), path_ + ": " + table.name + " " + row.text(0).substr(0, 12),
          read_record(row.integer(columns), row.integer(columns + 1), row.integer(columns + 2)), {}};
}

Result<StoredRecord> SqliteStore::with_tokens(StoredRecord rollout) {
  Statement select = select_records(RecordKind::kTokens, " WHERE id = ?1");
  ASSAY_ASSIGN(const bool recorded, select.bind(1, rollout.values[0]).next());
  if (recorded) rollout.with.push_back(record_of(select, RecordKind::kTokens));
  return rollout;
}

Status SqliteStore::visit_records(RecordKind kind, const std::function<bool(const Values&)>& wanted,
                                  const std::function<Status(StoredRecord)>& visit) {
  const size_t columns = store_table(kind).columns.size();
  std::lock_guard lock(mutex_);
  ASSAY_TRY(flush_locked());
  Statement select = select_records(kind, " ORDER BY rowid");
  return select.each([&]() -> Status {
    Values values;
    for (size_t i = 0; i < columns; ++i) values.push_back(select.value(static_cast<int>(i)));
    if (!wanted(values)) return {};
    StoredRecord record = record_of(select, kind);
    if (kind == RecordKind::kRollout) {
      ASSAY_ASSIGN(record, with_tokens(std::move(record)));
    }
    return visit(std::move(record));
  });
}

Result<StoredRecord> SqliteStore::rollout_record(const std::string& id) {
  std::lock_guard lock(mutex_);
  ASSAY_TRY(flush_locked());
  Statement select = select_records(RecordKind::kRollout, " WHERE id = ?1");
  ASSAY_ASSIGN(const bool found, select.bind_text(1, id).next());
  if (!found) return input_error("no rollout '" + id + "'", path_);
  return with_tokens(record_of(select, RecordKind::kRollout));
}

Status SqliteStore::visit_observations(const std::function<Status(const StoredObservation&)>& visit) {
  std::lock_guard lock(mutex_);
  ASSAY_TRY(flush_locked());
  Statement select = database_.prepare("SELECT subject, name, value, unix_ms FROM observation ORDER BY position");
  return select.each([&] { return visit({select.text(0), select.text(1), select.text(2), select.integer(3)}); });
}

Result<bool> SqliteStore::holds(RecordKind kind, const Values& values) {
  std::lock_guard lock(mutex_);
  if (pending_keys_.contains(key_of(kind, key_value(kind, values)))) {
    if (kind != RecordKind::kCertificate) return true;
    ASSAY_TRY(flush_locked());
  }
  return finds_row(statements_[kind].holds, kind, values);
}

// The identity of a record, as its content tells it.
bool is_named_by_content(const StoredRecord& record, std::string_view text) {
  const std::string& id = std::get<std::string>(record.values[0]);
  if (record.kind == RecordKind::kRollout) return id == rollout_id_of(record.values);
  if (record.kind != RecordKind::kTokens) return check_name(record.kind, id, text).ok();
  const Result<TokenRecord> tokens = token_record_from_text(text, record.where);
  return tokens.ok() && tokens->rollout == id;
}

Status SqliteStore::put_record(const StoredRecord& record) {
  std::string records;
  std::vector<PendingRow> rows;
  const auto add = [&](const StoredRecord& each) -> Status {
    if (!each.bytes.ok()) return each.bytes.error();
    ASSAY_ASSIGN(const std::string text, record_text(*each.bytes, each.kind, each.where));
    if (!is_named_by_content(each, text)) return make_error(Boundary::kStore, "damaged record: its name is another's", each.where, "restore the store from a copy");
    rows.push_back({each.kind, each.values, static_cast<int64_t>(records.size()), static_cast<int64_t>(each.bytes->size())});
    records += *each.bytes;
    return {};
  };
  ASSAY_TRY(add(record));
  for (const StoredRecord& each : record.with) ASSAY_TRY(add(each));
  const std::string key = key_of(record.kind, key_value(record.kind, record.values));
  ASSAY_ASSIGN(const bool known, is_known(record.kind, record.values, key));
  return known ? Status() : append_rows(key, std::move(rows), records);
}

// ---- Leases ----

Result<std::vector<std::string>> SqliteStore::lease(const std::string& work, const std::vector<std::string>& items, int64_t for_ms) {
  std::lock_guard lock(mutex_);
  ASSAY_TRY(recover());
  ASSAY_TRY(open_writer());   // by its lock others see that this process lives
  std::vector<std::string> mine;
  std::map<std::string, bool> others;   // whether a holder is another process that lives
  others[writer_->name()] = false;
  const int64_t now_ms = clock_.unix_ms();
  Statement find = database_.prepare("SELECT holder FROM lease WHERE work = ?1 AND item = ?2 AND until_ms > ?3");
  Statement take = database_.prepare("INSERT OR REPLACE INTO lease(work, item, holder, until_ms) VALUES(?1, ?2, ?3, ?4)");
  const Status status = database_.transaction([&]() -> Status {
    for (const std::string& item : items) {
      ASSAY_ASSIGN(const bool leased, find.bind_text(1, work).bind_text(2, item).bind(3, now_ms).next());
      const std::string holder = leased ? find.text(0) : writer_->name();
      find.finish();
      const auto [other, unknown] = others.try_emplace(holder);
      if (unknown) other->second = is_being_written(folder_ + "/" + holder);
      if (other->second) continue;
      ASSAY_TRY(take.bind_text(1, work).bind_text(2, item).bind_text(3, writer_->name()).bind(4, now_ms + for_ms).run());
      mine.push_back(item);
    }
    return {};
  });
  if (!status.ok()) return status.error();
  return mine;
}

Status SqliteStore::renew_leases(int64_t for_ms) {
  std::lock_guard lock(mutex_);
  if (!writer_) return {};
  return database_.prepare("UPDATE lease SET until_ms = ?1 WHERE holder = ?2").bind(1, clock_.unix_ms() + for_ms).bind_text(2, writer_->name()).run();
}

Status SqliteStore::give_back(const std::string& work, const std::vector<std::string>& items) {
  std::lock_guard lock(mutex_);
  if (items.empty()) return {};
  ASSAY_ASSERT(writer_ != nullptr);
  ASSAY_TRY(recover());
  mark_pending();
  for (const std::string& item : items) given_back_.push_back({work, item});
  return flush_if_due();
}

// ---- Checking ----

void report(std::vector<std::string>& problems, std::string problem) {
  if (problems.size() < kProblems) problems.push_back(std::move(problem));
}

Status SqliteStore::check_table(const StoreTable& table, std::vector<std::string>& problems) {
  const int columns = static_cast<int>(table.columns.size());
  Statement select =
      database_.prepare("SELECT " + columns_of(table) + " FROM " + table.name + " ORDER BY segment, offset");
  return select.each([&]() -> Status {
    const std::string where = std::string(table.name) + " " + select.text(0);
    auto record = read_record(select.integer(columns), select.integer(columns + 1), select.integer(columns + 2));
    if (!record.ok()) {
      report(problems, where + ": " + record.error().text());
      return {};
    }
    auto text = record_text(*record, table.kind, where);
    auto values = text.ok() ? values_of_text(table.kind, *text, where) : Result<Values>(text.error());
    if (!values.ok()) {
      report(problems, values.error().text());
      return {};
    }
    // A rollout's row may hold no outcome: then its verdict is empty, and nobody reads the last three columns.
    const int checked = table.kind == RecordKind::kRollout && select.text(columns - 1).empty() ? columns - 3 : columns;
    for (int i = 0; i < checked; ++i)
      if (select.value(i) != (*values)[static_cast<size_t>(i)])
        report(problems, where + ": the row's " + table.columns[static_cast<size_t>(i)] + " is not what the record says");
    return {};
  });
}

Status SqliteStore::check_references(std::vector<std::string>& problems) {
  const std::pair<const char*, const char*> queries[] = {
      {"task whose environment is not there", "SELECT id FROM task WHERE environment NOT IN (SELECT id FROM environment)"},
      {"certificate whose task is not there", "SELECT id FROM certificate WHERE task NOT IN (SELECT id FROM task)"},
      {"rollout whose task is not there", "SELECT id FROM rollout WHERE task NOT IN (SELECT id FROM task)"},
      {"record of tokens whose rollout is not there", "SELECT id FROM tokens WHERE id NOT IN (SELECT id FROM rollout)"},
  };
  for (const auto& [problem, sql] : queries) {
    Statement select = database_.prepare(sql);
    ASSAY_TRY(select.each([&]() -> Status {
      report(problems, select.text(0) + ": a " + problem);
      return {};
    }));
  }
  return {};
}

Result<std::vector<std::string>> SqliteStore::check() {
  std::lock_guard lock(mutex_);
  ASSAY_TRY(flush_locked());
  std::vector<std::string> problems;
  ASSAY_ASSIGN(const std::string verdict, database_.text("PRAGMA integrity_check"));
  if (verdict != "ok") report(problems, path_ + ": " + verdict);
  for (const StoreTable& table : store_tables()) ASSAY_TRY(check_table(table, problems));
  ASSAY_TRY(check_references(problems));
  return problems;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& path, StoreMode mode, Clock& clock) {
  ASSAY_ASSIGN(SqlFile database, open_store_file(path, mode));
  return std::unique_ptr<Store>(new SqliteStore(path, std::move(database), clock));
}

}  // namespace assay
