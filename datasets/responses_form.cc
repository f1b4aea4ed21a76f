#include "datasets/responses_form.h"

#include "datasets/chat_form.h"

namespace assay {
namespace {

// A turn has at least one item: its message, if there is nothing else.
void put_turn(OrderedJson& output, const Message& message, const std::string& id) {
  if (!message.reasoning.empty()) output.push_back({{"type", "reasoning"}, {"id", "rs_" + id}, {"summary", {{{"type", "summary_text"}, {"text", message.reasoning}}}}});
  if (!message.text.empty() || (message.tool_calls.empty() && message.reasoning.empty()))
    output.push_back({{"type", "message"}, {"id", "msg_" + id}, {"role", "assistant"}, {"status", "completed"},
                      {"content", {{{"type", "output_text"}, {"text", message.text}, {"annotations", OrderedJson::array()}}}}});
  for (const ToolCall& call : message.tool_calls)
    output.push_back({{"type", "function_call"}, {"call_id", call.id}, {"name", call.name}, {"arguments", call.arguments}});
}

}  // namespace

OrderedJson response_parameters(const OrderedJson& opening, const OrderedJson& tools) {
  OrderedJson functions = OrderedJson::array(), input = OrderedJson::array();
  for (const OrderedJson& message : opening) input.push_back({{"role", message.at("role")}, {"content", message.at("content")}});
  for (const OrderedJson& tool : tools) {
    OrderedJson& function = functions.emplace_back(OrderedJson{{"type", "function"}});
    function.update(tool.at("function"));
    function["strict"] = false;
  }
  return {{"input", std::move(input)}, {"tools", std::move(functions)}, {"parallel_tool_calls", true}, {"tool_choice", "auto"}};
}

ResponseItems response_items(const Rollout& rollout) {
  ResponseItems items{OrderedJson::array(), {}};
  const size_t opening = opening_of(rollout.messages).size();
  for (size_t i = opening; i < rollout.messages.size(); ++i) {
    const Message& message = rollout.messages[i];
    if (message.role == Role::kAssistant) {
      put_turn(items.output, message, std::to_string(i));
      items.last_of_turn.push_back(items.output.size() - 1);
    } else if (message.role == Role::kTool) {
      items.output.push_back({{"type", "function_call_output"}, {"call_id", message.tool_call_id}, {"output", message.text}});
    } else {
      items.output.push_back({{"type", "message"}, {"role", role_name(message.role)}, {"content", message.text}});
    }
  }
  return items;
}

}  // namespace assay
