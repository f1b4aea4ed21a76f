#include "datasets/format.h"

namespace assay::formats::verl {
namespace {

// Source: verl 0.9.1, docs/preparation/prepare_data.rst and verl/utils/dataset/rl_dataset.py.
constexpr const char* kUsage = R"(Each row is one task for verl's `RLHFDataset`: `data_source`, `prompt`, `ability`, `reward_model` (`ground_truth` is the task's id: there
is no answer in a row) and `extra_info`. `extra_info.tools` is the tools' definitions as JSON text. `reward.py` scores a response by
asking the verifier, through one long-lived `assay env` process. The files end in `.json` because older versions read no other name.

```sh
python3 -m verl.trainer.main_ppo data.train_files=data/train.json \
  custom_reward_function.path=reward.py custom_reward_function.name=compute_score ...
```
)";

Result<OrderedJson> row(const ExportItem& item) {
  const Task& task = item.task;
  OrderedJson extra;
  put_origin(extra, item);
  extra["index"] = item.number;   // verl's: the place of the row, where the origin has the task's
  extra["submit_tool"] = submit_tool(item.environment);
  extra["judged_by"] = judged_by(task);
  extra["need_tools_kwargs"] = false;
  extra["tools"] = item.tools.text;
  return OrderedJson{{"data_source", "assay/" + task.provenance.domain},
                     {"prompt", opening_json(task)},
                     {"ability", task.archetype},
                     {"reward_model", {{"style", "rule"}, {"ground_truth", task.id}}},
                     {"extra_info", std::move(extra)}};
}

}  // namespace

Format make() {
  return {.name = "verl", .summary = "prompts with a reward function, for verl (one row a task)", .rows = "data/{split}.json", .origin = "/extra_info", .usage = kUsage, .row = row, .files = reward_files};
}

}  // namespace assay::formats::verl
