// An issue and the change that resolved it, as mined: what `assay mine` writes, one JSON object a line, and `assay build` reads.
// Pure data; all text is well-formed UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "envs/base/json.h"

namespace assay {

struct Issue {
  int64_t number = 0;
  std::string title, body, author, url;
  std::string created;   // ISO 8601, UTC

  bool operator==(const Issue&) const = default;
};

struct Candidate {
  std::string id;                // SHA-256 of the canonical JSON without it
  std::string repository;        // "owner/name"; of a clone without a remote its directory's name
  std::string source;            // "local", "github", "file", "swe_bench", "harbor"
  int64_t pull = 0;              // number of the pull request; 0 where none is known
  std::string title, body, author;   // of the pull request or commit
  std::string merged;            // ISO 8601, UTC
  std::string base, head;        // commits, 40 hexadecimal digits: the tree before the change, and after it ("": unknown)
  std::vector<Issue> issues;     // linked ones
  std::string statement;         // what an agent is told
  std::string statement_from;    // "issue", "pull_request", "commit"; candidates of other kinds than issue must be asked for
  std::string gold, tests;       // git patches against `base`, binary files included: everything that is no test, everything that is
  std::string licence;           // SPDX identifier where recognised, else the licence file's name, else empty
  std::string language;          // of most bytes of source touched (paths.h)

  bool operator==(const Candidate&) const = default;
};

// {"id","repository","source","pull","title","body","author","merged","base","head","issues":[{"number","title","body","author",
// "url","created"}],"statement","statement_from","gold","tests","licence","language"}, all of them, in canonical order.
Json to_json(const Candidate& candidate);
// Strict: unknown members, other types and an id that is not its content's are errors at `where`.
Result<Candidate> candidate_from_json(const Json& json, const std::string& where);

// What `id` has to be.
std::string candidate_id(const Candidate& candidate);

Json to_json(const Issue& issue);
Result<Issue> issue_from_json(const Json& json, const std::string& where, const std::string& path);

}  // namespace assay
