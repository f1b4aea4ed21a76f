// Policies by name: one file each in engine/policies/, which defines `PolicyFactory make()`.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>

#include "envs/base/clock.h"
#include "envs/policy.h"

namespace assay {

// How an embedded model is run and sampled from (engine/kernels/sampling.h has the words for top_p and its like).
struct EmbeddedOptions {
  std::string backend = "auto";     // CUDA where there is a device for it, or a name of device_names() (engine/device/device.h)
  int threads = 1;                  // of the host, that compute
  int64_t cache_tokens = 0;         // of all conversations together; 0: what suits the model and half of the memory
  double top_p = 1, min_p = 0;
  int64_t top_k = 0;
  bool thinking = false;
  int64_t thinking_budget = -1;     // tokens of reasoning in one message; -1: no bound
  std::string calls = "free";       // what calls must be: "free", "schema" or "required" (engine/grammar/completion_language.h)
};

struct PolicyOptions {
  std::string argument;   // what follows the colon: "openai:URL" gives URL
  std::string model;      // --model
  std::string api_key;    // read by cli/ from the environment; never stored, never printed
  int64_t timeout_ms = 120'000;
  int64_t retries = 5;
  int64_t in_flight = 64;
  double temperature = 1.0;
  int64_t max_tokens = 8192;    // of one message
  EmbeddedOptions embedded;
  // Told what a user should know while a policy plays; by one thread at a time. May be empty.
  std::function<void(const std::string&)> notice;
  Clock* clock = nullptr;
  // When it becomes true, a policy that waits for the world answers its open turns with errors, in a fraction of a second.
  const std::atomic<bool>* cancelled = nullptr;
  // For replay and gold: task id -> conversation to act out again (assistant messages are taken in order).
  std::function<Result<const Conversation*>(const std::string& task, int64_t sample)> transcripts;
};

struct PolicyFactory {
  std::string name;
  std::string summary;   // one line for `assay list policies`
  std::function<Result<std::unique_ptr<Policy>>(const PolicyOptions&)> create;
};

namespace policies {
std::span<const PolicyFactory> all();  // generated from the folder
}

// "random", "openai:http://…": splits at the first colon, finds the factory (an unknown name lists the known ones).
Result<std::unique_ptr<Policy>> make_policy(const std::string& spec, PolicyOptions options);

}  // namespace assay
