#include "datasets/schema.h"

#include "datasets/measured.h"
#include "datasets/rollout_text.h"
#include "datasets/token_record.h"
#include "datasets/token_sequence.h"
#include "envs/base/utf8.h"

namespace assay {
namespace {

constexpr std::string_view kMigrations[] = {
    // 1: records.
    R"(
CREATE TABLE segment(number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE environment(
  id TEXT NOT NULL UNIQUE, domain TEXT NOT NULL,
  segment INTEGER NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL) STRICT;
CREATE TABLE task(
  id TEXT NOT NULL UNIQUE, environment TEXT NOT NULL, archetype TEXT NOT NULL, domain TEXT NOT NULL, preset TEXT NOT NULL,
  difficulty INTEGER NOT NULL, seed INTEGER NOT NULL, number INTEGER NOT NULL,
  segment INTEGER NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL) STRICT;
CREATE TABLE certificate(
  position INTEGER PRIMARY KEY, id TEXT NOT NULL, task TEXT NOT NULL, sound INTEGER NOT NULL, chance_rate REAL NOT NULL,
  calls_low INTEGER NOT NULL, calls_high INTEGER NOT NULL,
  segment INTEGER NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL) STRICT;
CREATE INDEX certificate_of_task ON certificate(task, position);
CREATE TABLE rollout(
  id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, policy TEXT NOT NULL, boundary TEXT NOT NULL, stop TEXT NOT NULL,
  seed INTEGER NOT NULL, sample INTEGER NOT NULL, steps INTEGER NOT NULL, calls INTEGER NOT NULL,
  scored INTEGER NOT NULL, passed INTEGER NOT NULL, reward REAL NOT NULL,
  segment INTEGER NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL) STRICT;
CREATE INDEX rollout_of_task ON rollout(task);
)",
    // 2: observations.
    R"(
CREATE TABLE observation(
  position INTEGER PRIMARY KEY, subject TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
  unix_ms INTEGER NOT NULL) STRICT;
CREATE INDEX observation_of_subject ON observation(subject, position);
)",
    // 3: what engines recorded; the id is the rollout's.
    R"(
CREATE TABLE tokens(
  id TEXT NOT NULL UNIQUE, turns INTEGER NOT NULL, given INTEGER NOT NULL, sampled INTEGER NOT NULL,
  segment INTEGER NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL) STRICT;
)",
    // 4: leases; a holder is named by its segment.
    R"(
CREATE TABLE lease(
  work TEXT NOT NULL, item TEXT NOT NULL, holder TEXT NOT NULL, until_ms INTEGER NOT NULL,
  PRIMARY KEY(work, item)) STRICT, WITHOUT ROWID;
)",
    // 5: what of a rollout is judged; empty in what was stored before.
    R"(
ALTER TABLE rollout ADD COLUMN answer TEXT NOT NULL DEFAULT '';
ALTER TABLE rollout ADD COLUMN state TEXT NOT NULL DEFAULT '';
ALTER TABLE rollout ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
)",
    // 6: a chance rate that was not measured is -1; before, it stood there as 1, and nothing was played.
    R"(
UPDATE certificate SET chance_rate = -1 WHERE chance_rate = 1 AND calls_high = 0;
)",
};

int64_t signed_bits(uint64_t value) { return static_cast<int64_t>(value); }

Result<Json> parse(std::string_view text, const std::string& where) {
  return parse_json(text, where, {.bytes = kRecordBytes});
}

}  // namespace

std::span<const std::string_view> store_migrations() { return kMigrations; }

std::span<const StoreTable> store_tables() {
  static const std::vector<StoreTable> tables = {
      {RecordKind::kEnvironment, "environment", {"id", "domain"}},
      {RecordKind::kTask, "task", {"id", "environment", "archetype", "domain", "preset", "difficulty", "seed", "number"}},
      {RecordKind::kCertificate, "certificate", {"id", "task", "sound", "chance_rate", "calls_low", "calls_high"}},
      {RecordKind::kRollout,
       "rollout",
       {"id", "task", "policy", "boundary", "stop", "seed", "sample", "steps", "calls", "scored", "passed", "reward", "answer", "state", "verdict"}},
      {RecordKind::kTokens, "tokens", {"id", "turns", "given", "sampled"}},
  };
  return tables;
}

const StoreTable& store_table(RecordKind kind) {
  for (const StoreTable& table : store_tables())
    if (table.kind == kind) return table;
  ASSAY_ASSERT(!"a kind without a table");
}

Values values_of(const Environment& environment) { return {environment.id, environment.domain}; }

Values values_of(const Task& task) {
  const Provenance& p = task.provenance;
  return {task.id,  task.environment,         task.archetype,      p.domain,
          p.preset, int64_t{task.difficulty}, signed_bits(p.seed), p.index};
}

Values values_of(const Certificate& c) {
  return {c.id, c.task, int64_t{c.sound}, measured(c).chance_rate.value_or(-1), c.calls_low, c.calls_high};
}

// The columns answer, state and verdict. Patches and the like are too large for rows, and what is no UTF-8 is another text in the record.
Values outcome_values(const Rollout& r) {
  const std::string state = r.state.is_null() ? "" : canonical_json(r.state);
  const bool kept = r.status == RolloutStatus::kScored && r.answer.size() + state.size() <= kOutcomeBytes && well_formed_bytes(r.answer) == r.answer.size();
  return kept ? Values{r.answer, state, verdict_digest(r.verdict)} : Values{std::string(), std::string(), std::string()};
}

Values values_of(const Rollout& r) {
  const bool scored = r.status == RolloutStatus::kScored;
  const Boundary boundary = r.failure ? r.failure->boundary : Boundary::kInternal;
  Values values = {r.id,
                   r.task,
                   r.policy,
                   scored ? std::string() : boundary_name(boundary),
                   r.stop,
                   signed_bits(r.seed),
                   r.sample,
                   r.steps,
                   r.calls,
                   int64_t{scored},
                   int64_t{scored && r.verdict.passed},
                   scored ? r.verdict.reward : 0.0};
  for (Value& value : outcome_values(r)) values.push_back(std::move(value));
  return values;
}

Values values_of(const std::string& rollout, const std::vector<TokenTurn>& turns) {
  int64_t given = 0, sampled = 0;
  for (const TokenTurn& turn : turns) {
    given += static_cast<int64_t>(turn.prompt.size());
    sampled += static_cast<int64_t>(turn.sampled.size());
  }
  return {rollout, static_cast<int64_t>(turns.size()), given, sampled};
}

std::string rollout_id_of(const Values& values) {
  return rollout_id(std::get<std::string>(values[1]), std::get<std::string>(values[2]), static_cast<uint64_t>(std::get<int64_t>(values[5])),
                    std::get<int64_t>(values[6]));
}

Result<std::shared_ptr<const Environment>> environment_from_text(std::string_view text, const std::string& where) {
  ASSAY_ASSIGN(const Json json, parse(text, where));
  return environment_from_json(json, where);
}

Result<Task> task_from_text(std::string_view text, const std::string& where) {
  ASSAY_ASSIGN(const Json json, parse(text, where));
  return task_from_json(json, where);
}

Result<Certificate> certificate_from_text(std::string_view text, const std::string& where) {
  ASSAY_ASSIGN(const Json json, parse(text, where));
  return certificate_from_json(json, where);
}

Result<Rollout> rollout_from_text(std::string_view text, const std::string& where) {
  std::optional<Rollout> written = rollout_of_text(text);
  if (!written) {
    ASSAY_ASSIGN(const Json json, parse(text, where));
    ASSAY_ASSIGN(written, rollout_from_json(json, where));
  }
  Rollout& rollout = *written;
  rollout.id = rollout_id(rollout.task, rollout.policy, rollout.seed, rollout.sample);
  return std::move(rollout);
}

Result<Values> values_of_text(RecordKind kind, std::string_view text, const std::string& where) {
  if (kind == RecordKind::kEnvironment) {
    ASSAY_ASSIGN(const auto environment, environment_from_text(text, where));
    return values_of(*environment);
  }
  if (kind == RecordKind::kTask) {
    ASSAY_ASSIGN(const Task task, task_from_text(text, where));
    return values_of(task);
  }
  if (kind == RecordKind::kCertificate) {
    ASSAY_ASSIGN(const Certificate certificate, certificate_from_text(text, where));
    return values_of(certificate);
  }
  if (kind == RecordKind::kTokens) {
    ASSAY_ASSIGN(const TokenRecord record, token_record_from_text(text, where));
    ASSAY_TRY(check_turns(record.turns, where));
    return values_of(record.rollout, record.turns);
  }
  ASSAY_ASSIGN(const Rollout rollout, rollout_from_text(text, where));
  return values_of(rollout);
}

}  // namespace assay
