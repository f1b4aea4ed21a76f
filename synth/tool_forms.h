// Tools said in one line. A tool of a domain that only reads one table is declared by form and expanded, when the domain is
// compiled, into what a tool is made of: description, parameters, SQL in a total order, entities and reveals.
//
//   {"name": …, "form": "list",  "table": T, "by": [columns]}                       the names of all rows that match
//   {"name": …, "form": "list",  "table": T, "by": [columns], "columns": [columns]}  … as records of these columns
//   {"name": …, "form": "find",  "table": T, "by": …, "filters": [columns], "search": column}  … narrowed by optional parameters
//   {"name": …, "form": "get",   "table": T, "by": [columns], "columns": [columns]}  what is known of one
//   {"name": …, "form": "count", "table": T, "by": [columns], "filters": [columns]}  how many match
//
// `phrases` are those of the domain's questions, {"hotel.city": "in {}"}: "Lists the names of all hotels in a city."
//
// Every form may also have "description" and "explain" {parameter: its description}. See envs/domains/LANGUAGE.md.
#pragma once

#include <string>
#include <vector>

#include "envs/base/json.h"
#include "envs/table.h"

namespace assay {

// The declaration of a tool as tool_spec_from_json reads it; one without "form" is returned as it is. Errors name
// "FILE: PATH".
Result<Json> expand_tool(const Json& declaration, const std::vector<TableSpec>& tables, const Json& phrases, const std::string& file, const std::string& path);

// The tool that hands in the answer, of every domain that declares none.
Json submission_tool();

}  // namespace assay
