// An embedded model of DeepSeek sparse attention, from the directory of its checkpoint. The turns of all rollouts that are open make
// one batch; what a conversation has computed is kept while its tools run, and the rollouts of a group share their prompt.
#include <map>

#include "engine/dialogue/completion_reader.h"
#include "engine/dialogue/served_model.h"
#include "engine/dialogue/token_history.h"
#include "envs/base/rng.h"
#include "envs/encodings/deepseek_v32.h"

namespace assay {
namespace {

using encodings::deepseek_v32::kEnd;

// The options that decide what is said, where they are not the usual ones: other options are another policy.
std::string said_options(const PolicyOptions& options) {
  const PolicyOptions usual;
  const EmbeddedOptions &embedded = options.embedded, &usually = usual.embedded;
  std::string said;
  const auto say = [&](const char* name, const auto& value, const auto& usual_value) {
    if (value != usual_value) said += std::string("+") + name + "=" + Json(value).dump();
  };
  say("temperature", options.temperature, usual.temperature);
  say("top-p", embedded.top_p, usually.top_p);
  say("top-k", embedded.top_k, usually.top_k);
  say("min-p", embedded.min_p, usually.min_p);
  say("max-tokens", options.max_tokens, usual.max_tokens);
  if (embedded.thinking) said += "+thinking";
  say("budget", embedded.thinking_budget, usually.thinking_budget);
  if (embedded.calls != usually.calls) said += "+calls=" + embedded.calls;
  return said;
}

// The conversation with the tools where the encoding has them: in the system message, which it may not have yet.
Conversation with_tools(const Conversation& conversation, const std::vector<ToolSpec>& tools) {
  Conversation out = conversation;
  if (tools.empty()) return out;
  if (out.empty() || out[0].role != Role::kSystem) out.insert(out.begin(), Message{Role::kSystem, "", "", {}, ""});
  out[0].tools = OrderedJson::array();
  for (const ToolSpec& tool : tools) out[0].tools.push_back(public_tool_json(tool));
  return out;
}

class DsaPolicy final : public Policy {
 public:
  DsaPolicy(std::shared_ptr<ServedModel> model, PolicyOptions options)
      : options_(std::move(options)), descriptor_("dsa:" + model->identity().substr(0, 16) + said_options(options_)), model_(std::move(model)), client_(model_->engine()) {}

  std::string descriptor() const override { return descriptor_; }
  std::unique_ptr<Policy> sibling() override { return std::make_unique<DsaPolicy>(model_, options_); }

  void ask(const Turn& turn) override {
    if (turn.step == 0 && options_.notice && model_->was_replaced())
      options_.notice(model_->directory() + " has changed; this run goes on with the weights it began with (" + model_->identity().substr(0, 16) + "), the next one takes the new ones");
    const Status begun = begin(turn);
    if (!begun.ok()) refused_.push_back({turn.rollout, begun.error(), {}});
  }

  std::vector<Action> answer() override {
    while (refused_.empty()) {
      std::vector<FinishedTurn> turns = client_.finished();
      if (turns.empty()) return {};
      std::vector<Action> actions;
      for (FinishedTurn& turn : turns)
        if (const auto found = rollouts_.find(turn.sequence); found != rollouts_.end()) actions.push_back(action_of(found->second, std::move(turn.record)));
      if (!actions.empty()) return actions;
    }
    return std::exchange(refused_, {});
  }

  void finish(int64_t rollout) override {
    const auto found = dialogues_.find(rollout);
    if (found == dialogues_.end()) return;
    client_.release(found->second.sequence);
    rollouts_.erase(found->second.sequence);
    dialogues_.erase(found);
  }

 private:
  struct Dialogue {
    SequenceId sequence = 0;
    TokenHistory history;
  };

  Dialogue& dialogue(int64_t rollout) {
    const auto [found, made] = dialogues_.try_emplace(rollout);
    if (made) {
      found->second.sequence = client_.open();
      rollouts_[found->second.sequence] = rollout;
    }
    return found->second;
  }

  Status begin(const Turn& turn) {
    ASSAY_ASSIGN(std::shared_ptr<CompletionGrammar> grammar, model_->grammar(turn.task->tools));
    const Conversation said = sayable(with_tools(*turn.conversation, turn.task->tools), model_->encoding(), model_->thinking());
    ASSAY_ASSIGN(const std::string text, model_->encoding().encode(said, model_->thinking()));
    Dialogue& open = dialogue(turn.rollout);
    TokenHistory::Turn tokens = open.history.turn(text, model_->tokenizer());
    const int64_t left = model_->positions() - open.history.size();
    if (left < 1)
      return make_error(Boundary::kLimit, "the conversation has " + std::to_string(open.history.size()) + " tokens, and this model has positions for " + std::to_string(model_->positions()), model_->directory(),
                        "a context strategy: --context-strategy discard-all --context-tokens " + std::to_string(model_->positions()));
    TurnRequest request;
    request.shared = tokens.shared;
    request.prompt = std::move(tokens.prompt);
    request.sampling = {.temperature = options_.temperature, .top_k = options_.embedded.top_k, .top_p = options_.embedded.top_p, .min_p = options_.embedded.min_p};
    request.seed = turn.seed;
    request.rollout = mix64(mix64(stream_of(turn.task->id) + static_cast<uint64_t>(turn.sample)) + static_cast<uint64_t>(turn.step));
    request.limit = std::min(options_.max_tokens, left);
    request.guide = std::make_shared<CompletionGuide>(std::move(grammar), CompletionGuide::Options{request.limit, options_.embedded.thinking_budget, options_.cancelled});
    client_.submit(open.sequence, std::move(request));
    return {};
  }

  Action action_of(int64_t rollout, Result<FinishedTurn::Record> record) {
    if (!record.ok()) return {rollout, record.error(), {}};
    Dialogue& open = dialogues_.at(rollout);
    TokenTurn& tokens = record->tokens;
    std::string text;
    for (const int32_t token : tokens.sampled) text += model_->tokenizer().bytes_of(token);
    ReadCompletion read = read_completion(model_->encoding(), text, model_->thinking());
    if (read.malformed && record->end == TurnEnd::kLimit) read.malformed->hint = "more tokens for a message: --max-tokens";
    if (read.malformed && record->end == TurnEnd::kContext) read.malformed->hint = "the model has no positions left: --context-strategy";
    open.history.add_sampled(tokens.sampled, said_again(read.message, text.ends_with(kEnd)));
    Action action{rollout, std::move(read.message), {}};
    action.usage = {.prompt_tokens = tokens.shared + static_cast<int64_t>(tokens.prompt.size()), .completion_tokens = static_cast<int64_t>(tokens.sampled.size()),
                    .cached_tokens = record->reused};
    action.malformed = std::move(read.malformed);
    action.tokens = std::move(tokens);
    return action;
  }

  // What the encoding will write where this message stands in the history; its end is of the prompt that follows, where it was not sampled.
  std::string said_again(const Message& message, bool ended) const {
    const Message said = sayable({message}, model_->encoding(), model_->thinking())[0];
    std::string text = model_->encoding().encode_completion(said, model_->thinking()).value();
    if (!ended) text.resize(text.size() - kEnd.size());
    return text;
  }

  const PolicyOptions options_;
  const std::string descriptor_;
  const std::shared_ptr<ServedModel> model_;
  EngineClient client_;
  std::map<int64_t, Dialogue> dialogues_;        // by rollout
  std::map<SequenceId, int64_t> rollouts_;       // whose sequence it is
  std::vector<Action> refused_;                  // turns that could not begin
};

}  // namespace

namespace policies::dsa {

PolicyFactory make() {
  return {"dsa", "an embedded model with sparse attention: dsa:DIR, a checkpoint (assay model make writes one of random weights)",
          [](const PolicyOptions& options) -> Result<std::unique_ptr<Policy>> {
            ASSAY_ASSIGN(std::shared_ptr<ServedModel> model, ServedModel::open(options));
            return std::unique_ptr<Policy>(std::make_unique<DsaPolicy>(std::move(model), options));
          }};
}

}  // namespace policies::dsa
}  // namespace assay
