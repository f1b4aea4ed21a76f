#include "datasets/format.h"

namespace assay::formats::openrlhf {
namespace {

// Source: openrlhf 0.11, openrlhf/datasets/prompts_dataset.py.
constexpr const char* kUsage = R"(Each row is one task for OpenRLHF's `PromptDataset`: `input` (system and user message), `label` (the task's id: there is no answer in a row),
`datasource` and `tools` (JSON text). `reward.py` scores a completion by asking the verifier.

```sh
python3 -m openrlhf.cli.train_ppo_ray --data.prompt_dataset path/to/this/folder --data.input_key input --data.label_key label \
  --data.apply_chat_template ...
```
)";

Result<OrderedJson> row(const ExportItem& item) {
  OrderedJson row = {{"input", opening_json(item.task)},
                     {"label", item.task.id},
                     {"datasource", "assay/" + item.task.provenance.domain},
                     {"tools", item.tools.text},
                     {"submit_tool", submit_tool(item.environment)},
                     {"judged_by", judged_by(item.task)}};
  put_origin(row, item);
  return row;
}

}  // namespace

Format make() {
  return {.name = "openrlhf", .summary = "prompts with a reward function, for OpenRLHF (one row a task)", .usage = kUsage, .row = row, .files = reward_files};
}

}  // namespace assay::formats::openrlhf
