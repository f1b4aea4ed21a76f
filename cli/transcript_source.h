// Conversations for policies that act something out again: gold ones, found on demand through the tools of the task, and ones
// of rollouts in the store.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "cli/host.h"
#include "engine/policy_factory.h"

namespace assay {

// Used by one thread. What it hands out stays valid until clear().
class TranscriptSource {
 public:
  // `from`: the policy whose stored rollouts are replayed; empty: gold.
  TranscriptSource(Host& host, Store& store, std::string from) : host_(host), store_(store), from_(std::move(from)) {}

  // Gold is one for all samples; of stored rollouts the one with this sample, of the smallest seed.
  Result<const Conversation*> find(const std::string& task, int64_t sample);
  void clear() { kept_.clear(); }

 private:
  Result<Conversation> gold(const std::string& task);
  Result<Conversation> stored(const std::string& task, int64_t sample);

  Host& host_;
  Store& store_;
  std::string from_;
  std::map<std::pair<std::string, int64_t>, Conversation> kept_;
};

// A policy under another descriptor, so that rollouts replayed from different policies are different rollouts.
std::unique_ptr<Policy> renamed_policy(std::unique_ptr<Policy> policy, std::string descriptor);

}  // namespace assay
