// An environment: a database, a toolset and nothing hidden. Shared by many tasks, immutable, used by any number of threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "envs/table.h"
#include "envs/tool.h"

namespace assay {

struct Environment {
  std::string id;      // identity: SHA-256 of the canonical JSON below (schema, rows, tools), never of SQLite's file bytes
  std::string domain;  // name of the domain it was made from
  Tables tables;
  std::vector<ToolSpec> tools;
  std::vector<std::string> notes;  // said aloud when it was made (dropped duplicates, constraints left out …)

  const ToolSpec* find_tool(std::string_view name) const;
};

// {"format":"assay-environment/1","domain","tables","rows","tools","notes"}.
Json to_json(const Environment& environment);
// Fills in `id`.
Result<std::shared_ptr<const Environment>> environment_from_json(const Json& json, const std::string& file);
// Indexes the tables, computes the identity and freezes. Fails on repeated keys.
Result<std::shared_ptr<const Environment>> finish_environment(Environment environment);

}  // namespace assay
