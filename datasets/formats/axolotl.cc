#include "datasets/chat_form.h"
#include "datasets/format.h"

namespace assay::formats::axolotl {
namespace {

// Source: axolotl 0.19, docs/dataset-formats/conversation.qmd and prompt_strategies/chat_template.py.
constexpr const char* kUsage = R"(Each row is one conversation for Axolotl's `chat_template`: `messages` (reasoning in `reasoning_content`, arguments as text, `train` on
every message: the assistant's are trained on) and `tools` (JSON text). Rollouts with a call whose arguments are no JSON object are
left out.

```yaml
datasets:
  - path: path/to/this/folder/data/train.jsonl
    ds_type: json
    type: chat_template
    field_messages: messages
    message_field_training: train
```
)";

Result<OrderedJson> row(const ExportItem& item) {
  OrderedJson messages = chat_json(item.rollout->messages, {.declarations = false});
  for (OrderedJson& message : messages) message["train"] = message["role"] == "assistant";
  OrderedJson row = {{"messages", std::move(messages)}, {"tools", item.tools.text}};
  put_origin(row, item);
  return row;
}

}  // namespace

Format make() {
  return {.name = "axolotl",
          .summary = "conversations with tools and reasoning, for Axolotl (one row a rollout)",
          .unit = RowUnit::kRollout,
          .carries = {Content::kReasoning, Content::kTextBesideCalls},
          .takes_rollout = [](const Rollout& rollout) { return has_argument_objects(rollout.messages); },
          .usage = kUsage,
          .row = row};
}

}  // namespace assay::formats::axolotl
