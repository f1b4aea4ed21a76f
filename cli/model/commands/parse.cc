// assay model parse: a completion in, the message it says as JSON out. Needs no model.
#include <CLI/CLI.hpp>

#include "cli/model/encoding_options.h"

namespace assay::model_commands::parse {
namespace {

Result<int> run(const EncodingOptions& options) {
  ASSAY_ASSIGN(const MessageEncoding* encoding, find_encoding(options.format));
  ASSAY_ASSIGN(const std::string completion, read_standard_input());
  ASSAY_ASSIGN(Message message, encoding->parse(completion, options.mode()));
  // The format has no ids; the chat form has.
  for (size_t i = 0; i < message.tool_calls.size(); ++i) message.tool_calls[i].id = "call_" + std::to_string(i);
  write_json_line(to_json(message));
  return static_cast<int>(kDone);
}

}  // namespace

Command make() {
  return {"parse", "A completion on standard input, its message (JSON) on standard output", 20, [](CLI::App& app, Context&) {
            auto options = std::make_shared<EncodingOptions>();
            add_encoding_options(app, *options);
            return [options] { return run(*options); };
          }};
}

}  // namespace assay::model_commands::parse
