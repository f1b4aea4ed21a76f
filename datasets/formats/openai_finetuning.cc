#include "datasets/chat_form.h"
#include "datasets/format.h"

namespace assay::formats::openai_finetuning {
namespace {

constexpr const char* kUsage = R"(Each row is `{"messages", "tools", "parallel_tool_calls"}` and nothing else, because OpenAI's fine-tuning refuses other columns: rows
follow the order of domain, preset, seed, difficulty, index, policy, rollout seed and sample. `arguments` is text. An assistant's
message has `weight` 1, or 0 where a call's arguments are no JSON object, so that nobody learns to write them.
)";

Result<OrderedJson> row(const ExportItem& item) {
  const Conversation& messages = item.rollout->messages;
  OrderedJson chat = chat_json(messages, {.reasoning = false, .declarations = false});
  for (size_t i = 0; i < messages.size(); ++i)
    if (messages[i].role == Role::kAssistant) chat[i]["weight"] = has_argument_objects({messages[i]}) ? 1 : 0;
  return OrderedJson{{"messages", std::move(chat)}, {"tools", item.tools.json}, {"parallel_tool_calls", true}};
}

}  // namespace

Format make() {
  return {.name = "openai_finetuning",
          .summary = "conversations with tools, for OpenAI's fine-tuning (one row a rollout)",
          .unit = RowUnit::kRollout,
          .carries = {Content::kTextBesideCalls},
          .origin = std::nullopt,
          .usage = kUsage,
          .row = row};
}

}  // namespace assay::formats::openai_finetuning
