// What tools over SQL share: rows printed as JSON with keys in the order selected, and parameters that must name an entity.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/json.h"
#include "envs/environment.h"

namespace assay {

void append_json_string(std::string& out, std::string_view text);
// A decimal is the shortest text that reads back as the same number, always with a point, so 4.0 stays a decimal.
void append_json_cell(std::string& out, const Json& cell);

// Body member "entities": {parameter: {"table": name}}: the parameter's value must be the exact name of an entity of the table.
class EntityParameters {
 public:
  // Problems are recorded in the reader.
  void read(JsonReader& body, const Environment& environment);
  // "" or what is wrong with the arguments, for the agent to read. Arguments that are not there are not judged.
  std::string problem(const Tables& tables, const Json& arguments) const;
  const std::map<std::string, int>& tables() const { return tables_; }   // parameter -> table

 private:
  std::map<std::string, int> tables_;
};

// " for city 'Suzhou', date '2025-10-01'": the given ones of `parameters`.
std::string given_text(const std::vector<std::string>& parameters, const Json& arguments);

}  // namespace assay
