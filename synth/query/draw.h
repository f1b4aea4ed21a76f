// Draws questions from the schema and the data of any domain.
#pragma once

#include <memory>
#include <optional>

#include "envs/base/rng.h"
#include "envs/environment.h"
#include "synth/environment_check.h"
#include "synth/query/options.h"
#include "synth/query/plan.h"
#include "synth/query/tool_source.h"

namespace assay::query {

// What is drawn from. Immutable; all arguments are borrowed.
class Drawable {
 public:
  Drawable(const Environment& environment, const EnvironmentReport& report, const QueryOptions& options);

  const Tables& tables() const { return tables_; }
  const std::vector<ToolSpec>& tools() const { return *tools_; }
  // kNone for what no tool reveals, and what the domain wants to avoid.
  const ColumnUse& use(int table, int column) const { return uses_[static_cast<size_t>(table)][static_cast<size_t>(column)]; }
  // The ways to many rows: those that are not given the name of the one asked about.
  const std::vector<Path>& listings(int table) const { return listings_[static_cast<size_t>(table)]; }

 private:
  bool lists(int table, const Path& path) const;

  const Tables& tables_;
  std::shared_ptr<const std::vector<ToolSpec>> tools_;   // before variants; listings_ point into it
  std::vector<std::vector<ColumnUse>> uses_;   // [table][column]
  std::vector<std::vector<Path>> listings_;    // [table]
};

// A question of about this size, or nothing if the draw leads nowhere: whether it has one answer, and whether every step
// matters, is for the caller to find out.
// `source`: over the same tables.
std::optional<Question> draw_question(const Drawable& drawable, TableSource& source, const Level& level, Rng& rng);

// `question` with steps added, so that it is of about this size: more conditions, what it leads to as the way to other rows, or a
// difference from something else. Nothing if the draw leads nowhere, or it is so large already.
std::optional<Question> extend_question(const Question& question, const Drawable& drawable, TableSource& source, const Level& level, Rng& rng);

}  // namespace assay::query
