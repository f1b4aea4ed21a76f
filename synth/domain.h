// A domain: a data file that declares tables and how to fill them, tools, and what each way of making tasks (archetype) needs to
// be told. Compiled once, immutable, shared. The file format is published in
// envs/domains/schema/domain.schema.json.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "envs/environment.h"

namespace assay {

class Executor;
class FillPlan;

struct Domain {
  std::string name, version, title, summary;
  std::vector<TableSpec> tables;         // schema, in an order in which references point backwards
  std::vector<ToolSpec> tools;           // as declared; environments get them from tools_over()
  std::shared_ptr<const FillPlan> fill;  // how the tables are filled (synth/fill_plan.h); null: by a program
  Json vocabularies;                     // {name: [text …]}
  Json settings;                         // constants that templates and fillers name with "$name" (origin city, dates …)
  std::map<std::string, Json> archetypes;  // {name: its part of the domain, checked and completed by synth/archetypes/<name>.cc}
  Json import;                           // {"tables":{table:{"names":[…],"columns":{column:[…]}}}}: what users call them
  std::string hash;                      // SHA-256 of the canonical source
  std::string source;                    // canonical: compiles to the same domain

  const TableSpec* find_table(std::string_view table) const;  // null when absent
};

// Errors name file, JSON path, what was expected and what to try. Every SQL text is prepared against an empty database of
// the schema under the authorizer, so a hostile or mistaken one fails here.
Result<std::shared_ptr<const Domain>> compile_domain(std::string_view text, const std::string& file);
// Replaces every string "$name" in `json` by the setting of that name; an unknown one lists the known. `where`: "FILE: PATH".
Status fill_in_settings(Json& json, const Json& settings, const std::string& where);
// A built-in domain by name, a file by path (anything with a '/' or ending in ".json"), or the folder of a domain in Python
// (synth/program/folder.h). An unknown name lists the known.
Result<std::shared_ptr<const Domain>> load_domain(const std::string& name_or_path);
std::vector<std::string> domain_names();

// Environment number `number` of `seed`: a pure function of (domain, seed, number). Any thread; a few milliseconds.
// `executor` runs what makes the rows of a domain whose programs do (synth/program/program_task.h).
Result<std::shared_ptr<const Environment>> generate_environment(const Domain& domain, uint64_t seed, int64_t number, Executor* executor = nullptr);

// The tools as agents see them over these tables: in descriptions "{columns}" becomes the labels, units and declared ranges
// of what the tool reveals; in those of parameters "{values of TABLE.COLUMN}" what the column holds, ": \"calm\" or \"shy\"", where that is little.
std::vector<ToolSpec> tools_over(std::vector<ToolSpec> tools, const Tables& tables);

}  // namespace assay
