#include "engine/dialogue/served_model.h"

#include <algorithm>

#include "engine/checkpoint/identity.h"
#include "engine/device/device.h"
#include "engine/model/memory_plan.h"
#include "envs/encodings/deepseek_v32.h"

namespace assay {
namespace {

using namespace encodings::deepseek_v32;

constexpr size_t kKeptGrammars = 8;   // of some megabytes each, and their masks

// Where nothing else is said, there is room for so many conversations of so many tokens.
constexpr int64_t kUsualConversations = 32, kUsualTokens = 16'384;

Result<CallRule> call_rule_named(const std::string& name) {
  if (name == "free") return CallRule::kFree;
  if (name == "schema") return CallRule::kSchema;
  if (name == "required") return CallRule::kRequired;
  return unknown_name("rule for calls", name, {"free", "schema", "required"}, "--constrain-tools");
}

Status check_tokenizer(const Tokenizer& tokenizer, const ModelConfig& config, const std::string& directory) {
  const char* hint = "the tokenizer.json that came with a model of DeepSeek-V3.2's message format";
  if (tokenizer.vocabulary_size() > config.vocab_size)
    return input_error("the tokenizer has ids up to " + std::to_string(tokenizer.vocabulary_size() - 1) + ", the model a vocabulary of " + std::to_string(config.vocab_size), directory, hint);
  for (const std::string_view token : {kBegin, kEnd, kUser, kAssistant, kThink, kThinkEnd, dsml::kMarker})
    if (!tokenizer.id_of(token)) return input_error("the tokenizer has no token " + std::string(token), directory, hint);
  return {};
}

// Of what is left beside the weights, at most half.
Result<int64_t> usual_cache_tokens(const Checkpoint& checkpoint, CacheFormat format, const std::string& backend) {
  Workers alone(1);
  ASSAY_ASSIGN(const std::unique_ptr<Device> device, open_device(backend, alone));
  const int64_t usual = kUsualConversations * std::min(checkpoint.config().max_position_embeddings, kUsualTokens);
  const MemoryPlan plan = plan_memory(checkpoint, {format, usual}, device->available_bytes());
  const double room = static_cast<double>(std::max<int64_t>(0, plan.available_bytes - plan.weight_bytes)) / 2;
  const double share = std::min(1.0, room / static_cast<double>(plan.cache_bytes));
  return std::max(int64_t{kPageTokens}, static_cast<int64_t>(static_cast<double>(usual) * share));
}

// Where memory is short, the option that asks for less.
Error with_cache_option(Error error) {
  if (error.boundary == Boundary::kLimit) error.hint += (error.hint.empty() ? "" : "; ") + std::string("--cache-tokens is the room for all conversations together");
  return error;
}

}  // namespace

ServedModel::ServedModel(std::string directory, Tokenizer tokenizer, const MessageEncoding& encoding, Thinking thinking, CallRule rule)
    : directory_(std::move(directory)), tokenizer_(std::move(tokenizer)), encoding_(encoding), thinking_(thinking), rule_(rule) {}

Result<std::shared_ptr<ServedModel>> ServedModel::open(const PolicyOptions& options) {
  const std::string& directory = options.argument;
  if (directory.empty()) return input_error("the directory of a checkpoint is missing", "policy dsa", "dsa:DIR, and assay model make --out DIR for one of random weights");
  const EmbeddedOptions& embedded = options.embedded;
  if (embedded.thinking_budget >= 0 && !embedded.thinking) return input_error("a budget for reasoning without reasoning", "--thinking-budget", "--thinking as well");
  ASSAY_ASSIGN(const CallRule rule, call_rule_named(embedded.calls));
  ASSAY_ASSIGN(const MessageEncoding* encoding, find_encoding("deepseek_v32"));
  ASSAY_ASSIGN(const std::string stamp, checkpoint_stamp(directory));
  ASSAY_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(directory));
  ASSAY_ASSIGN(Tokenizer tokenizer, Tokenizer::load(directory));
  ASSAY_TRY(check_tokenizer(tokenizer, checkpoint.config(), directory));
  std::shared_ptr<ServedModel> model(new ServedModel(directory, std::move(tokenizer), *encoding, embedded.thinking ? Thinking::kOn : Thinking::kOff, rule));
  ASSAY_ASSIGN(model->identity_, checkpoint_identity(directory));
  model->notice_ = options.notice;
  model->tree_ = std::make_shared<const TokenTree>(model->tokenizer_, checkpoint.config().vocab_size, kEnd);
  constexpr CacheFormat kFormat = CacheFormat::kE4m3;
  EngineOptions engine;
  engine.backend = embedded.backend == "auto" ? "" : embedded.backend;
  engine.threads = embedded.threads;
  engine.cache = {kFormat, embedded.cache_tokens};
  if (engine.cache.tokens == 0) {
    ASSAY_ASSIGN(engine.cache.tokens, usual_cache_tokens(checkpoint, kFormat, engine.backend));
  }
  engine.policy_version = model->identity_;
  auto opened = Engine::open(checkpoint, engine);
  if (!opened.ok()) return with_cache_option(opened.error());
  model->engine_ = std::move(*opened);
  ASSAY_ASSIGN(model->stamp_, checkpoint_stamp(directory));
  if (model->stamp_ != stamp) return input_error("the checkpoint was changed while it was read", directory, "the same command again, once it is written");
  return model;
}

ServedModel::~ServedModel() {
  if (!notice_ || !engine_) return;
  const EngineStats stats = engine_->stats();
  const auto count = [](int64_t number) { return std::to_string(number); };
  notice_(directory_ + " on " + engine_->device() + ": " + count(stats.prompt_tokens_computed) + " prompt tokens computed, " + count(stats.prompt_tokens_reused) + " found computed; " +
          count(stats.sampled_tokens) + " tokens sampled in " + count(stats.steps) + " steps of up to " + count(stats.largest_batch) + " conversations; " + count(stats.preemptions) + " preemptions");
}

Result<std::shared_ptr<CompletionGrammar>> ServedModel::grammar(const std::vector<ToolSpec>& tools) {
  std::string key;
  if (rule_ != CallRule::kFree)
    for (const ToolSpec& tool : tools) key += public_tool_json(tool).dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  const std::lock_guard lock(mutex_);
  // Turns hold on to theirs.
  if (grammars_.size() >= kKeptGrammars && !grammars_.contains(key)) grammars_.clear();
  std::shared_ptr<CompletionGrammar>& kept = grammars_[key];
  if (!kept) {
    ASSAY_ASSIGN(kept, CompletionGrammar::make(tree_, thinking_, rule_, tools));
  }
  return kept;
}

bool ServedModel::was_replaced() {
  const auto stamp = checkpoint_stamp(directory_);
  const std::lock_guard lock(mutex_);
  if (told_ || (stamp.ok() && *stamp == stamp_)) return false;
  return told_ = true;
}

}  // namespace assay
