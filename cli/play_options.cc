#include "cli/play_options.h"

#include <CLI/CLI.hpp>

#include <cstdlib>

#include "envs/cold_start.h"

namespace assay {

namespace {

// Of dsa:DIR.
void declare_embedded(CLI::App& app, EmbeddedOptions& embedded) {
  app.add_option("--top-p", embedded.top_p, "dsa: keep the likeliest tokens up to this probability")->check(CLI::Range(0.0, 1.0));
  app.add_option("--top-k", embedded.top_k, "dsa: keep so many of the likeliest tokens; 0 keeps all")->check(CLI::Range(int64_t{0}, int64_t{1} << 30));
  app.add_option("--min-p", embedded.min_p, "dsa: keep tokens with at least this share of the likeliest one's probability")->check(CLI::Range(0.0, 1.0));
  app.add_flag("--thinking", embedded.thinking, "dsa: the model reasons before it speaks");
  app.add_option("--thinking-budget", embedded.thinking_budget, "dsa: tokens of reasoning in one message, then it is ended")->check(CLI::Range(int64_t{0}, int64_t{1} << 24));
  app.add_option("--constrain-tools", embedded.calls,
                 "dsa: calls are free, keep to their tools' schema, or are required (every message is calls, and they keep to it)")
      ->check(CLI::IsMember({"free", "schema", "required"}));
  app.add_option("--backend", embedded.backend, "dsa: auto (CUDA where there is a device for it), cuda, cpu, or one of the processor's (assay doctor)");
  app.add_option("--cache-tokens", embedded.cache_tokens, "dsa: room for so many tokens of all conversations together (default: what suits the memory)")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
}

}  // namespace

void PlayOptions::declare(CLI::App& app) {
  app.add_option("--model", policy_.model, "Model name, for an endpoint");
  app.add_option("--key-env", key_env_, "Environment variable that holds the endpoint's key")
      ->each([this](const std::string&) { key_env_given_ = true; });
  app.add_option("--timeout", timeout_s_, "Seconds until a request is given up")->check(CLI::Range(0.001, 86400.0));
  app.add_option("--retries", policy_.retries, "Attempts again after a failed request")->check(CLI::Range(0, 100));
  app.add_option("--in-flight", policy_.in_flight, "Episodes open at once")->check(CLI::Range(1, 4096));
  app.add_option("--temperature", policy_.temperature, "Of a model's sampling; 0 takes the likeliest token")->check(CLI::Range(0.0, 10.0));
  app.add_option("--max-tokens", policy_.max_tokens, "Of one message of a model")->check(CLI::Range(1, 1 << 24));
  declare_embedded(app, policy_.embedded);
  app.add_option("--context-strategy", context_strategy_, "When 80% of the context is used: summary, discard-75 or discard-all");
  app.add_option("--context-tokens", context_.window_tokens, "Size of the context, in tokens as the endpoint reports them, else in bytes / 3")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  app.add_option("--cold-start", cold_start_, "A system prompt put first: reasoning, tools or reasoning_with_tools");
}

Status PlayOptions::read_key() {
  const char* key = std::getenv(key_env_.c_str());
  if (key) policy_.api_key = key;
  else if (key_env_given_) return input_error("this environment variable is not set", "--key-env " + key_env_, "export " + key_env_ + "=…");
  return {};
}

Status PlayOptions::read_context() {
  if (!cold_start_.empty()) ASSAY_TRY(cold_start_prompt(cold_start_));
  const bool strategy = !context_strategy_.empty(), tokens = context_.window_tokens > 0;
  if (strategy != tokens)
    return input_error("a context strategy and the size of the context belong together", strategy ? "--context-strategy" : "--context-tokens",
                       "--context-strategy discard-all --context-tokens 131072");
  if (strategy) {
    ASSAY_ASSIGN(context_.strategy, context_strategy_named(context_strategy_));
  }
  return {};
}

Status PlayOptions::complete() {
  ASSAY_TRY(read_key());
  ASSAY_TRY(read_context());
  policy_.timeout_ms = static_cast<int64_t>(timeout_s_ * 1000);
  policy_.clock = &system_clock();
  return {};
}

BatchOptions PlayOptions::batch(const Context& context, const std::string& policy, int64_t group) const {
  BatchOptions batch;
  batch.policy = policy;
  batch.policy_options = policy_;
  batch.policy_options.embedded.threads = context.threads();
  batch.policy_options.notice = [&context](const std::string& text) { context.say(text); };
  batch.context = context_;
  batch.cold_start = cold_start_;
  batch.group = group;
  batch.seed = context.seed;
  batch.jobs = context.threads();
  batch.cancelled = context.cancelled;
  return batch;
}

}  // namespace assay
