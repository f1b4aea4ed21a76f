#include "datasets/chat_form.h"
#include "datasets/format.h"

namespace assay::formats::trl_sft {
namespace {

// Source: TRL, docs/source/dataset_formats.md, "Tool calling"; read with trl 1.16.
constexpr const char* kUsage = R"(Each row is one conversation for `SFTTrainer`: `messages` (reasoning in `reasoning_content`, which templates of the Harmony
family call `thinking`; arguments of tool calls are objects) and `tools` (JSON text). Rollouts with a call whose arguments are no JSON
object are left out. `datasets` 4.7 or newer keeps objects of any shape apart; older versions add null members to arguments.

```python
from datasets import load_dataset
from trl import SFTTrainer
trainer = SFTTrainer(model=..., train_dataset=load_dataset("path/to/this/folder", split="train"))
```
)";

Result<OrderedJson> row(const ExportItem& item) {
  OrderedJson row = {{"messages", chat_json(item.rollout->messages, {.argument_objects = true})}, {"tools", item.tools.text}};
  put_origin(row, item);
  return row;
}

}  // namespace

Format make() {
  return {.name = "trl_sft",
          .summary = "conversations with tools and reasoning, for TRL's SFTTrainer (one row a rollout)",
          .unit = RowUnit::kRollout,
          .carries = kChatContents,
          .takes_rollout = [](const Rollout& rollout) { return has_argument_objects(rollout.messages); },
          .usage = kUsage,
          .row = row};
}

}  // namespace assay::formats::trl_sft
