#include "datasets/format.h"

namespace assay::formats::slime {
namespace {

// Source: slime, slime/utils/data.py and slime/utils/arguments.py.
constexpr const char* kUsage = R"(Each row is one task for slime: `input` (system and user message), `label` (the task's id: there is no answer in a row), `metadata` and
`tools` (JSON text). `reward.py` scores a completion by asking the verifier.

```sh
--prompt-data data/train.jsonl --input-key input --label-key label --metadata-key metadata --tool-key tools --apply-chat-template
```
)";

Result<OrderedJson> row(const ExportItem& item) {
  OrderedJson metadata;
  put_origin(metadata, item);
  metadata["submit_tool"] = submit_tool(item.environment);
  metadata["judged_by"] = judged_by(item.task);
  return OrderedJson{{"input", opening_json(item.task)}, {"label", item.task.id}, {"metadata", std::move(metadata)}, {"tools", item.tools.text}};
}

}  // namespace

Format make() {
  return {.name = "slime", .summary = "prompts with a reward function, for slime (one row a task)", .origin = "/metadata", .usage = kUsage, .row = row, .files = reward_files};
}

}  // namespace assay::formats::slime
