// Which tasks of a store a verb works on: the options that all such verbs share.
#pragma once

#include <string>
#include <vector>

#include "datasets/shard.h"
#include "datasets/store.h"

namespace CLI {
class App;
}

namespace assay {

struct TaskSelection {
  std::vector<std::string> ids;   // unique prefixes of 6 digits or more; empty: every task
  std::vector<int> difficulties;  // empty: every difficulty
  std::string domain, preset;     // empty: any
  bool sound_only = true;         // ignored for tasks named by id

  Shard shard;                    // of what is selected otherwise, the limit included
  bool all = false;               // --all says aloud what is the default

  void declare(CLI::App& app);    // --task, --difficulty, --domain, --preset, --all
  void declare_cut(CLI::App& app);   // and --shard
};

// In the order of the store; at most `limit` unless that is negative. Fails if an id names no task or several, or if nothing is left
// before the cut into shards.
Result<std::vector<TaskRow>> select_tasks(Store& store, const TaskSelection& selection, int64_t limit);

// Declares "--difficulty 1,2,3" into `difficulties`.
void declare_difficulties(CLI::App& app, std::vector<int>& difficulties, const std::string& help);

}  // namespace assay
