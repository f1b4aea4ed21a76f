#include "datasets/chat_form.h"
#include "datasets/format.h"

namespace assay::formats::openai_chat {
namespace {

constexpr const char* kUsage = R"(Each row is one whole conversation in the form of OpenAI's chat API: `messages` (system, user, assistant with
`tool_calls`, tool), `tools`, `parallel_tool_calls`. `arguments` is a string, as the policy wrote it; reasoning stands in
`reasoning_content`. `reward` and `passed` are the verifier's. `seed` and `index` made the task; `rollout_seed` and `sample`
name the attempt. `context` is null unless the attempt was played with a context strategy: then, from message `message` of each of
its `resets` on, the policy saw the opening and the messages from `kept_from` on, not the whole conversation.

```python
from datasets import load_dataset
rows = load_dataset("path/to/this/folder", split="train")
```
)";

Result<OrderedJson> row(const ExportItem& item) {
  const Rollout& rollout = *item.rollout;
  OrderedJson row = {{"messages", chat_json(rollout.messages)}, {"tools", item.tools.json}, {"parallel_tool_calls", true}};
  put_origin(row, item);
  row["context"] = rollout.context ? OrderedJson(to_json(*rollout.context)) : OrderedJson();
  return row;
}

std::set<Content> carries() {
  std::set<Content> all = kChatContents;
  all.insert(Content::kContextResets);
  return all;
}

}  // namespace

Format make() {
  return {.name = "openai_chat",
          .summary = "whole conversations with tools, in the form of OpenAI's chat API (one row a rollout)",
          .unit = RowUnit::kRollout,
          .carries = carries(),
          .usage = kUsage,
          .row = row};
}

}  // namespace assay::formats::openai_chat
