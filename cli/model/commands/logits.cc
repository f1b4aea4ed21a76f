// assay model logits: tokens in, logits out, with what happened inside if asked for.
#include <CLI/CLI.hpp>

#include <iostream>
#include <iterator>

#include "cli/model/loaded_model.h"

namespace assay::model_commands::logits {
namespace {

struct Options {
  ModelOptions model;
  bool last = false, trace = false;
};

struct Request {
  std::vector<int32_t> tokens;
  Forced forced;
  bool forces = false;
};

Status read_lists(const Json& layers, const char* name, std::vector<ForcedLayer>& out, std::vector<std::vector<int32_t>> ForcedLayer::* member) {
  if (!layers.is_array() || layers.size() > 4096) return input_error(std::string("\"") + name + "\" is a list of layers, each a list of rows", "standard input");
  if (out.size() < layers.size()) out.resize(layers.size());
  try {
    for (size_t layer = 0; layer < layers.size(); ++layer) out[layer].*member = layers[layer].get<std::vector<std::vector<int32_t>>>();
  } catch (const Json::exception& error) {
    return input_error(std::string("\"") + name + "\" holds something that is not a list of lists of integers: " + error.what(), "standard input");
  }
  return {};
}

Result<Request> read_request() {
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  ASSAY_ASSIGN(Json json, parse_json(text, "standard input"));
  if (json.is_array()) json = Json{{"tokens", json}};
  if (!json.is_object() || !json.contains("tokens"))
    return input_error("expected [1,2,3] or {\"tokens\":[…],\"selected\"?:[layer][row][token],\"experts\"?:[layer][row][expert]}", "standard input");
  Request request;
  try {
    request.tokens = json["tokens"].get<std::vector<int32_t>>();
  } catch (const Json::exception& error) {
    return input_error(std::string("\"tokens\" is not a list of integers: ") + error.what(), "standard input");
  }
  if (request.tokens.empty()) return input_error("there are no tokens", "standard input");
  for (const auto& [name, value] : json.items()) {
    if (name == "tokens") continue;
    request.forces = true;
    if (name == "selected") ASSAY_TRY(read_lists(value, "selected", request.forced.layers, &ForcedLayer::selected));
    else if (name == "experts") ASSAY_TRY(read_lists(value, "experts", request.forced.layers, &ForcedLayer::experts));
    else return unknown_name("member", name, {"experts", "selected", "tokens"}, "standard input");
  }
  return request;
}

OrderedJson rows_of(const std::vector<float>& values, size_t width) {
  OrderedJson rows = OrderedJson::array();
  for (size_t at = 0; at < values.size(); at += width) rows.push_back(std::vector<float>(values.begin() + static_cast<int64_t>(at), values.begin() + static_cast<int64_t>(at + width)));
  return rows;
}

OrderedJson to_json(const Trace& trace, size_t width) {
  OrderedJson layers = OrderedJson::array();
  for (const LayerTrace& layer : trace.layers)
    layers.push_back({{"hidden", rows_of(layer.hidden, width)}, {"selected", layer.selected}, {"index_scores", layer.index_scores}, {"experts", layer.experts}});
  return layers;
}

Result<int> run(const Options& options, const Context& context) {
  ASSAY_ASSIGN(const Request request, read_request());
  ASSAY_ASSIGN(LoadedModel loaded, load_model(options.model, static_cast<int64_t>(request.tokens.size()), 0, context));
  CachedSequence sequence;
  ASSAY_TRY(loaded.cache->reserve(sequence, static_cast<int64_t>(request.tokens.size())));
  // A trace and forced choices speak of all rows, so with them the whole is one chunk.
  Trace trace;
  const ForwardOptions forward{options.model.attention(), options.trace ? &trace : nullptr, request.forces ? &request.forced : nullptr};
  const size_t chunk = options.trace || request.forces ? request.tokens.size() : static_cast<size_t>(options.model.chunk);
  std::vector<float> logits;
  for (std::span<const int32_t> rest = request.tokens; !rest.empty();) {
    const std::span<const int32_t> tokens = rest.first(std::min(chunk, rest.size()));
    rest = rest.subspan(tokens.size());
    const LogitsOf wanted = !options.last ? LogitsOf::kAllRows : rest.empty() ? LogitsOf::kLastRow : LogitsOf::kNone;
    const Chunk piece{&sequence, tokens, wanted};
    ASSAY_ASSIGN(const std::vector<float> some, loaded.model->forward({&piece, 1}, *loaded.cache, forward));
    logits.insert(logits.end(), some.begin(), some.end());
  }
  const ModelConfig& config = loaded.model->config();
  OrderedJson result{{"backend", loaded.device->name()}, {"logits", rows_of(logits, static_cast<size_t>(config.vocab_size))}};
  if (options.trace) result["layers"] = to_json(trace, static_cast<size_t>(config.hidden_size));
  write_json_line(result);
  return static_cast<int>(kDone);
}

}  // namespace

Command make() {
  return {"logits", "Token ids (JSON) on standard input, logits (JSON) on standard output", 100, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            add_model_options(app, options->model);
            app.add_flag("--last", options->last, "Of the last token only");
            app.add_flag("--trace", options->trace, "Also each layer's output, selected tokens, index scores and experts");
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::model_commands::logits
