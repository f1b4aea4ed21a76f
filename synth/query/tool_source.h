// Rows as an agent gets them: by calling tools, and reading results only through what the tools declare to reveal. Evaluating a
// question over it plays an episode of the task.
#pragma once

#include "envs/episode.h"
#include "synth/explorer.h"
#include "synth/knowledge.h"
#include "synth/query/evaluate.h"
#include "synth/tool_request.h"

namespace assay::query {

// A tool that returns every row of a table for given values of some columns, and of each row at least its key.
struct Path {
  const ToolSpec* tool = nullptr;
  const Reveal* reveal = nullptr;
  std::vector<int> given;      // columns
  std::vector<int> columns;    // that are known of the rows afterwards, the given ones included; ascending
  bool reveals(int column) const;
};
// The ways to all rows of `table`, in the order of the tools. Pointers are into `tools`.
std::vector<Path> paths_to(const TableSpec& table, const std::vector<ToolSpec>& tools);

// Fails with boundary kTool if no tool reaches what is asked for, or one breaks or lies about what it reveals; with kLimit if the
// episode's limits end first.
class ToolSource final : public RowSource {
 public:
  // All are borrowed.
  ToolSource(const Task& task, const std::vector<TableSpec>& schema, Tools& tools);
  const Tables& tables() const override { return known_.tables(); }
  Result<std::vector<int32_t>> rows(int table, const std::vector<Bound>& bounds, const std::vector<int>& columns) override;
  Status learn(int table, const std::vector<int32_t>& rows, const std::vector<int>& columns) override;

  // Hands in the answer; ends the episode and gives its transcript.
  Result<Exploration> submit(const std::string& answer);

 private:
  struct Choice {
    Path path;
    double calls = 0;
  };
  std::optional<int32_t> named(int table, const std::vector<Bound>& bounds);
  std::optional<Choice> choose(int table, const std::vector<Bound>& bounds, const std::vector<int>& columns) const;
  double cost(int table, const Path& path, const std::vector<Bound>& bounds, const std::vector<int>& columns) const;
  Result<std::vector<Json>> values(int table, int column, const std::vector<Bound>& bounds);
  bool matches(int table, const Bound& bound, int32_t row) const;
  std::optional<ToolRequest> look_up(int table, int32_t row, const std::vector<int>& columns) const;
  Status call(std::vector<ToolRequest> requests);

  const Task& task_;
  Tools& tools_;
  Episode episode_;
  Knowledge known_;
  Conversation transcript_;
  std::vector<std::vector<Path>> paths_;                           // [table]
  std::vector<std::vector<std::pair<const ToolSpec*, const Reveal*>>> reveals_;   // [table] of usable tools
  std::set<std::pair<const ToolSpec*, std::string>> made_;
};

}  // namespace assay::query
