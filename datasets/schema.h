// What the SQLite file of a store holds, as data: the steps that make its schema, and the columns of each kind of record.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "datasets/segment.h"
#include "envs/certificate.h"
#include "envs/environment.h"
#include "envs/rollout.h"
#include "envs/task.h"

namespace assay {

inline constexpr int kStoreApplicationId = 0x61737379;  // "assy", in the header of the file

// Step i takes a store from version i to i + 1 (PRAGMA user_version). A step that was released is never edited.
std::span<const std::string_view> store_migrations();

using Value = std::variant<int64_t, double, std::string>;
using Values = std::vector<Value>;  // in the order of StoreTable::columns; the first is the id

// One table a kind; each row also has segment, offset and size: where its record lies.
struct StoreTable {
  RecordKind kind;
  const char* name;
  std::vector<const char*> columns;
};
std::span<const StoreTable> store_tables();
const StoreTable& store_table(RecordKind kind);

inline constexpr size_t kOutcomeBytes = 4096;   // of answer and state together, for a rollout's row to hold them

Values values_of(const Environment& environment);
Values values_of(const Task& task);
Values values_of(const Certificate& certificate);
Values values_of(const Rollout& rollout);
Values values_of(const std::string& rollout, const std::vector<TokenTurn>& turns);

// The identity that a rollout's row must have.
std::string rollout_id_of(const Values& values);

// Decodes the text of a record and computes its values again, the identity among them.
Result<Values> values_of_text(RecordKind kind, std::string_view text, const std::string& where);

// Records as JSON text, and back. Identities are computed, not read.
Result<std::shared_ptr<const Environment>> environment_from_text(std::string_view text, const std::string& where);
Result<Task> task_from_text(std::string_view text, const std::string& where);
Result<Certificate> certificate_from_text(std::string_view text, const std::string& where);
Result<Rollout> rollout_from_text(std::string_view text, const std::string& where);

}  // namespace assay
