// The store: one SQLite file of identities, verdicts and offsets (WAL), and beside it checksummed, compressed segment files
// for what is large. Append-only and content-addressed: putting what is there already changes nothing. A row commits only after
// its segment is synced, so whatever a row points to is there; a torn tail of a segment is garbage nobody points to.
//
// FILE.segments/ holds one segment for each process that ever wrote. Any number of processes may write at once. A killed process
// loses what it had not flushed; a power cut may lose the last commits too (never their order: a row without its segment cannot
// be), and the same command run again adds them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datasets/schema.h"
#include "envs/base/clock.h"
#include "envs/certificate.h"
#include "envs/environment.h"
#include "envs/rollout.h"
#include "envs/task.h"

namespace assay {

struct TaskRow {  // what listings need without reading the segment
  std::string id, environment, archetype, domain, preset;
  int difficulty = 0;
  uint64_t seed = 0;
  int64_t index = 0;
  std::string certificate;   // id of the newest certificate, or empty
  bool sound = false;
  double chance_rate = 0;    // and what else it measured: datasets/measured.h
  int64_t calls_low = 0, calls_high = 0;
};

struct TaskFilter {
  std::optional<std::string> id_prefix, domain, preset;
  std::optional<uint64_t> seed;
  std::optional<int> difficulty;
  bool sound_only = false;
  int64_t limit = -1;
};

struct RolloutRow {
  std::string id, task, policy, boundary, stop;   // boundary: empty when scored
  uint64_t seed = 0;
  int64_t sample = 0, steps = 0, calls = 0;
  bool scored = false, passed = false;
  double reward = 0;
  int64_t position = 0;   // of the row in its store
};

// What of a scored rollout is judged, without all that was said on the way.
struct StoredOutcome {
  Outcome outcome;
  std::string verdict;   // verdict_digest (datasets/rollout_text.h) of the one it was stored with
};

struct RolloutFilter {
  std::optional<std::string> id_prefix, task, policy;
  std::optional<uint64_t> seed;
  std::optional<bool> passed;
  int64_t limit = -1;
};

struct PolicySummary {  // one line of the table that people read
  std::string policy;
  int difficulty = 0;
  int64_t tasks = 0, rollouts = 0, scored = 0, passed = 0, failed = 0;
  double mean_calls = 0;
};

// A record as it lies in a segment: compressed, with its checksum, and not looked into. What stores copy from each other.
struct StoredRecord {
  RecordKind kind;
  Values values;               // of its row, the identity first
  std::string where;           // "STORE: rollout 0123456789ab", for errors
  Result<std::string> bytes;   // or how it is damaged
  std::vector<StoredRecord> with;   // there with it or not at all: the tokens of a rollout
};

struct StoredObservation {
  std::string subject, name, value;   // value: JSON
  int64_t unix_ms = 0;
};

enum class StoreMode { kOpenOrCreate, kMustExist };

// One object per process and store; thread-safe (one lock; records are encoded outside it). Not usable after a fork.
//
// Writes are buffered and committed together by flush(), by size (8,192 rows or 8 MiB) or by age (0.5 s, checked at every put);
// the destructor flushes but cannot report. After a flush failed (disk full) nothing is taken in until one succeeds: every put
// tries, and returns the error. What was put is seen by every read of the same object, flushed or not.
//
// A put refuses what is not named by its content (id). Reads that miss fail with boundary kInput, damage with kStore.
class Store {
 public:
  // Refuses, without touching it, a file that is not a store or was made by a newer version; upgrades an older one.
  static Result<std::unique_ptr<Store>> open(const std::string& path, StoreMode mode, Clock& clock);
  virtual ~Store() = default;
  virtual const std::string& path() const = 0;

  virtual Status put_environment(const Environment& environment) = 0;
  virtual Status put_task(const Task& task) = 0;
  // Becomes the newest of its task, unless it is that already.
  virtual Status put_certificate(const Certificate& certificate) = 0;
  // With its turns, in one transaction: a rollout is there with what was recorded of it, or not at all. Refuses turns that
  // check_turns (datasets/token_sequence.h) refuses.
  virtual Status put_rollout(const Rollout& rollout) = 0;
  // A measurement that depends on a machine or policy: appended, never part of an identity.
  virtual Status put_observation(const std::string& subject, const std::string& name, const Json& value) = 0;
  // [{"name","value","unix_ms"} …], oldest first; of one millisecond, in the order in which they came.
  virtual Result<Json> observations(const std::string& subject) = 0;
  // The same of all subjects: [{"subject","value","unix_ms"} …], oldest first.
  virtual Result<Json> observations_named(const std::string& name) = 0;
  virtual Status flush() = 0;

  // Copying between stores (datasets/merge.h). Visits are in the order in which records came, under the store's lock: what is
  // called may use other stores, not this one. A record that is not `wanted` is not read.
  virtual Status visit_records(RecordKind kind, const std::function<bool(const Values& values)>& wanted,
                               const std::function<Status(StoredRecord record)>& visit) = 0;
  virtual Status visit_observations(const std::function<Status(const StoredObservation& observation)>& visit) = 0;
  // Whether a record of this identity is there, in bytes that may be others.
  virtual Result<bool> holds(RecordKind kind, const Values& values) = 0;
  // Of a rollout that is there, by its whole id.
  virtual Result<StoredRecord> rollout_record(const std::string& id) = 0;
  // Puts a record and what is with it as they are, once checksums and identities are found to be right. A certificate becomes its task's newest.
  virtual Status put_record(const StoredRecord& record) = 0;
  // Unless the very same is there.
  virtual Status put_observation(const StoredObservation& observation) = 0;

  // Leases share the items of some work out between processes: each has one holder at a time. A lease ends when it is given back,
  // when its time is over, or when the process that holds it is dead, which others see at once. Never part of what a store says.
  //
  // Those of `items` that are this object's from now on; the others are somebody else's.
  virtual Result<std::vector<std::string>> lease(const std::string& work, const std::vector<std::string>& items, int64_t for_ms) = 0;
  // All that this object holds, for so long from now.
  virtual Status renew_leases(int64_t for_ms) = 0;
  // By the next flush, and after what was put before: who leases an item next sees all of it.
  virtual Status give_back(const std::string& work, const std::vector<std::string>& items) = 0;

  // By id; a unique prefix of 6 or more digits will do.
  virtual Result<std::shared_ptr<const Environment>> environment(const std::string& id) = 0;  // cached
  virtual Result<Task> task(const std::string& id) = 0;
  virtual Result<Certificate> certificate(const std::string& task) = 0;  // the newest
  // Without its turns: they are hundreds of times as large as all else, and few readers want them.
  virtual Result<Rollout> rollout(const std::string& id) = 0;
  // Of a row that rollouts() gave; many times as fast as reading the rollout, whose record is read only where the row holds no outcome.
  virtual Result<StoredOutcome> outcome(const RolloutRow& row) = 0;
  virtual Result<std::vector<TokenTurn>> turns(const std::string& rollout) = 0;  // none if none were recorded
  virtual Result<std::vector<TaskRow>> tasks(const TaskFilter& filter) = 0;        // by (domain, preset, seed, difficulty, index)
  virtual Result<std::vector<RolloutRow>> rollouts(const RolloutFilter& filter) = 0;  // by (policy, task, seed, sample)
  virtual Result<bool> has_rollout(const std::string& id) = 0;
  virtual Result<std::vector<std::string>> environments() = 0;
  virtual Result<std::vector<PolicySummary>> summary() = 0;
  // Counts and sizes: {"tasks","environments","certificates","sound","rollouts","token_records","observations","bytes","segments","schema"}.
  virtual Result<Json> statistics() = 0;
  // Reads every row and record again and compares checksums, identities and columns; returns the problems found (1,000 at most).
  virtual Result<std::vector<std::string>> check() = 0;
};

}  // namespace assay
