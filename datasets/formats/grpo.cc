#include "datasets/format.h"

namespace assay::formats::grpo {
namespace {

constexpr const char* kUsage = R"(Each row is one task: `prompt` (system and user message), `tools` (JSON text of the tool definitions), and what names the
task. There is no answer in a row: `reward.py` scores a completion by asking the verifier, through one long-lived
`assay env` process (the program is found by `$ASSAY`, else on the `PATH`; the store by `$ASSAY_STORE`, else where it was
when this was written). Where a row's `judged_by` is "state", the tool calls of the completion are carried out and the state they
leave is judged; else the answer it submits. A failure of the verifier raises; it is never a reward of 0. The files are JSON lines; they end in
`.json` because verl reads no other name.

```python
# TRL
from datasets import load_dataset
from trl import GRPOTrainer
import reward
trainer = GRPOTrainer(model=..., reward_funcs=reward.reward, train_dataset=load_dataset("path/to/this/folder", split="train"))
```

```sh
# verl
python3 -m verl.trainer.main_ppo data.train_files=data/train.json \
  custom_reward_function.path=reward.py custom_reward_function.name=compute_score ...
```
)";

Result<OrderedJson> row(const ExportItem& item) {
  const Task& task = item.task;
  const std::string submit = submit_tool(item.environment);
  const char* judged = judged_by(task);
  OrderedJson extra = {{"index", item.number}, {"split", item.split}, {"task_id", task.id}, {"submit_tool", submit}, {"judged_by", judged}};
  return OrderedJson{{"prompt", opening_json(task)},
                     {"tools", item.tools.text},
                     {"task_id", task.id},
                     {"environment_id", task.environment},
                     {"domain", task.provenance.domain},
                     {"difficulty", task.difficulty},
                     {"seed", task.provenance.seed},
                     {"index", task.provenance.index},
                     {"split", item.split},
                     {"submit_tool", submit},
                     {"judged_by", judged},
                     {"certificate", certificate_summary(item.certificate)},
                     {"data_source", "assay/" + task.provenance.domain},
                     {"ability", task.archetype},
                     {"reward_model", {{"style", "rule"}, {"ground_truth", task.id}}},
                     {"extra_info", std::move(extra)}};
}

}  // namespace

Format make() {
  return {.name = "grpo",
          .summary = "prompts with a reward function, for TRL and verl (one row a task)",
          .rows = "data/{split}.json",
          .usage = kUsage,
          .row = row,
          .files = reward_files};
}

}  // namespace assay::formats::grpo
