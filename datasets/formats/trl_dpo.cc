#include "datasets/chat_form.h"
#include "datasets/format.h"

namespace assay::formats::trl_dpo {
namespace {

// Source: TRL, docs/source/dataset_formats.md, "Preference"; read with trl 1.16.
constexpr const char* kUsage = R"(Each row is a pair of rollouts of one task by one policy that the verifier gave different rewards: `prompt` (what both begin
with), `chosen` and `rejected` (messages up to the assistant's last; arguments of tool calls are objects), `tools` (JSON text). The
best is paired with the worst, the second best with the second worst; no rollout is in two pairs.

```python
from datasets import load_dataset
from trl import DPOTrainer
trainer = DPOTrainer(model=..., train_dataset=load_dataset("path/to/this/folder", split="train"))
```
)";

Result<OrderedJson> row(const ExportItem& item) {
  constexpr ChatForm form{.argument_objects = true};
  OrderedJson row = {{"prompt", chat_json(opening_of(item.rollout->messages), form)},
                     {"chosen", chat_json(completion_of(item.rollout->messages), form)},
                     {"rejected", chat_json(completion_of(item.rejected->messages), form)},
                     {"tools", item.tools.text}};
  put_origin(row, item);
  return row;
}

}  // namespace

Format make() {
  return {.name = "trl_dpo",
          .summary = "pairs of attempts that differ in reward, for TRL's DPOTrainer (one row a pair)",
          .unit = RowUnit::kPair,
          .carries = kChatContents,
          .all_outcomes = true,
          .takes_rollout = [](const Rollout& rollout) { return has_argument_objects(rollout.messages); },
          .usage = kUsage,
          .row = row};
}

}  // namespace assay::formats::trl_dpo
