// assay model encode: messages as JSON in, the exact prompt out. Needs no model.
#include <CLI/CLI.hpp>

#include <cstdio>

#include "cli/model/encoding_options.h"
#include "envs/cold_start.h"

namespace assay::model_commands::encode {
namespace {

constexpr const char* kInput = "standard input";

struct Options {
  EncodingOptions encoding;
  std::string tools, cold_start;
};

// A conversation, and what the chat API declares beside it.
struct Request {
  Conversation conversation;
  OrderedJson tools = nullptr, response_format = nullptr;
};

Result<Request> read_request(const Options& options) {
  ASSAY_ASSIGN(const std::string text, read_standard_input());
  ASSAY_ASSIGN(OrderedJson json, parse_ordered_json(text, kInput));
  if (json.is_array()) json = OrderedJson{{"messages", std::move(json)}};
  if (!json.is_object() || !json.contains("messages") || !json["messages"].is_array())
    return input_error("no list of messages", kInput, R"([{"role": "user", "content": "…"}], or {"messages": […], "tools": […]})");
  Request request;
  const OrderedJson& messages = json["messages"];
  for (size_t i = 0; i < messages.size(); ++i) {
    ASSAY_ASSIGN(Message message, message_from_json(messages[i], "messages[" + std::to_string(i) + "]"));
    request.conversation.push_back(std::move(message));
  }
  if (json.contains("tools")) request.tools = json["tools"];
  if (json.contains("response_format")) request.response_format = json["response_format"];
  if (!options.tools.empty()) {
    ASSAY_ASSIGN(const std::string file, read_file(options.tools));
    ASSAY_ASSIGN(request.tools, parse_ordered_json(file, options.tools));
  }
  return request;
}

// What is declared beside the messages goes into the first one if it is the system's, else into one put before it.
Status declare(Request& request) {
  if (request.tools.is_null() && request.response_format.is_null()) return {};
  Conversation& conversation = request.conversation;
  if (conversation.empty() || conversation.front().role != Role::kSystem) conversation.insert(conversation.begin(), Message{Role::kSystem, "", "", {}, ""});
  Message& system = conversation.front();
  for (const auto& [from, to, name] : {std::tuple{&request.tools, &system.tools, "tools"}, {&request.response_format, &system.response_format, "response_format"}}) {
    if (from->is_null()) continue;
    if (!to->is_null()) return input_error(std::string("\"") + name + "\" is declared twice, beside the messages and in messages[0]", kInput, "one of them");
    *to = *from;
  }
  return {};
}

Result<int> run(const Options& options, const Context& context) {
  ASSAY_ASSIGN(const MessageEncoding* encoding, find_encoding(options.encoding.format));
  ASSAY_ASSIGN(Request request, read_request(options));
  const size_t given = request.conversation.size();
  if (!options.cold_start.empty()) {
    ASSAY_ASSIGN(const std::string prompt, cold_start_prompt(options.cold_start));
    request.conversation = with_cold_start(std::move(request.conversation), prompt);
  }
  ASSAY_TRY(declare(request));
  const Result<std::string> prompt = encoding->encode(request.conversation, options.encoding.mode());
  if (!prompt.ok()) {
    Error error = prompt.error();
    if (request.conversation.size() > given) error.where += " (counting the system message that was put first)";
    return error;
  }
  if (context.json) context.result({{"format", encoding->name}, {"thinking", options.encoding.thinking}, {"prompt", *prompt}});
  else std::fwrite(prompt->data(), 1, prompt->size(), stdout);
  return static_cast<int>(kDone);
}

}  // namespace

Command make() {
  return {"encode", "Messages (JSON) on standard input, the exact prompt on standard output", 10, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            add_encoding_options(app, options->encoding);
            app.add_option("--tools", options->tools, "File with the list of tools (JSON), instead of \"tools\" beside the messages");
            app.add_option("--cold-start", options->cold_start, "A system prompt put first: reasoning, tools or reasoning_with_tools");
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::model_commands::encode
