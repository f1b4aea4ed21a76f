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

// What a column is good for in a question, told from its type and its cells.
enum class Use {
  kNone,        // free text, one value only, or to be avoided
  kName,        // the name of an entity
  kCategory,    // a text that many rows share
  kLabel,       // a text that no two rows share: a code
  kNumber,
  kTime,        // see Form
  kReference,
};
struct ColumnUse {
  Use use = Use::kNone;
  Form form = Form::kPlain;
  int64_t distinct = 0;   // values that occur
};

// What is drawn from, prepared once for an environment. Immutable; all arguments are borrowed.
class Drawable {
 public:
  Drawable(const Environment& environment, const EnvironmentReport& report, const QueryOptions& options);

  const Tables& tables() const { return tables_; }
  const ColumnUse& use(int table, int column) const { return uses_[static_cast<size_t>(table)][static_cast<size_t>(column)]; }
  const std::vector<Path>& paths(int table) const { return paths_[static_cast<size_t>(table)]; }

 private:
  ColumnUse use_of(int table, int column) const;

  const Tables& tables_;
  std::vector<std::vector<ColumnUse>> uses_;   // [table][column]
  std::vector<std::vector<Path>> paths_;       // [table]
};

// A question of about this size, or nothing if the draw leads nowhere: nobody has looked yet at whether it has one answer and whether
// every step matters.
std::optional<Question> draw_question(const Drawable& drawable, const Level& level, Rng& rng);

}  // namespace assay::query
