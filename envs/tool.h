// A tool as data: what an agent is told about it, and what it does. Bound to an environment's database by a tool kind
// (envs/tool_kinds/, one file each) and called through a Toolset.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/json.h"

namespace assay {

enum class ToolEffect { kRead, kWrite, kSubmit };

// What one call of a tool teaches, declared: the rows of `table` that match `given`, and of each the listed columns. An
// explorer learns only by these declarations; a certificate checks them against what the tool returns.
struct Reveal {
  std::string table;
  std::map<std::string, std::string> given;    // column -> parameter whose value it equals
  std::map<std::string, std::string> columns;  // column -> member of each returned record ("" = the value itself)
  bool complete = false;                       // every row that matches `given` is returned, if no further optional argument is
  std::string counts;                          // member of the result that says how many rows match; then `columns` is empty
};

struct ToolSpec {
  std::string name;
  std::string description;
  std::string kind;   // a registered tool kind: "sql", "submit"
  Json parameters;    // JSON Schema (object)
  ToolEffect effect = ToolEffect::kRead;
  Json body;          // what it does, in the kind's own terms
  std::vector<Reveal> reveals;
};

// What the agent's side sees: {"type":"function","function":{"name","description","parameters"}}.
OrderedJson public_tool_json(const ToolSpec& tool);
Json to_json(const ToolSpec& tool);
Result<ToolSpec> tool_spec_from_json(const Json& json, const std::string& file, const std::string& path);

// The declared type of a parameter of a tool's JSON Schema ("string", "array", …), or "" if there is none.
std::string parameter_type(const Json& parameters, const std::string& name);

// An image in a tool's result.
struct Image {
  std::string mime, base64;

  bool operator==(const Image&) const = default;
};

// The outcome of one call. An error is the agent's to read (a wrong name, a missing argument); the episode goes on.
struct Observation {
  std::string text;
  bool error = false;
  std::vector<Image> images;   // shown beside the text, which names them
};

// {"error":"…"}: results are JSON, and so is what went wrong.
Observation error_observation(std::string_view what);

}  // namespace assay
