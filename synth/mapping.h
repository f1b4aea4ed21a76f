// How a user's tables become a domain's: which source fills which table, and which of its columns fill which.
//   {"format":"assay-mapping/1","tables":{"hotel":{"source":"accommodations.csv","columns":{
//      "name":"NAME", "price":{"from":"price","unit":"USD"}, "minutes":{"from":"duration","convert":"minutes"},
//      "mode":{"constant":"car"}}}}}
// With "header":false the source's first row is data and columns are numbers counted from 1.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "envs/database.h"
#include "synth/domain.h"

namespace assay {

struct ColumnMapping {
  std::string from;     // column of the source; empty for a constant
  std::string constant;
  std::string convert;  // see synth/convert.h; "number" unless said otherwise
  std::string unit;     // in place of the declared one, unless empty
};

struct TableMapping {
  std::string source;   // file name, or table of a SQLite file
  bool header = true;
  std::map<std::string, ColumnMapping> columns;
};

struct Mapping {
  std::map<std::string, TableMapping> tables;
};

Json to_json(const Mapping& mapping);
// Strict; knows the domain's tables and columns, not the sources. A table of entities needs its key columns.
Result<Mapping> mapping_from_json(const Json& json, const Domain& domain, const std::string& file);

// From the names of files and columns (the domain's own, its "import" synonyms, near spellings) and from what the cells hold.
// Each source fills at most one table. Tables and columns for which nothing fits are left out.
Mapping propose_mapping(const Domain& domain, const std::vector<RawTable>& sources);

}  // namespace assay
