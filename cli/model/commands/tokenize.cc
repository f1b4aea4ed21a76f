// assay model tokenize: text in, ids out, or the other way.
#include <CLI/CLI.hpp>

#include <iostream>
#include <iterator>

#include "cli/model/model_commands.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/utf8.h"

namespace assay::model_commands::tokenize {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 30;

struct Options {
  std::string path;
  bool decode = false, add_special = false, leave_out_special = false;
};

OrderedJson piece_json(const Tokenizer& tokenizer, int32_t id) {
  return {{"id", id}, {"token", *tokenizer.token_of(id)}, {"text", tokenizer.decode({&id, 1})}, {"special", tokenizer.is_special(id)}};
}

Result<std::vector<int32_t>> read_ids(const std::string& input, const Tokenizer& tokenizer) {
  ASSAY_ASSIGN(Json json, parse_json(input, "standard input", {.bytes = kMaxBytes}));
  if (json.is_object() && json.contains("tokens")) json = Json(json["tokens"]);
  if (!json.is_array()) return input_error("expected [1,2,3] or {\"tokens\":[…]}", "standard input");
  std::vector<int32_t> ids;
  for (const Json& id : json) {
    const bool known = id.is_number_unsigned() && id.get<uint64_t>() <= INT32_MAX && tokenizer.token_of(id.get<int64_t>());
    if (!known) return input_error("there is no token of the id " + canonical_json(id) + " at place " + std::to_string(ids.size()), "standard input",
                                   "ids from 0 to " + std::to_string(tokenizer.vocabulary_size() - 1));
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

Result<int> run(const Options& options, const Context& context) {
  ASSAY_ASSIGN(const Tokenizer tokenizer, Tokenizer::load(options.path));
  const std::string input{std::istreambuf_iterator<char>(std::cin), {}};
  if (input.size() > kMaxBytes) return input_error("larger than the limit of " + std::to_string(kMaxBytes) + " bytes", "standard input");
  if (options.decode) {
    ASSAY_ASSIGN(const std::vector<int32_t> ids, read_ids(input, tokenizer));
    const std::string text = tokenizer.decode(ids, options.leave_out_special ? SpecialTokens::kLeaveOut : SpecialTokens::kKeep);
    if (!context.json) std::cout << text << std::flush;
    context.result({{"text", text}});
    return static_cast<int>(kDone);
  }
  if (const size_t good = utf8_prefix(input); good < input.size())
    return input_error("not UTF-8 at byte " + std::to_string(good), "standard input", "iconv -t UTF-8");
  using Template = EncodeOptions::Template;
  const std::vector<int32_t> ids = tokenizer.encode(input, {options.add_special ? Template::kApply : Template::kLeaveOut});
  if (!context.json) {
    write_json_line(ids);
    return static_cast<int>(kDone);
  }
  OrderedJson pieces = OrderedJson::array();
  for (const int32_t id : ids) pieces.push_back(piece_json(tokenizer, id));
  context.result({{"tokens", ids}, {"pieces", pieces}});
  return static_cast<int>(kDone);
}

}  // namespace

Command make() {
  return {"tokenize", "Text on standard input, token ids (JSON) on standard output; with --json each token's text too", 100, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            app.add_option("path", options->path, "A tokenizer.json, or the checkpoint that has it")->required();
            auto* decode = app.add_flag("--decode", options->decode, "Ids (JSON) in, text out");
            app.add_flag("--add-special", options->add_special, "Add what the file's template puts around a text")->excludes(decode);
            app.add_flag("--leave-out-special", options->leave_out_special, "Decode without special tokens")->needs(decode);
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::model_commands::tokenize
