// Logs of test runs, kept beside a store: whatever a judgement's programs printed, whole and compressed.
//
//   STORE.logs/AB/ABCD….build.out.zst, ABCD….0.out.zst, ABCD….0.err.zst, …      ABCD…: the judgement's identity
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "envs/base/status.h"

namespace assay {

// Of judging one patch for one task: 64 hexadecimal digits. The same patch judged again overwrites its logs.
std::string judgement_id(std::string_view task, std::string_view patch);

// RunRequest::log for a judgement: a path without its endings, in a directory that exists afterwards.
Result<std::string> log_base(const std::string& store, const std::string& judgement);

struct TestLog {
  std::string name;   // "0.out"
  std::string text;   // cut after `limit` bytes, and says so
};
// All logs of a judgement, named by its identity or at least the first 6 digits of it, in order of name. None is an error.
Result<std::vector<TestLog>> read_logs(const std::string& store, const std::string& judgement, size_t limit_bytes);

}  // namespace assay
