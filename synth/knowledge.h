// What an explorer has learned: tables that start empty and grow only by what tools returned, read through their declared reveals.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "envs/table.h"
#include "envs/tool.h"
#include "verifiers/constraint.h"

namespace assay {

class Knowledge {
 public:
  explicit Knowledge(const std::vector<TableSpec>& schema);

  // Takes in the result of one call. Fails with boundary kTool if the result is not what the reveal declares.
  Status learn(const Reveal& reveal, const Json& arguments, const std::string& result);

  // The row of an entity that was heard of outside of the tools, in the question. `scope`: the row that scopes its name, or -1.
  int32_t hear_of(int table, std::string_view name, int32_t scope = -1);

  Tables& tables() { return tables_; }
  const Tables& tables() const { return tables_; }
  // Facts of relations whose rows are all known.
  const std::set<Fact>& asked() const { return asked_; }

 private:
  Status learn_result(const Reveal& reveal, int table, const Json& arguments, const std::string& result);
  Status learn_record(const Reveal& reveal, int table, const Json& arguments, const Json& record);
  Result<int64_t> cell(int table, int column, const Json& value);
  int32_t row_for(int table, const std::map<int, int64_t>& cells);
  void add_relation_row(int table, const std::map<int, int64_t>& cells);

  Tables tables_;
  std::map<std::tuple<int, int64_t, int64_t>, int32_t> rows_;   // (table, name id, scope row or -1)
  std::map<std::tuple<int, std::vector<int64_t>>, int32_t> relation_rows_;   // by key; by all cells where a key is not known
  std::set<Fact> asked_;
};

}  // namespace assay
