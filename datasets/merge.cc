#include "datasets/merge.h"

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include "datasets/segment.h"
#include "datasets/sidecar.h"

namespace assay {
namespace {

constexpr size_t kProblems = 100;
constexpr int64_t kProgressRows = 256;
constexpr size_t kIdDigits = 64;

const std::string& text_at(const Values& values, size_t column) { return std::get<std::string>(values[column]); }

// The texts of a rollout and of its tokens, without what was measured with a clock.
Result<std::vector<std::string>> timeless_texts(const StoredRecord& record) {
  if (!record.bytes.ok()) return record.bytes.error();
  ASSAY_ASSIGN(const std::string text, record_text(*record.bytes, record.kind, record.where));
  ASSAY_ASSIGN(Rollout rollout, rollout_from_text(text, record.where));
  rollout.wall_us = rollout.tool_us = 0;
  rollout.times.clear();
  std::vector<std::string> texts = {canonical_json(to_json(rollout))};
  for (const StoredRecord& each : record.with) {
    if (!each.bytes.ok()) return each.bytes.error();
    ASSAY_ASSIGN(std::string tokens, record_text(*each.bytes, each.kind, each.where));
    texts.push_back(std::move(tokens));
  }
  return texts;
}

bool same_bytes(const StoredRecord& a, const StoredRecord& b) {
  return a.bytes.ok() && b.bytes.ok() && *a.bytes == *b.bytes &&
         std::equal(a.with.begin(), a.with.end(), b.with.begin(), b.with.end(), same_bytes);
}

class Merge {
 public:
  Merge(Store& out, Store& in, const std::vector<std::string>& earlier, Clock& clock, const MergeOptions& options, MergeReport& report)
      : out_(out), in_(in), earlier_(earlier), clock_(clock), options_(options), report_(report) {}

  Status run() {
    ASSAY_TRY(find_environments());
    ASSAY_TRY(find_certificates());
    for (const RecordKind kind : {RecordKind::kEnvironment, RecordKind::kTask, RecordKind::kCertificate, RecordKind::kRollout})
      ASSAY_TRY(in_.visit_records(
          kind, [&](const Values& values) { return wants(kind, values); }, [&](StoredRecord record) { return take(std::move(record)); }));
    if (!report_.interrupted) ASSAY_TRY(take_observations());
    ASSAY_TRY(out_.flush());
    tell(0);
    return {};
  }

 private:
  // A shard has the environments of its tasks, and no others.
  Status find_environments() {
    if (options_.shard.is_whole()) return {};
    return in_.visit_records(
        RecordKind::kTask,
        [&](const Values& values) {
          if (options_.shard.holds(text_at(values, 0))) environments_.insert(text_at(values, 1));
          return false;
        },
        [](const StoredRecord&) { return Status(); });
  }

  // How many of a task's certificates here, counted from the oldest, are known there or older than one that is.
  Status find_certificates() {
    std::unordered_map<std::string, int64_t> seen;
    Status status;
    ASSAY_TRY(in_.visit_records(
        RecordKind::kCertificate,
        [&](const Values& values) {
          const int64_t ordinal = ++seen[text_at(values, 1)];
          const Result<bool> there = out_.holds(RecordKind::kCertificate, values);
          if (!there.ok()) status = there.error();
          else if (*there) passed_certificates_[text_at(values, 1)] = ordinal;
          return false;
        },
        [](const StoredRecord&) { return Status(); }));
    return status;
  }

  bool wants(RecordKind kind, const Values& values) {
    report_.interrupted |= options_.cancelled && options_.cancelled->load();
    if (report_.interrupted) return false;
    const std::string& task = text_at(values, kind == RecordKind::kTask ? 0 : 1);
    if (!options_.shard.is_whole() &&
        !(kind == RecordKind::kEnvironment ? environments_.contains(text_at(values, 0)) : options_.shard.holds(task)))
      return false;
    tell(1);
    if (kind != RecordKind::kCertificate || ++certificates_[task] > passed_certificates_[task]) return true;
    ++report_.known;
    return false;
  }

  Status take(StoredRecord record) {
    if (!record.bytes.ok()) return lose(report_.damaged, record.bytes.error().what, record);
    ASSAY_ASSIGN(const bool known, out_.holds(record.kind, record.values));
    if (known) {
      if (record.kind == RecordKind::kRollout) ASSAY_TRY(compare(record));
      ++report_.known;
      return {};
    }
    if (record.kind != RecordKind::kEnvironment) {
      const RecordKind above = record.kind == RecordKind::kTask ? RecordKind::kEnvironment : RecordKind::kTask;
      ASSAY_ASSIGN(const bool rooted, out_.holds(above, {record.values[1]}));
      if (!rooted) return lose(report_.left_out, std::string("its ") + store_table(above).name + " " + text_at(record.values, 1).substr(0, 12) + " is nowhere whole", record);
    }
    for (const StoredRecord& each : record.with)
      if (!each.bytes.ok()) return lose(report_.damaged, each.bytes.error().what, record);
    const Status status = out_.put_record(record);
    if (!status.ok() && is_of(status.error(), record)) return lose(report_.damaged, status.error().what, record);
    if (!status.ok()) return status;
    ++report_.copied;
    report_.bytes += static_cast<int64_t>(record.bytes->size());
    for (const StoredRecord& each : record.with) report_.bytes += static_cast<int64_t>(each.bytes->size());
    return {};
  }

  static bool is_of(const Error& error, const StoredRecord& record) {
    return error.where == record.where ||
           std::any_of(record.with.begin(), record.with.end(), [&](const StoredRecord& each) { return error.where == each.where; });
  }

  Status lose(int64_t& count, const std::string& what, const StoredRecord& record) {
    ++count;
    if (report_.problems.size() < kProblems) report_.problems.push_back(record.where + ": " + what);
    return {};
  }

  Status compare(const StoredRecord& record) {
    const std::string& id = text_at(record.values, 0);
    ASSAY_ASSIGN(const StoredRecord known, out_.rollout_record(id));
    if (same_bytes(known, record)) return {};
    ASSAY_ASSIGN(const std::vector<std::string> there, timeless_texts(known));
    const Result<std::vector<std::string>> here = timeless_texts(record);
    if (!here.ok()) return lose(report_.damaged, here.error().what, record);
    if (*here == there) return {};
    ASSAY_ASSIGN(const std::string other, first_with(record.values));
    return make_error(Boundary::kStore, "conflict: " + other + " has another rollout with the identity " + id, in_.path(),
                      "these shards do not belong together, or their policy is not deterministic: leave one of the two stores out");
  }

  // The store that a rollout was taken from, as far as it was taken in this merge.
  Result<std::string> first_with(const Values& values) {
    for (const std::string& path : earlier_) {
      ASSAY_ASSIGN(const auto store, Store::open(path, StoreMode::kMustExist, clock_));
      ASSAY_ASSIGN(const bool there, store->holds(RecordKind::kRollout, values));
      if (there) return path;
    }
    return out_.path();
  }

  // Those of tasks and rollouts go where these go, and all others everywhere: they are there once after a merge.
  Status take_observations() {
    return in_.visit_observations([&](const StoredObservation& observation) -> Status {
      if (!options_.shard.is_whole() && observation.subject.size() == kIdDigits) {
        ASSAY_ASSIGN(const bool task, out_.holds(RecordKind::kTask, {observation.subject}));
        ASSAY_ASSIGN(const bool rollout, out_.holds(RecordKind::kRollout, {observation.subject}));
        if (!task && !rollout) return {};
      }
      ++report_.observations;
      return out_.put_observation(observation);
    });
  }

  void tell(int64_t rows) {
    untold_ += rows;
    if (!options_.progress || (rows > 0 && untold_ < kProgressRows)) return;
    options_.progress(untold_);
    untold_ = 0;
  }

  Store& out_;
  Store& in_;
  const std::vector<std::string>& earlier_;
  Clock& clock_;
  const MergeOptions& options_;
  MergeReport& report_;
  std::unordered_set<std::string> environments_;
  std::unordered_map<std::string, int64_t> certificates_, passed_certificates_;   // by task
  int64_t untold_ = 0;
};

}  // namespace

Result<MergeReport> merge_stores(Store& out, const std::vector<std::string>& inputs, Clock& clock, const MergeOptions& options) {
  MergeReport report;
  std::vector<std::string> earlier;
  for (const std::string& path : inputs) {
    std::error_code ignored;
    if (std::filesystem::equivalent(path, out.path(), ignored)) return input_error("a store cannot be merged into itself", path, "name another store to merge into");
    ASSAY_ASSIGN(const std::unique_ptr<Store> in, Store::open(path, StoreMode::kMustExist, clock));
    ASSAY_TRY(Merge(out, *in, earlier, clock, options, report).run());
    if (report.interrupted) break;
    for (const char* folder : {".layers", ".logs"}) ASSAY_TRY(copy_missing(path + folder, out.path() + folder));
    earlier.push_back(path);
  }
  return report;
}

}  // namespace assay
