// Files of records: a JSON array, or JSON Lines. A record that cannot be read is an error of its own; the others are good.
#pragma once

#include <string>
#include <vector>

#include "envs/base/json.h"

namespace assay {

struct FileRecord {
  std::string where;      // "issues.jsonl:12"
  Result<Json> json;
};

// Every record of a file of at most 1 GiB.
Result<std::vector<FileRecord>> read_records(const std::string& path);

// The first record, for telling what kind of file it is; null if there is none.
Json first_record(const std::string& path);

}  // namespace assay
