#include "verifiers/attack.h"

#include <algorithm>

#include "envs/base/utf8.h"
#include "verifiers/constraint_verifier.h"
#include "verifiers/program_verifier.h"
#include "verifiers/right_answer.h"

namespace assay {
namespace {

constexpr size_t kShown = 400;
constexpr const char* kBlank = "\x01";   // no part of a gold; dumped as "\u0001"
constexpr std::string_view kBlankDumped = "\"\\u0001\"";

// Fit to be stored: the first bytes, and no byte that is not UTF-8.
std::string shown(std::string_view text) {
  std::string out;
  for (std::string_view rest = text.substr(0, kShown); !rest.empty();) {
    const size_t good = well_formed_bytes(rest);
    out += rest.substr(0, good);
    if (good < rest.size()) out += "?";
    rest.remove_prefix(std::min(good + 1, rest.size()));
  }
  return text.size() > kShown ? out + "… (" + std::to_string(text.size()) + " bytes)" : out;
}

void record(AttackReport& report, AttackTally& tally, const std::string& category, std::string_view how, std::string_view what) {
  ++tally.hits;
  if (report.hits.size() < AttackReport::kHitsKept) report.hits.push_back({category, std::string(how), shown(what)});
}

bool is_part(Part kind, const Json& at) {
  switch (kind) {
    case Part::kText: return at.is_string();
    case Part::kNumber: return at.is_number();
    case Part::kObject: return at.is_object();
    case Part::kArray: return at.is_array();
  }
  return false;
}

}  // namespace

struct Judge::Quick {
  const ConstraintVerifier& verifier;
  AnswerReader reader;
  ReadAnswer scratch;
};

Judge::Judge(const Verifier& verifier, bool judges_states) : verifier_(verifier), judges_states_(judges_states) {
  // Its words take a hundred times as long as its judgement.
  if (const auto* constraints = dynamic_cast<const ConstraintVerifier*>(&verifier))
    quick_ = std::make_unique<Quick>(Quick{*constraints, constraints->make_reader(), {}});
}

Judge::~Judge() = default;

bool Judge::passes(std::string_view answer) {
  if (quick_) return quick_->verifier.judge_quickly(answer, quick_->reader, quick_->scratch).passed;
  if (!judges_states_) return verifier_.passes({std::string(answer), {}});
  // White space around it says nothing, and some attempts have 64 KiB of it.
  constexpr std::string_view kSpace = " \t\r\n";
  answer.remove_prefix(std::min(answer.find_first_not_of(kSpace), answer.size()));
  answer.remove_suffix(answer.size() - std::min(answer.find_last_not_of(kSpace) + 1, answer.size()));
  Result<Json> state = parse_json(answer, "the state");
  return state.ok() && verifier_.passes({"", std::move(*state)});
}

bool Judge::believes(std::string_view answer) { return judges_states_ && verifier_.passes({std::string(answer), Json::object()}); }

Attempts::Attempts(const AttackTarget& target, const std::string& category, const Json& gold, Judge& judge, AttackReport& report)
    : target_(target), category_(category), judge_(judge), report_(report), tally_(report.categories[category]),
      gold_text_(gold_of(target.task)), gold_(gold),
      rng_(stream_of(target.task.id), category) {}

void Attempts::answer(std::string_view how, std::string_view text, Excuse excuse) {
  ++tally_.tried;
  if (judge_.believes(text)) return record(report_, tally_, category_, how, text);
  if (!judge_.passes(text)) return;
  // Columns that a state's judgement ignores may say anything.
  const bool excused = excuse == Excuse::kRight || !task().goal.is_null();
  if (excused && is_right_answer(target_.task, target_.environment, text)) ++tally_.right;
  else record(report_, tally_, category_, how, text);
}

void Attempts::claim(std::string_view how, std::string_view text) {
  if (task().goal.is_null()) return;
  ++tally_.tried;
  if (judge_.believes(text)) record(report_, tally_, category_, how, text);
}

void Attempts::collect(Part kind, Json& at, std::vector<Json*>& out) {
  if (is_part(kind, at)) out.push_back(&at);
  if (at.is_structured())
    for (Json& below : at) collect(kind, below, out);
}

void Attempts::each(Part kind, size_t most, const std::function<void(const Json&, const Place&)>& attack) {
  std::vector<Json*> parts;
  collect(kind, gold_, parts);
  rng_.shuffle(parts);
  if (parts.size() > most) parts.resize(most);
  for (Json* part : parts) attack(*part, Place(*this, *part));
}

Attempts::Place::Place(Attempts& attempts, Json& part) : attempts_(attempts), part_(part) {
  Json blank = kBlank;
  std::swap(part, blank);
  const std::string text = attempts.gold_.dump();
  std::swap(part, blank);
  const size_t at = text.find(kBlankDumped);
  before_ = text.substr(0, at);
  after_ = text.substr(at + kBlankDumped.size());
}

void Attempts::Place::put(std::string_view how, const Json& value, Excuse excuse) const {
  if (value != part_) put_raw(how, value.dump(-1, ' ', false, Json::error_handler_t::ignore), excuse);
}

void Attempts::Place::put_raw(std::string_view how, std::string_view token, Excuse excuse) const {
  std::string text;
  text.reserve(before_.size() + token.size() + after_.size());
  attempts_.answer(how, text.append(before_).append(token).append(after_), excuse);
}

void Probes::tried(std::string_view how, std::string_view what, bool hit) {
  ++tally_.tried;
  if (hit) record(report_, tally_, category_, how, what);
}

std::string gold_of(const Task& task) { return task.goal.is_null() ? task.gold : task.goal.dump(); }

Result<AttackReport> attack_task(const AttackTarget& target) {
  const std::string text = gold_of(target.task);
  const Result<Json> gold = parse_json(text, "the gold of task " + target.task.id);
  if (!gold.ok()) return make_error(Boundary::kVerifier, "the gold is not JSON", "task " + target.task.id, gold.error().what);
  Judge judge(target.verifier, !target.task.goal.is_null());
  if (!judge.passes(text))
    return make_error(Boundary::kVerifier, "the gold does not pass its own verifier", "task " + target.task.id, "assay audit");
  AttackReport report;
  report.catalogue = kAttackCatalogue;
  for (const Attack& attack : attacks::all()) {
    Attempts attempts(target, attack.name, *gold, judge, report);
    attack.task(attempts);
  }
  if (const auto* program = dynamic_cast<const ProgramVerifier*>(&target.verifier)) ASSAY_TRY(program->failure());
  return report;
}

Result<AttackReport> attack_environment(const EnvironmentTarget& target) {
  AttackReport report;
  report.catalogue = kAttackCatalogue;
  for (const Attack& attack : attacks::all()) {
    if (!attack.environment) continue;
    Probes probes(target, attack.name, report);
    ASSAY_TRY(attack.environment(probes));
  }
  return report;
}

}  // namespace assay
