#include "datasets/chat_form.h"
#include "datasets/format.h"

namespace assay::formats::trl_kto {
namespace {

// Source: TRL, docs/source/dataset_formats.md, "Unpaired preference"; read with trl 1.16.
constexpr const char* kUsage = R"(Each row is one attempt for `KTOTrainer`: `prompt`, `completion` (messages up to the assistant's last; arguments of tool calls are
objects), `label` (whether the verifier passed it) and `tools` (JSON text).

```python
from datasets import load_dataset
from trl import KTOTrainer
trainer = KTOTrainer(model=..., train_dataset=load_dataset("path/to/this/folder", split="train"))
```
)";

Result<OrderedJson> row(const ExportItem& item) {
  constexpr ChatForm form{.argument_objects = true};
  const Rollout& rollout = *item.rollout;
  OrderedJson row = {{"prompt", chat_json(opening_of(rollout.messages), form)},
                     {"completion", chat_json(completion_of(rollout.messages), form)},
                     {"label", rollout.verdict.passed},
                     {"tools", item.tools.text}};
  put_origin(row, item);
  return row;
}

}  // namespace

Format make() {
  return {.name = "trl_kto",
          .summary = "attempts labelled by the verifier, for TRL's KTOTrainer (one row a rollout)",
          .unit = RowUnit::kRollout,
          .carries = kChatContents,
          .all_outcomes = true,
          .takes_rollout = [](const Rollout& rollout) { return has_argument_objects(rollout.messages); },
          .usage = kUsage,
          .row = row};
}

}  // namespace assay::formats::trl_kto
