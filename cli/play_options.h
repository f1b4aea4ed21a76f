// How a policy plays: the options that the verbs share which let policies attempt tasks.
#pragma once

#include <string>

#include "cli/command.h"
#include "cli/rollout_batch.h"

namespace assay {

class PlayOptions {
 public:
  void declare(CLI::App& app);   // --model, --key-env, --timeout, … ; `this` must live as long as `app`
  // Checks what was given and reads the key from its environment variable; before batch().
  Status complete();
  BatchOptions batch(const Context& context, const std::string& policy, int64_t group) const;

 private:
  Status read_key();
  Status read_context();

  std::string key_env_ = "OPENAI_API_KEY";
  bool key_env_given_ = false;
  double timeout_s_ = 120;
  std::string context_strategy_, cold_start_;
  ContextOptions context_;
  PolicyOptions policy_;
};

}  // namespace assay
