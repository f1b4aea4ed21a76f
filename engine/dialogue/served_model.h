// A checkpoint that serves conversations: engine, tokenizer and grammars, for all policies of one run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "engine/dialogue/completion_guide.h"
#include "engine/policy_factory.h"
#include "engine/runtime/engine.h"
#include "envs/message_encoding.h"

namespace assay {

// Any thread may use it.
class ServedModel {
 public:
  // `options.argument` is the directory. Refuses (kInput) what is no checkpoint of a model that speaks the encoding deepseek_v32, one that
  // changes while it is read, and (kLimit) what does not fit into memory; every error says what to try. Backends are what open_device
  // (engine/device/device.h) takes, and "auto".
  static Result<std::shared_ptr<ServedModel>> open(const PolicyOptions& options);

  // Tells options.notice what was computed.
  ~ServedModel();

  const std::string& directory() const { return directory_; }
  const std::string& identity() const { return identity_; }   // of the weights (engine/checkpoint/identity.h)
  const Tokenizer& tokenizer() const { return tokenizer_; }
  const MessageEncoding& encoding() const { return encoding_; }
  Thinking thinking() const { return thinking_; }
  Engine& engine() const { return *engine_; }
  int64_t positions() const { return engine_->config().max_position_embeddings; }

  // What may be said where there are these tools; those asked for lately are kept.
  Result<std::shared_ptr<CompletionGrammar>> grammar(const std::vector<ToolSpec>& tools);

  // True once, when the directory is found to hold other files than those the weights came from, which stay in use.
  bool was_replaced();

 private:
  ServedModel(std::string directory, Tokenizer tokenizer, const MessageEncoding& encoding, Thinking thinking, CallRule rule);

  const std::string directory_;
  const Tokenizer tokenizer_;
  const MessageEncoding& encoding_;
  const Thinking thinking_;
  const CallRule rule_;
  std::function<void(const std::string&)> notice_;
  std::string identity_, stamp_;
  std::shared_ptr<const TokenTree> tree_;
  std::unique_ptr<Engine> engine_;
  std::mutex mutex_;   // of what follows
  std::map<std::string, std::shared_ptr<CompletionGrammar>> grammars_;   // by the tools' public JSON
  bool told_ = false;
};

}  // namespace assay
