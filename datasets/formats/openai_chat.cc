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
  const Task& task = item.task;
  const Rollout& rollout = *item.rollout;
  OrderedJson messages = OrderedJson::array();
  for (const Message& message : rollout.messages) messages.push_back(to_json(message));
  return OrderedJson{{"messages", std::move(messages)},
                     {"tools", public_tools_json(item.environment)},
                     {"parallel_tool_calls", true},
                     {"task_id", task.id},
                     {"rollout_id", rollout.id},
                     {"environment_id", task.environment},
                     {"domain", task.provenance.domain},
                     {"difficulty", task.difficulty},
                     {"seed", task.provenance.seed},
                     {"index", task.provenance.index},
                     {"split", item.split},
                     {"policy", rollout.policy},
                     {"rollout_seed", rollout.seed},
                     {"sample", rollout.sample},
                     {"reward", rollout.verdict.reward},
                     {"passed", rollout.verdict.passed},
                     {"context", rollout.context ? OrderedJson(to_json(*rollout.context)) : OrderedJson()},
                     {"certificate", certificate_summary(item.certificate)}};
}

}  // namespace

Format make() {
  return {.name = "openai_chat",
          .summary = "whole conversations with tools, in the form of OpenAI's chat API (one row a rollout)",
          .extension = "jsonl",
          .per_rollout = true,
          .usage = kUsage,
          .row = row,
          .files = [] { return std::vector<std::pair<std::string, std::string>>(); }};
}

}  // namespace assay::formats::openai_chat
