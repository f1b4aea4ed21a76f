#include "datasets/format.h"

namespace assay::formats::skyrl {
namespace {

// Source: skyrl 0.3, skyrl/train/dataset/dataset.py and its guide to dataset preparation.
constexpr const char* kUsage = R"(Each row is one task for SkyRL's `PromptDataset`: `data_source`, `prompt`, `env_class` ("assay": register an environment of this name that
scores as `reward.py` does), `reward_spec` (`ground_truth` is the task's id: there is no answer in a row) and `extra_info`, which
holds the tools' definitions as JSON text.

```python
from skyrl_gym.envs import register
register(id="assay", entry_point="your_module:Env")   # its step() returns reward.compute_score(…)
```
)";

Result<OrderedJson> row(const ExportItem& item) {
  const Task& task = item.task;
  OrderedJson extra;
  put_origin(extra, item);
  extra["submit_tool"] = submit_tool(item.environment);
  extra["judged_by"] = judged_by(task);
  extra["tools"] = item.tools.text;
  return OrderedJson{{"data_source", "assay/" + task.provenance.domain},
                     {"prompt", opening_json(task)},
                     {"env_class", "assay"},
                     {"reward_spec", {{"method", "rule"}, {"ground_truth", task.id}}},
                     {"extra_info", std::move(extra)}};
}

}  // namespace

Format make() {
  return {.name = "skyrl", .summary = "prompts with a reward function, for SkyRL (one row a task)", .origin = "/extra_info", .usage = kUsage, .row = row, .files = reward_files};
}

}  // namespace assay::formats::skyrl
