// What a domain tells the archetype operate: a written policy, how a request is refused, and requests with their cases. Compiled
// once; then used by any number of threads.
//
//   {"role": text, "policy": [rule …],
//    "refuse": {"tool": NAME, "reason": its parameter for the reason, "reasons": {code: what it is for}},
//    "requests": {name: {
//      "say": [text with {column} …],            what the customer says; one of them is drawn
//      "pick": SELECT,                            one row for each request that somebody could make: parameters and facts
//      "lookups": [{"tool","arguments"} …],       the calls that tell what is needed to decide and to act
//      "about": {argument: value …},              the refusal's other arguments
//      "computed": [column …],                    worked out by whoever acts, so that no text has to show them
//      "cases": [{"if": {fact: value or [values]}, "do": [{"tool","arguments"} …]} | {"if": …, "refuse": code} …]}},
//    "levels": {"1": {"requests": [1, 1], "refusals": [0, 1], "calls": [low, high), "choose": [name …]} …}}
//
// Columns of `pick` that a case asks about are facts; all others are parameters. In arguments a text that is nothing but "{column}"
// has that column's value and type. No two cases may hold at once: some fact must tell them apart, which is checked here, once, for
// every database there could be. A row for which no case holds is no request. Whether the tools enforce a rule does not matter.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "envs/base/json.h"
#include "synth/domain.h"

namespace assay::operate {

struct CallTemplate {
  std::string tool;
  Json arguments;   // object
};

struct Case {
  std::string name;                               // "2: refuse overdue"
  std::map<std::string, std::vector<Json>> facts; // fact -> one of these values, as SQL gives them
  std::string refuse;                             // a reason; empty where it acts
  std::vector<CallTemplate> calls;                // what it does, or the refusal

  bool holds(const Json& row) const;
};

struct Request {
  std::string name, pick;
  std::vector<std::string> say;
  std::vector<CallTemplate> lookups;
  std::set<std::string> computed, facts;
  std::vector<std::string> parameters;            // columns of pick that are no facts
  std::vector<Case> cases;
};

struct Range {
  int64_t low = 0, high = INT64_MAX;              // both inclusive
  bool contains(int64_t x) const { return x >= low && x <= high; }
};

struct Level {
  Range requests, refusals, calls;
  std::vector<size_t> choose;                     // requests
};

struct Part {
  std::string role;
  std::vector<std::string> policy;
  std::string refuse_tool, reason_parameter;
  std::vector<std::pair<std::string, std::string>> reasons;   // code, what it is for
  std::vector<Request> requests;
  std::map<int, Level> levels;
};

// Errors name `file` and the JSON path below `path`.
Result<Part> read_part(const Domain& domain, const Json& json, const std::string& file, const std::string& path);

// "{column}" in `text` replaced by the row's values.
std::string fill(const std::string& text, const Json& row);
// The same in every text of `json`; a text that is nothing but one column takes its value.
Json fill(const Json& json, const Json& row);

}  // namespace assay::operate
