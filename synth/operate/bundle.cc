#include "synth/operate/bundle.h"

#include <algorithm>

#include "envs/base/rng.h"

namespace assay::operate {
namespace {

constexpr int kTries = 24;   // for one place of the bundle

// A request drawn at random, then one of its cases of the kind wanted, then a row that it decides: rare cases are as likely as common ones.
std::optional<Chosen> draw_one(const World& world, const Level& level, bool refusal, Rng& rng) {
  Chosen out;
  out.request = rng.pick(level.choose);
  const Request& request = world.part().requests[out.request];
  std::vector<size_t> cases;
  for (size_t i = 0; i < request.cases.size(); ++i)
    if (request.cases[i].refuse.empty() != refusal && !world.of_case(out.request, i).empty()) cases.push_back(i);
  if (cases.empty()) return std::nullopt;
  const size_t which = rng.pick(cases);
  out.candidate = &world.candidates(out.request)[rng.pick(world.of_case(out.request, which))];
  out.say = fill(rng.pick(request.say), out.candidate->row);
  out.lookups = calls_of(request.lookups, out.candidate->row);
  out.calls = calls_of(request.cases[which].calls, out.candidate->row);
  return out;
}

bool fits(const Bundle& bundle, const Chosen& chosen) {
  size_t same = 0;
  for (const Chosen& other : bundle) {
    if (other.say == chosen.say) return false;
    if (other.request != chosen.request) continue;
    if (other.candidate->row == chosen.candidate->row) return false;
    ++same;
  }
  return same < 2;
}

}  // namespace

std::vector<ToolCall> calls_of(const std::vector<CallTemplate>& calls, const Json& row) {
  std::vector<ToolCall> out;
  for (const CallTemplate& call : calls) out.push_back({"", call.tool, canonical_json(fill(call.arguments, row))});
  return out;
}

Result<std::optional<Bundle>> drawn_bundle(const World& world, const MakeRequest& request) {
  const auto found = world.part().levels.find(request.difficulty);
  if (found == world.part().levels.end()) return input_error("difficulties are 1 to 5", "--difficulty");
  const Level& level = found->second;
  // Attempts of one task and those of the next do not meet: a task is tried far fewer times.
  Rng rng(request.seed, "operate/" + std::to_string(request.difficulty), static_cast<uint64_t>(request.index) * 1024 + static_cast<uint64_t>(request.attempt));
  const auto* basis = request.step ? static_cast<const Basis*>(request.step->basis.get()) : nullptr;
  Bundle bundle = basis ? basis->bundle : Bundle();
  for (Chosen& chosen : bundle) {   // the same data, in this world
    const std::vector<Candidate>& here = world.candidates(chosen.request);
    const auto same = std::find_if(here.begin(), here.end(), [&](const Candidate& candidate) { return candidate.row == chosen.candidate->row; });
    if (same == here.end()) return make_error(Boundary::kEnvironment, "a request of the step before is none over these tools", "domain " + request.domain->name);
    chosen.candidate = &*same;
  }
  const auto is_refusal = [&](const Chosen& chosen) { return !world.part().requests[chosen.request].cases[chosen.candidate->which].refuse.empty(); };
  const int64_t kept = static_cast<int64_t>(bundle.size()), kept_refusals = std::count_if(bundle.begin(), bundle.end(), is_refusal);
  const int64_t count = rng.between(level.requests.low, level.requests.high) - kept;
  if (count < 1) return std::optional<Bundle>();
  const int64_t wanted = rng.between(level.refusals.low, std::min(level.refusals.high, kept + count));
  std::vector<bool> refuse(static_cast<size_t>(count));
  for (int64_t i = 0; i < std::clamp<int64_t>(wanted - kept_refusals, 0, count); ++i) refuse[static_cast<size_t>(i)] = true;
  for (size_t i = refuse.size(); i > 1; --i) {
    const size_t j = rng.below(i);
    const bool moved = refuse[i - 1];
    refuse[i - 1] = refuse[j];
    refuse[j] = moved;
  }
  for (const bool refusal : refuse) {
    const size_t before = bundle.size();
    for (int i = 0; i < kTries && bundle.size() == before; ++i)
      if (auto chosen = draw_one(world, level, refusal, rng); chosen && fits(bundle, *chosen)) bundle.push_back(std::move(*chosen));
    if (bundle.size() == before) return std::optional<Bundle>();
  }
  return std::optional<Bundle>(std::move(bundle));
}

Result<bool> independent(World& world, const Bundle& bundle) {
  for (size_t i = 0; bundle.size() > 1 && i < bundle.size(); ++i) {
    std::vector<const std::vector<ToolCall>*> others;
    for (size_t k = 0; k < bundle.size(); ++k)
      if (k != i) others.push_back(&bundle[k].calls);
    ASSAY_ASSIGN(const Json state, world.state_after(others));
    ASSAY_ASSIGN(const bool same, world.as_in_the_beginning(bundle[i].request, *bundle[i].candidate));
    if (!same) return false;
  }
  return true;
}

std::string user_message(const Bundle& bundle) {
  if (bundle.size() == 1) return bundle[0].say;
  std::string out = "There are " + std::to_string(bundle.size()) + " things to see to:\n";
  for (size_t i = 0; i < bundle.size(); ++i) out += "\n" + std::to_string(i + 1) + ". " + bundle[i].say;
  return out;
}

std::string system_prompt(const Part& part, const std::vector<ToolSpec>& tools) {
  std::string out = part.role + "\n\nRules:\n";
  for (size_t i = 0; i < part.policy.size(); ++i) out += std::to_string(i + 1) + ". " + part.policy[i] + "\n";
  out += "\nWhat the rules allow is done in full; what they do not allow is not done, not even in part, but refused by calling " + part.refuse_tool +
         " with one of these reasons:\n";
  for (const auto& [code, about] : part.reasons) out += "- " + code + ": " + about + "\n";
  out += "\nLook up what you need to know; do not guess. Tools do not check every rule: that is up to you. Change nothing that was not asked for. "
         "Requests in one message do not depend on each other.";
  for (const ToolSpec& tool : tools)
    if (tool.effect == ToolEffect::kSubmit) out += " When everything has been dealt with, call " + tool.name + ".";
  return out;
}

}  // namespace assay::operate
