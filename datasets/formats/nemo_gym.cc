#include "datasets/format.h"
#include "datasets/responses_form.h"

namespace assay::formats::nemo_gym {
namespace {

// Source: nemo-gym 0.4, resources_servers/*/data/example.jsonl and nemo_gym/openai_utils.py.
constexpr const char* kUsage = R"(Each row is one task for NeMo-Gym: `responses_create_params` (`input`, `tools`, `parallel_tool_calls`, `tool_choice`), `agent_ref` and
`verifier`: the task's id, by which a resources server asks `assay env` for tools and reward (there is no answer in a row).

```sh
ng_collect_rollouts +input_jsonl_fpath=data/train.jsonl +output_jsonl_fpath=rollouts.jsonl ...
```
)";

Result<OrderedJson> row(const ExportItem& item) {
  OrderedJson row = {{"responses_create_params", response_parameters(opening_json(item.task), item.tools.json)},
                     {"agent_ref", {{"type", "responses_api_agents"}, {"name", "assay_simple_agent"}}},
                     {"verifier", {{"task", item.task.id}, {"submit_tool", submit_tool(item.environment)}, {"judged_by", judged_by(item.task)}}}};
  put_origin(row, item);
  return row;
}

}  // namespace

Format make() {
  return {.name = "nemo_gym", .summary = "tasks as parameters of OpenAI's Responses API, for NeMo-Gym (one row a task)", .usage = kUsage, .row = row};
}

}  // namespace assay::formats::nemo_gym
