#include "synth/certify_state.h"

#include <algorithm>
#include <set>

#include "envs/base/rng.h"
#include "synth/operate/gold.h"
#include "verifiers/state_verifier.h"

namespace assay {
namespace {

using operate::Bundle;
using operate::Candidate;
using operate::Case;
using operate::Chosen;
using operate::Request;
using operate::World;

constexpr int64_t kChanceTries = 1'000;
constexpr size_t kMostExtras = 12;   // candidates tried for a change too many

using Calls = std::vector<ToolCall>;

std::string text_of(const Calls& calls) {
  std::string out;
  for (const ToolCall& call : calls) out += (out.empty() ? "" : "; ") + call.name + " " + call.arguments;
  return out;
}

bool same_calls(const Calls& a, const Calls& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const ToolCall& x, const ToolCall& y) { return x.name == y.name && x.arguments == y.arguments; });
}

class StateCertifier {
 public:
  StateCertifier(const Task& task, MakeRequest request) : task_(task), request_(std::move(request)) {
    if (!request_.kept) request_.kept = &kept_;
  }

  Result<Certificate> run() {
    certificate_.task = task_.id;
    ASSAY_ASSIGN(const Archetype* archetype, find_archetype(task_.archetype));
    certificate_.versions = "state 1; certificate 1; archetype " + archetype->name + " " + std::to_string(archetype->version);
    ASSAY_ASSIGN(verifier_, StateVerifier::create(task_.goal, request_.environment->tables, "task " + task_.id));
    prove_nothing_fails();
    prove_no_leak();
    ASSAY_TRY(make_again(*archetype));
    if (certificate_.same_bytes) {
      ASSAY_ASSIGN(world_, World::of(request_));
      ASSAY_ASSIGN(auto drawn, operate::drawn_bundle(*world_, request_));
      ASSAY_ASSERT(drawn.has_value());   // it was just made again of it
      bundle_ = std::move(*drawn);
      ASSAY_TRY(prove_gold());
      ASSAY_TRY(prove_order_is_free());
      ASSAY_TRY(mutate());
      measure_chance();
      ASSAY_TRY(prove_learnable());
    }
    certificate_.solutions = 1;
    certificate_.solutions_exact = true;
    certificate_.interacting = 0;
    certificate_.sound = certificate_.problems.empty();
    seal_certificate(certificate_);
    return std::move(certificate_);
  }

 private:
  void problem(std::string what) { certificate_.problems.push_back(std::move(what)); }

  void prove_nothing_fails() {
    certificate_.trivial_fail = true;
    for (const char* state : {"{}", "null", "[]", "true", "\"\""}) {
      if (!verifier_->holds(Json::parse(state))) continue;
      certificate_.trivial_fail = false;
      problem(std::string("doing nothing passes: the state ") + state);
    }
  }

  void prove_no_leak() {
    std::string shown = task_.system + "\n" + task_.prompt;
    for (const ToolSpec& tool : request_.environment->tools) shown += "\n" + public_tool_json(tool).dump();
    certificate_.no_leak = shown.find(task_.gold) == std::string::npos && shown.find(canonical_json(task_.goal)) == std::string::npos;
    if (!certificate_.no_leak) problem("the gold stands in the prompt or the tools");
  }

  Status make_again(const Archetype& archetype) {
    if (!request_.domain) {
      problem("it cannot be made again: its domain is not at hand");
      return {};
    }
    auto again = archetype.make_task_only(request_);
    certificate_.same_bytes = again.ok() && canonical_json(to_json(again->task)) == canonical_json(to_json(task_));
    if (!certificate_.same_bytes)
      problem(again.ok() ? "made again from its provenance it comes out differently" : "it cannot be made again: " + again.error().text());
    return {};
  }

  Status prove_gold() {
    ASSAY_ASSIGN(operate::Gold gold, play_gold(task_, world_->plain(), world_->part(), bundle_));
    certificate_.calls_high = gold.calls;
    // Whoever has done it has called a tool that writes; and one that reads, if what was written does not stand in the prompt.
    certificate_.calls_low = 1 + std::any_of(bundle_.begin(), bundle_.end(), [&](const Chosen& chosen) { return must_look(chosen); });
    certificate_.gold_passes = verifier_->holds(gold.state);
    if (!certificate_.gold_passes) problem("the gold fails its own verifier");
    if (gold.calls != gold.plain_calls) {
      const auto again = play_again(task_, gold.transcript, world_->tools());
      if (!again.ok() && again.error().boundary != Boundary::kLimit) return again.error();
      if (!again.ok() || !verifier_->holds(again->state)) gold.problems.push_back(again.ok() ? "made again, the gold's calls come to another state" : again.error().what);
    }
    for (std::string& what : gold.problems) {
      certificate_.gold_passes = false;
      problem(std::move(what));
    }
    return {};
  }

  bool must_look(const Chosen& chosen) const {
    const std::string shown = task_.system + "\n" + task_.prompt;
    for (const ToolCall& call : chosen.calls)
      for (const Json& value : Json::parse(call.arguments))
        if (value.is_string() && shown.find(value.get_ref<const std::string&>()) == std::string::npos) return true;
    return false;
  }

  Result<Json> state_after(const std::vector<Calls>& calls) {
    std::vector<const Calls*> all;
    for (const Calls& each : calls) all.push_back(&each);
    return world_->state_after(all);
  }

  std::vector<Calls> right() const {
    std::vector<Calls> out;
    for (const Chosen& chosen : bundle_) out.push_back(chosen.calls);
    return out;
  }

  // The requests the other way round, and arguments in another spelling, come to the same; each is decided the same whatever was done before.
  Status prove_order_is_free() {
    std::vector<Calls> calls = right();
    std::reverse(calls.begin(), calls.end());
    for (Calls& each : calls)
      for (ToolCall& call : each) {
        const Json arguments = Json::parse(call.arguments);
        OrderedJson reversed = OrderedJson::object();
        for (auto it = arguments.rbegin(); it != arguments.rend(); ++it) reversed[it.key()] = OrderedJson::parse(it->dump());
        call.arguments = reversed.dump(2, ' ', true);
      }
    ASSAY_ASSIGN(const Json state, state_after(calls));
    ASSAY_ASSIGN(const bool apart, operate::independent(*world_, bundle_));
    certificate_.equal_forms_equal = apart && verifier_->holds(state);
    if (!certificate_.equal_forms_equal) problem(apart ? "the same calls in another order are judged differently" : "a request is decided differently once another is carried out");
    return {};
  }

  // Carries out the right calls, but `instead` in place of those of request `index`.
  Status try_instead(size_t index, const std::string& branch, const Calls& instead) {
    std::vector<Calls> calls = right();
    calls[index] = instead;
    ASSAY_ASSIGN(const Json state, state_after(calls));
    claim(index, branch, verifier_->holds(state) ? "survived" : "killed", instead);
    return {};
  }

  // Carries out the right calls, and `more` after them. Where the tools let none of it through, there is nothing to be rejected.
  Result<bool> try_besides(size_t index, const std::string& branch, const Calls& more) {
    std::vector<Calls> calls = right();
    calls.push_back(more);
    ASSAY_ASSIGN(const Json state, state_after(calls));
    if (state == task_.goal) return false;
    claim(index, branch, verifier_->holds(state) ? "survived" : "killed", more);
    return true;
  }

  void claim(size_t index, const std::string& branch, const std::string& outcome, const Calls& calls) {
    certificate_.mutants.push_back({name_of(index), branch, outcome, text_of(calls)});
    if (outcome == "survived") problem("a mutant survives: " + name_of(index) + ", " + branch + ": " + text_of(calls).substr(0, 200));
  }

  const Request& request_of(size_t index) const { return world_->part().requests[bundle_[index].request]; }
  const Case& case_of(size_t index) const { return request_of(index).cases[bundle_[index].candidate->which]; }
  std::string name_of(size_t index) const { return "request " + std::to_string(index + 1) + " " + request_of(index).name + ", case " + case_of(index).name; }

  Status mutate() {
    for (size_t i = 0; i < bundle_.size(); ++i) {
      ASSAY_TRY(leave_calls_out(i));
      ASSAY_TRY(change_arguments(i));
      ASSAY_TRY(decide_otherwise(i));
    }
    return do_too_much();
  }

  Status leave_calls_out(size_t index) {
    const Calls& calls = bundle_[index].calls;
    for (size_t i = 0; i < calls.size(); ++i) {
      Calls fewer = calls;
      fewer.erase(fewer.begin() + static_cast<int64_t>(i));
      ASSAY_TRY(try_instead(index, "left out: " + calls[i].name, fewer));
    }
    return {};
  }

  Status change_arguments(size_t index) {
    const Calls& calls = bundle_[index].calls;
    for (size_t i = 0; i < calls.size(); ++i) {
      const Json arguments = Json::parse(calls[i].arguments);
      for (const auto& [name, value] : arguments.items()) {
        Json changed = arguments;
        changed[name] = neighbour(index, calls[i].name, name, value);
        Calls other = calls;
        other[i].arguments = canonical_json(changed);
        ASSAY_TRY(try_instead(index, "another " + name + " for " + calls[i].name, other));
      }
    }
    return {};
  }

  // Another value that somebody might take for it: of an enumeration, of another row that could have been meant, or next to it.
  Json neighbour(size_t index, const std::string& tool, const std::string& argument, const Json& value) const {
    const Json& property = request_.environment->find_tool(tool)->parameters["properties"][argument];
    if (const auto allowed = property.find("enum"); allowed != property.end() && allowed->size() > 1) {
      const auto at = std::find(allowed->begin(), allowed->end(), value);
      const size_t place = at == allowed->end() ? 0 : static_cast<size_t>(at - allowed->begin());
      return (*allowed)[(place + 1) % allowed->size()];
    }
    const Chosen& chosen = bundle_[index];
    for (const auto& [column, cell] : chosen.candidate->row.items()) {
      if (cell != value) continue;
      const auto& others = world_->candidates(chosen.request);
      const size_t start = static_cast<size_t>(chosen.candidate - others.data());
      for (size_t k = 1; k < others.size(); ++k)
        if (const Json& other = others[(start + k) % others.size()].row.at(column); other != value && other.type() == value.type()) return other;
    }
    if (value.is_boolean()) return !value.get<bool>();
    if (value.is_number_integer()) return value.get<int64_t>() + 1;
    if (value.is_number()) return value.get<double>() + 1;
    if (value.is_array() && !value.empty()) return Json(value.begin(), std::prev(value.end()));
    return value.is_string() ? Json(value.get<std::string>() + " x") : Json("x");
  }

  // Whatever else the request's cases would have come to.
  std::vector<std::pair<const Case*, Calls>> decisions(size_t index) const {
    std::vector<std::pair<const Case*, Calls>> out;
    for (const Case& each : request_of(index).cases) {
      Calls calls = operate::calls_of(each.calls, bundle_[index].candidate->row);
      if (std::none_of(out.begin(), out.end(), [&](const auto& other) { return same_calls(other.second, calls); })) out.emplace_back(&each, std::move(calls));
    }
    return out;
  }

  Status decide_otherwise(size_t index) {
    const bool refuses = !case_of(index).refuse.empty();
    for (const auto& [decision, calls] : decisions(index)) {
      if (same_calls(calls, bundle_[index].calls)) continue;
      const char* branch = decision->refuse.empty() ? (refuses ? "acts where it must be refused" : "does something else")
                                                    : (refuses ? "refuses for another reason" : "refuses what must be done");
      ASSAY_TRY(try_instead(index, branch, calls));
      if (!refuses || !decision->refuse.empty()) continue;
      ASSAY_ASSIGN(const bool acted, try_besides(index, "refuses and acts", calls));
      if (!acted) certificate_.mutants.push_back({name_of(index), "refuses and acts", "impossible", text_of(calls)});
    }
    return {};
  }

  // All that is right, and something nobody asked for that the tools let through.
  Status do_too_much() {
    Rng rng(stream_of("operate/too much/" + task_.id), "extra");
    const auto& requests = world_->part().requests;
    for (size_t tried = 0; tried < kMostExtras; ++tried) {
      const size_t request = rng.below(requests.size());
      const auto& candidates = world_->candidates(request);
      if (candidates.empty()) continue;
      const Candidate& other = candidates[rng.below(candidates.size())];
      const Case& decided = requests[request].cases[other.which];
      const bool meant = std::any_of(bundle_.begin(), bundle_.end(), [&](const Chosen& chosen) { return chosen.candidate == &other; });
      if (meant) continue;
      ASSAY_ASSIGN(const bool changed, try_besides(0, "a change too many", operate::calls_of(decided.calls, other.row)));
      if (changed) return {};
    }
    problem("no change too many could be tried: the tools let none through");
    return {};
  }

  // Somebody who decides by lot what comes of each request, or that nothing does, and carries it out without a mistake.
  void measure_chance() {
    std::vector<uint64_t> choices;
    for (size_t i = 0; i < bundle_.size(); ++i) choices.push_back(1 + decisions(i).size());
    Rng rng(stream_of("operate/chance/" + task_.id), "chance");
    for (int64_t i = 0; i < kChanceTries; ++i) {
      bool right = true;
      for (uint64_t count : choices) right &= rng.below(count) == 0;
      certificate_.chance_hits += right;
    }
    certificate_.chance_tries = kChanceTries;
  }

  Status prove_learnable() {
    auto report = request_.report;
    if (!report) {
      ASSAY_ASSIGN(report, check_environment(request_.environment));
    }
    for (const std::string& what : report->problems) problem(what);
    // That every argument is shown before it is needed is a part of the gold.
    certificate_.learnable = report->problems.empty() && certificate_.gold_passes;
    return {};
  }

  const Task& task_;
  MakeRequest request_;
  std::shared_ptr<void> kept_;
  std::unique_ptr<StateVerifier> verifier_;
  std::shared_ptr<World> world_;
  Bundle bundle_;
  Certificate certificate_;
};

}  // namespace

Result<Certificate> certify_state(const Task& task, const MakeRequest& request) { return StateCertifier(task, request).run(); }

}  // namespace assay
