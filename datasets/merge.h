// Stores into one: records are copied as they lie in their segments, checked and not encoded again. What is there already is left
// alone, so a merge that was stopped anywhere, or done twice, comes to the same.
//
// Also the way back: with a shard, only tasks of that shard are taken, and what belongs to them.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "datasets/shard.h"
#include "datasets/store.h"

namespace assay {

struct MergeOptions {
  Shard shard;
  const std::atomic<bool>* cancelled = nullptr;
  std::function<void(int64_t rows)> progress;   // rows that were looked at since the last call; may be empty
};

struct MergeReport {
  int64_t copied = 0, known = 0;       // records
  int64_t observations = 0;            // seen, of which those that were new are copied
  int64_t bytes = 0;                   // of copied records
  int64_t damaged = 0, left_out = 0;   // left out: what belongs to a record that is nowhere whole
  std::vector<std::string> problems;   // of both, the first 100; each names its store and its record
  bool interrupted = false;
};

// Takes everything of the stores `inputs` into `out`, in their order; an older store among them is upgraded in place.
//
// A damaged record is left out and reported; a whole one in another store takes its place. Two rollouts of one identity that differ in
// more than how long things took are a conflict, which ends the merge with an error that names both stores and the rollout. After any
// error `out` is a valid store that holds what was taken so far. Of the certificates of a task those are taken that came after the last
// one known to both stores.
//
// The folders beside a store, layers (STORE.layers) and logs (STORE.logs), are taken along: files that are not there, and layers whole.
Result<MergeReport> merge_stores(Store& out, const std::vector<std::string>& inputs, Clock& clock, const MergeOptions& options);

}  // namespace assay
