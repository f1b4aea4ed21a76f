// Draws questions from the schema and the data of any domain.
#pragma once

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
  const ColumnUse& use(int table, int column) const;
  const std::vector<Path>& paths(int table) const { return paths_[static_cast<size_t>(table)]; }

 private:
  const Tables& tables_;
  const EnvironmentReport& report_;
  const QueryOptions& options_;
  std::vector<std::vector<Path>> paths_;   // [table]
};

// A question of about this size, or nothing if the draw leads nowhere: whether it has one answer, and whether every step
// matters, is for the caller to find out.
std::optional<Question> draw_question(const Drawable& drawable, const Level& level, Rng& rng);

}  // namespace assay::query
