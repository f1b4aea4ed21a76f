// Other recipes for a repository whose proposed one has failed: those that worked before, then what a model makes of the failure. A model
// writes recipes and nothing else: whatever their steps do to files of the tree is put back (Builder), and a recipe that worked is
// kept, so that it replays without the model.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "envs/policy.h"
#include "synth/build/builder.h"
#include "synth/mine/candidate.h"

namespace assay {

struct RecipeFailure {
  const Candidate& candidate;
  const TreeView& tree;
  const Recipe& recipe;
  const Rejection& why;
};

// Whether another recipe could have ended otherwise: what failed was a step, the build, or how tests are run and reported.
bool is_of_recipe(const std::string& reason);

// Thread-safe; the model is asked for one candidate at a time.
class RecipeBook {
 public:
  // {"repository":"owner/name","recipe":{…}}, as `line` writes them.
  Status add(const Json& line, const std::string& where);
  static Json line(const std::string& repository, const Recipe& recipe);

  // `policy` is borrowed; at most `turns` replies for one candidate.
  void ask(Policy& policy, int turns, uint64_t seed);

  // The recipe to try after this failure, the `attempt`-th of the candidate (from 0); nothing where there is none left. A reply that is
  // no recipe is answered with what is wrong with it, and counts as a turn. An Error is the model's server's.
  Result<std::optional<Recipe>> after(const RecipeFailure& failure, size_t attempt);

 private:
  Result<std::optional<Recipe>> ask_model(const RecipeFailure& failure);

  std::mutex mutex_;
  std::map<std::string, std::vector<Recipe>> known_;               // by repository
  std::map<std::string, Conversation> conversations_;              // by candidate
  Policy* policy_ = nullptr;
  int turns_ = 0;
  uint64_t seed_ = 0;
};

}  // namespace assay
