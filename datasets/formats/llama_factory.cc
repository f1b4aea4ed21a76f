#include "datasets/chat_form.h"
#include "datasets/format.h"

namespace assay::formats::llama_factory {
namespace {

// Source: LLaMA-Factory 0.9.5, data/README.md, data/converter.py (strict alternation), data/formatter.py (calls and thoughts).
constexpr const char* kUsage = R"(Each row is one conversation in LLaMA-Factory's ShareGPT form: `conversations` (human, gpt, function_call and observation in strict
alternation, up to the assistant's last message), `system` (a developer's words with it) and `tools` (JSON text). Calls of one message are one list; results of
one message are one observation. Reasoning stands before a reply as `<think>`. `dataset_info.json` names the splits
`assay_train`, `assay_validation` and `assay_test`.

```yaml
dataset_dir: path/to/this/folder
dataset: assay_train
```
)";

// As converter.py joins the results of parallel calls.
constexpr const char* kBetweenResults = "\n</tool_response>\n<tool_response>\n";

std::string reply_text(const Message& message) {
  const std::string thought = message.reasoning.empty() ? "" : "<think>\n" + message.reasoning + "\n</think>\n\n";
  if (message.tool_calls.empty()) return thought + message.text;
  OrderedJson calls = OrderedJson::array();
  for (const ToolCall& call : message.tool_calls) calls.push_back({{"name", call.name}, {"arguments", argument_object(call)}});
  return thought + calls.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

const char* tag(const Message& message) {
  switch (message.role) {
    case Role::kAssistant: return message.tool_calls.empty() ? "gpt" : "function_call";
    case Role::kTool: return "observation";
    default: return "human";
  }
}

bool speaks_for_system(const Message& message) { return message.role == Role::kSystem || message.role == Role::kDeveloper; }

// What system and developer said before anybody else.
std::string system_text(const Conversation& messages) {
  std::string text;
  for (const Message& message : messages) {
    if (!speaks_for_system(message)) break;
    text += (text.empty() ? "" : "\n\n") + message.text;
  }
  return text;
}

// Turns in alternation, or null: somebody spoke twice, or not at all.
OrderedJson conversations(const Conversation& messages) {
  const auto completion = completion_of(messages);
  if (completion.empty()) return {};
  OrderedJson turns = OrderedJson::array();
  Role last = Role::kAssistant;
  for (const Message* at = messages.data(); at != completion.data() + completion.size(); ++at) {
    if (turns.empty() && speaks_for_system(*at)) continue;
    if (at->role == Role::kTool && last == Role::kTool) {
      turns.back()["value"] = turns.back()["value"].get<std::string>() + kBetweenResults + at->text;
      continue;
    }
    if ((at->role == Role::kAssistant) == (last == Role::kAssistant) || speaks_for_system(*at)) return {};
    turns.push_back({{"from", tag(*at)}, {"value", at->role == Role::kAssistant ? reply_text(*at) : at->text}});
    last = at->role;
  }
  return turns;
}

Result<OrderedJson> row(const ExportItem& item) {
  const Conversation& messages = item.rollout->messages;
  OrderedJson tools = OrderedJson::array();
  for (const OrderedJson& tool : item.tools.json) tools.push_back(tool.at("function"));
  OrderedJson row = {{"conversations", conversations(messages)},
                     {"system", system_text(messages)},
                     {"tools", tools.dump(-1, ' ', false, OrderedJson::error_handler_t::replace)}};
  put_origin(row, item);
  return row;
}

FormatFiles files(const RowFiles& rows) {
  OrderedJson info = OrderedJson::object();
  for (const auto& [split, path] : rows)
    info["assay_" + split] = {{"file_name", path}, {"formatting", "sharegpt"}, {"columns", {{"messages", "conversations"}, {"system", "system"}, {"tools", "tools"}}}};
  return {{"dataset_info.json", info.dump(2) + "\n"}};
}

}  // namespace

Format make() {
  return {.name = "llama_factory",
          .summary = "ShareGPT conversations with tools and reasoning, for LLaMA-Factory (one row a rollout)",
          .unit = RowUnit::kRollout,
          .carries = {Content::kReasoning},
          .takes_rollout = [](const Rollout& rollout) { return has_argument_objects(rollout.messages) && !conversations(rollout.messages).is_null(); },
          .usage = kUsage,
          .row = row,
          .files = files};
}

}  // namespace assay::formats::llama_factory
