// assay model generate: a prompt (or a conversation) in, the model's continuation out.
#include <CLI/CLI.hpp>

#include <iostream>
#include <iterator>

#include "cli/model/loaded_model.h"
#include "engine/grammar/completion_language.h"
#include "engine/grammar/token_grammar.h"
#include "engine/runtime/engine.h"
#include "engine/tokenizer/tokenizer.h"

namespace assay::model_commands::generate {
namespace {

struct Options {
  ModelOptions model;
  TurnRequest turn;
  std::string prompt, schema;
};

// Keeps a text to a JSON Schema: the mask of its next token.
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

  std::span<const uint64_t> words() const { return words_; }
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
  TokenMask words_;
};

// Shows the text as it comes and ends it with the schema's value, or when the command is to stop. The engine's thread calls it, and is done
// with it when the turn is finished.
class Teller final : public TokenGuide {
 public:
  Teller(const Tokenizer& tokenizer, std::unique_ptr<SchemaMask> mask, const Context& context) : decoder_(tokenizer), mask_(std::move(mask)), context_(context) {}

  std::span<const uint64_t> allowed() override { return mask_ ? mask_->words() : std::span<const uint64_t>(); }
  Next accept(int32_t token) override {
    show(decoder_.push(token));
    return (mask_ && !mask_->push(token)) || context_.stopped() ? Next::kStop : Next::kContinue;
  }
  const std::string& whole_text() {
    show(decoder_.finish());
    return text_;
  }

 private:
  void show(const std::string& piece) {
    text_ += piece;
    if (!context_.json) std::cout << piece << std::flush;
  }

  StreamDecoder decoder_;
  std::unique_ptr<SchemaMask> mask_;
  const Context& context_;
  std::string text_;
};

const char* end_name(TurnEnd end) { return end == TurnEnd::kStop ? "stop" : end == TurnEnd::kLimit ? "length" : "context"; }

OrderedJson to_json(const FinishedTurn::Record& record, const std::string& text, int64_t vocab_size) {
  const TokenTurn& turn = record.tokens;
  OrderedJson kept = OrderedJson::array();
  for (const int32_t count : turn.kept_counts) kept.push_back(count > 0 ? count : vocab_size);
  return {{"text", text}, {"stop", end_name(record.end)}, {"prompt_tokens", turn.prompt.size()}, {"tokens", turn.sampled},
          {"log_probabilities", turn.log_probabilities}, {"log_probabilities_full", turn.full_log_probabilities}, {"kept", kept}};
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
  TurnRequest turn = options.turn;
  turn.prompt = tokenizer.encode(prompt);
  turn.seed = context.seed;
  ASSAY_ASSIGN(const std::unique_ptr<Engine> engine, open_engine(options.model, static_cast<int64_t>(turn.prompt.size()), turn.limit, context));
  const ModelConfig& config = engine->config();
  ASSAY_TRY(check_vocabulary(tokenizer, config, options.model.directory));
  for (const int64_t id : config.eos_token_ids) turn.stops.push_back(static_cast<int32_t>(id));
  std::unique_ptr<SchemaMask> mask;
  if (!options.schema.empty()) {
    ASSAY_ASSIGN(mask, SchemaMask::make(options.schema, tokenizer, config.vocab_size, turn.limit));
  }
  const auto teller = std::make_shared<Teller>(tokenizer, std::move(mask), context);
  turn.guide = teller;
  EngineClient client(*engine);
  client.submit(client.open(), std::move(turn));
  const std::vector<FinishedTurn> turns = client.finished();
  const Result<FinishedTurn::Record>& record = turns.front().record;
  if (!record.ok()) return record.error();
  context.result(to_json(record.value(), teller->whole_text(), config.vocab_size));
  return context.stopped() ? kSomeFailed : kDone;
}

}  // namespace

Command make() {
  return {"generate", "A prompt on standard input (assay model encode writes one), its continuation on standard output", 100, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            add_model_options(app, options->model);
            app.add_option("--prompt", options->prompt, "The prompt, instead of standard input");
            app.add_option("--schema", options->schema, "A JSON Schema: what is written is a value of it, whole within the tokens there are")->check(CLI::ExistingFile);
            app.add_option("--max-tokens", options->turn.limit, "Tokens at most")->check(CLI::Range(int64_t{1}, int64_t{1} << 20))->capture_default_str();
            SamplingParams& sampling = options->turn.sampling;
            app.add_option("--temperature", sampling.temperature, "0 takes the likeliest token")->check(CLI::Range(0.0, 100.0))->capture_default_str();
            app.add_option("--top-k", sampling.top_k, "Keep so many of the likeliest tokens; 0 keeps all")->check(CLI::Range(int64_t{0}, int64_t{1} << 30))->capture_default_str();
            app.add_option("--top-p", sampling.top_p, "Keep the likeliest tokens up to this probability")->check(CLI::Range(0.0, 1.0))->capture_default_str();
            app.add_option("--min-p", sampling.min_p, "Keep tokens with at least this share of the likeliest one's probability")->check(CLI::Range(0.0, 1.0))->capture_default_str();
            app.add_option("--rollout", options->turn.rollout, "Which of the texts of this seed")->capture_default_str();
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::model_commands::generate
