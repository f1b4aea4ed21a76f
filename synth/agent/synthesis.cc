#include "synth/agent/synthesis.h"

namespace assay {

void Funnel::add(const SynthesisRecord& record) {
  ++candidates;
  drafted += record.drafted;
  compiled += record.compiled;
  certified += record.accepted;
  escalated += record.lineage.size() > 1;
  if (!record.accepted) ++lost[record.reason];
  else if (!record.reason.empty()) ++not_escalated[record.reason];
  turns += record.turns;
  prompt_tokens += record.usage.prompt_tokens;
  completion_tokens += record.usage.completion_tokens;
}

OrderedJson to_json(const Funnel& funnel) {
  return {{"candidates", funnel.candidates}, {"drafted", funnel.drafted}, {"compiled", funnel.compiled}, {"certified", funnel.certified},
          {"escalated", funnel.escalated}, {"lost", funnel.lost}, {"not_escalated", funnel.not_escalated}, {"turns", funnel.turns},
          {"prompt_tokens", funnel.prompt_tokens}, {"completion_tokens", funnel.completion_tokens}};
}

Status synthesize_domains(const std::vector<std::string>& categories, Policy& policy, const AgentOptions& options, uint64_t seed,
                          std::set<std::string> taken, const std::atomic<bool>* cancelled,
                          const std::function<Status(const SynthesisRecord&)>& take) {
  std::vector<std::unique_ptr<DomainCandidate>> candidates;
  const auto ask = [&](size_t i) {
    policy.ask({static_cast<int64_t>(i), &candidates[i]->task(), &candidates[i]->conversation(), seed, static_cast<int64_t>(i), candidates[i]->turns()});
  };
  for (const std::string& category : categories) {
    candidates.push_back(std::make_unique<DomainCandidate>(category, policy.descriptor(), options, taken));
    ask(candidates.size() - 1);
  }
  for (std::vector<Action> actions = policy.answer(); !actions.empty(); actions = policy.answer()) {
    for (Action& action : actions) {
      DomainCandidate& candidate = *candidates[static_cast<size_t>(action.rollout)];
      if (cancelled && cancelled->load(std::memory_order_relaxed)) candidate.cancel();
      else candidate.hear(std::move(action.message), action.usage);
      if (!candidate.done()) {
        ask(static_cast<size_t>(action.rollout));
        continue;
      }
      policy.finish(action.rollout);
      ASSAY_TRY(take(candidate.record()));
    }
  }
  return {};
}

}  // namespace assay
