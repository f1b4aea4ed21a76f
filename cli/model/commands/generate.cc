// assay model generate: a prompt (or a conversation) in, the model's continuation out.
#include <CLI/CLI.hpp>

#include <iostream>
#include <iterator>

#include "cli/model/loaded_model.h"
#include "engine/grammar/completion_language.h"
#include "engine/grammar/token_grammar.h"
#include "engine/model/generate.h"
#include "engine/tokenizer/tokenizer.h"

namespace assay::model_commands::generate {
namespace {

struct Options {
  ModelOptions model;
  GenerateOptions generate;
  std::string prompt, schema;
  bool ids = false;
};

// Keeps a text to a JSON Schema: the mask of its next token, where sampling finds it.
class SchemaMask {
 public:
  static Result<std::unique_ptr<SchemaMask>> make(const std::string& file, const Tokenizer& tokenizer, int64_t vocab_size, int64_t limit) {
    ASSAY_ASSIGN(const Json schema, read_json_file(file));
    auto tree = std::make_shared<const TokenTree>(tokenizer, vocab_size, end_of_sentence());
    auto mask = std::make_unique<SchemaMask>(std::move(tree), limit);
    ASSAY_ASSIGN(mask->state_, json_completion_language(mask->grammar_.languages(), schema, file));
    if (const int64_t least = mask->grammar_.languages().least_bytes(mask->state_); least > limit)
      return input_error("the shortest text of this schema may take " + std::to_string(least) + " tokens with its end", file, "--max-tokens " + std::to_string(least) + " or more");
    mask->look_up();
    return mask;
  }

  SchemaMask(std::shared_ptr<const TokenTree> tree, int64_t limit) : grammar_(std::move(tree)), left_(limit) {}

  const uint64_t* words() const { return words_.data(); }
  // Whether the text goes on after this token.
  bool push(int32_t token) {
    state_ = grammar_.after(state_, token);
    --left_;
    if (state_ == Languages::empty()) return false;
    look_up();
    return true;
  }

 private:
  void look_up() { words_ = *grammar_.allowed(state_, left_ - 1); }

  TokenGrammar grammar_;
  Language state_ = Languages::nothing();
  int64_t left_;
  TokenMask words_;   // of one size, so that it stays where it is
};

const char* reason_name(StopReason reason) {
  return reason == StopReason::kStop ? "stop" : reason == StopReason::kLimit ? "length" : "context";
}

OrderedJson to_json(const Generated& generated, const std::string& text, size_t prompt_tokens) {
  OrderedJson ids = OrderedJson::array(), log_probabilities = OrderedJson::array(), full = OrderedJson::array(), kept = OrderedJson::array();
  for (const Sampled& token : generated.tokens) {
    ids.push_back(token.token);
    log_probabilities.push_back(token.log_probability);
    full.push_back(token.log_probability_full);
    kept.push_back(token.kept_count);
  }
  return {{"text", text}, {"stop", reason_name(generated.reason)}, {"prompt_tokens", prompt_tokens}, {"tokens", ids},
          {"log_probabilities", log_probabilities}, {"log_probabilities_full", full}, {"kept", kept}};
}

Status check_vocabulary(const Tokenizer& tokenizer, const ModelConfig& config, const std::string& directory) {
  if (tokenizer.vocabulary_size() <= config.vocab_size) return {};
  return input_error("the tokenizer has ids up to " + std::to_string(tokenizer.vocabulary_size() - 1) + ", the model a vocabulary of " + std::to_string(config.vocab_size),
                     directory, "take the tokenizer.json that came with this checkpoint");
}

Result<int> run(const Options& options, const Context& context) {
  std::string prompt = options.prompt;
  if (prompt.empty()) prompt.assign(std::istreambuf_iterator<char>(std::cin), {});
  ASSAY_ASSIGN(const Tokenizer tokenizer, Tokenizer::load(options.model.directory));
  const std::vector<int32_t> tokens = tokenizer.encode(prompt);
  ASSAY_ASSIGN(LoadedModel loaded, load_model(options.model, static_cast<int64_t>(tokens.size()), options.generate.limit, context));
  ASSAY_TRY(check_vocabulary(tokenizer, loaded.model->config(), options.model.directory));
  GenerateOptions generate_options = options.generate;
  generate_options.seed = context.seed;
  generate_options.chunk = options.model.chunk;
  generate_options.attention = options.model.attention();
  for (const int64_t id : loaded.model->config().eos_token_ids) generate_options.stops.push_back(static_cast<int32_t>(id));

  std::unique_ptr<SchemaMask> mask;
  if (!options.schema.empty()) {
    ASSAY_ASSIGN(mask, SchemaMask::make(options.schema, tokenizer, loaded.model->config().vocab_size, generate_options.limit));
    generate_options.sampling.allowed = mask->words();
  }
  StreamDecoder decoder(tokenizer);
  std::string text;
  const auto show = [&](const std::string& piece) {
    text += piece;
    if (!context.json) std::cout << piece << std::flush;
  };
  ASSAY_ASSIGN(const Generated generated, assay::generate(*loaded.model, *loaded.cache, tokens, generate_options, [&](const Sampled& token) {
                 show(decoder.push(token.token));
                 return (!mask || mask->push(token.token)) && !context.stopped();
               }));
  show(decoder.finish());
  context.result(to_json(generated, text, tokens.size()));
  return context.stopped() ? kSomeFailed : kDone;
}

}  // namespace

Command make() {
  return {"generate", "A prompt on standard input (assay model encode writes one), its continuation on standard output", 100, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            add_model_options(app, options->model);
            app.add_option("--prompt", options->prompt, "The prompt, instead of standard input");
            app.add_option("--schema", options->schema, "A JSON Schema: what is written is a value of it, whole within the tokens there are")->check(CLI::ExistingFile);
            app.add_option("--max-tokens", options->generate.limit, "Tokens at most")->check(CLI::Range(int64_t{1}, int64_t{1} << 20))->capture_default_str();
            SamplingParams& sampling = options->generate.sampling;
            app.add_option("--temperature", sampling.temperature, "0 takes the likeliest token")->check(CLI::Range(0.0, 100.0))->capture_default_str();
            app.add_option("--top-k", sampling.top_k, "Keep so many of the likeliest tokens; 0 keeps all")->check(CLI::Range(int64_t{0}, int64_t{1} << 30))->capture_default_str();
            app.add_option("--top-p", sampling.top_p, "Keep the likeliest tokens up to this probability")->check(CLI::Range(0.0, 1.0))->capture_default_str();
            app.add_option("--min-p", sampling.min_p, "Keep tokens with at least this share of the likeliest one's probability")->check(CLI::Range(0.0, 1.0))->capture_default_str();
            app.add_option("--rollout", options->generate.rollout, "Which of the texts of this seed")->capture_default_str();
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::model_commands::generate
