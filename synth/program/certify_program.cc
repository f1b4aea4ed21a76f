#include "synth/program/certify_program.h"

#include <algorithm>
#include <set>

#include "synth/program/program_task.h"
#include "verifiers/attack.h"
#include "verifiers/program_verifier.h"
#include "verifiers/right_answer.h"
#include "verifiers/value_verifier.h"

namespace assay {
namespace {

constexpr uint64_t kHashSeeds[] = {1, 2};      // under which everything must come out as it did under 0
constexpr int64_t kOtherDraws = 4;
constexpr size_t kTellingBytes = 5;            // a shorter answer stands in any text by accident
constexpr size_t kShown = 200;

// A specification (verifiers/value_verifier.h) of exactly this value, for its near misses.
Json specification_of(const Json& value) {
  if (value.is_array()) {
    Json items = Json::array();
    for (const Json& item : value) items.push_back(specification_of(item));
    return {{"type", "list"}, {"items", std::move(items)}};
  }
  if (value.is_object()) {
    Json fields = Json::object();
    for (const auto& [name, field] : value.items()) fields[name] = specification_of(field);
    return {{"type", "object"}, {"fields", std::move(fields)}};
  }
  if (value.is_boolean()) return {{"type", "boolean"}, {"value", value}};
  if (value.is_number_integer()) return {{"type", "integer"}, {"value", value.dump()}};
  if (value.is_number()) return {{"type", "number"}, {"value", value}};
  const bool empty = !value.is_string() || value.get_ref<const std::string&>().find_first_not_of(" \t\r\n") == std::string::npos;
  return {{"type", "text"}, {"value", empty ? Json("-") : value}};   // near misses of what has none are those of a dash
}

// Tools that answer every call with an error.
class NoTools final : public Tools {
 public:
  explicit NoTools(const std::vector<ToolSpec>& specs) : specs_(specs) {}
  const std::vector<ToolSpec>& specs() const override { return specs_; }
  Result<Observation> call(std::string_view tool, std::string_view) override {
    for (const ToolSpec& spec : specs_)
      if (spec.name == tool && spec.effect == ToolEffect::kSubmit) return Observation{"", false, {}};
    return error_observation("nothing is known");
  }

 private:
  const std::vector<ToolSpec>& specs_;
};

class ProgramCertifier {
 public:
  ProgramCertifier(const Task& task, const MakeRequest& request)
      : task_(task), request_(request), parameters_(task.expected.at("parameters")), judges_changes_(!task.goal.is_null()) {}

  Result<Certificate> run() {
    if (!request_.domain || !request_.executor) return make_error(Boundary::kSandbox, "its domain or a sandbox is not at hand", "task " + task_.id, "assay doctor");
    ASSAY_ASSIGN(const Archetype* archetype, find_archetype(kProgramArchetype));
    certificate_.task = task_.id;
    certificate_.versions = "program 1; certificate 1; archetype program " + std::to_string(archetype->version);
    ASSAY_TRY(make_again(*archetype));
    if (certificate_.same_bytes) ASSAY_TRY(prove());
    certificate_.sound = certificate_.problems.empty();
    seal_certificate(certificate_);
    return std::move(certificate_);
  }

 private:
  void problem(const std::string& code, const std::string& what) { certificate_.problems.push_back(code + ": " + what); }

  // A program's fault is the task's; any other Error is the machine's, and no certificate.
  Status blame(const Error& error) {
    if (error.boundary != Boundary::kEnvironment && error.boundary != Boundary::kVerifier) return error;
    certificate_.problems.push_back(error.what + (error.where.empty() ? "" : " (" + error.where + ")"));
    return {};
  }

  Status prove() {
    for (const ProgramTask& each : program_tasks(request_.part()))
      if (each.name == task_.expected.at("task")) written_ = each;
    ASSAY_ASSIGN(verifier_, ProgramVerifier::create(task_, *request_.environment, *request_.executor, 0));
    ASSAY_ASSIGN(own_, request_.own_tools(task_));
    ASSAY_TRY(prove_gold());
    if (!certificate_.gold_passes) return {};
    ASSAY_TRY(prove_tools_needed());
    ASSAY_TRY(prove_tools_hold());
    prove_trivial_answers_fail();
    ASSAY_TRY(prove_others_fail());
    prove_near_misses_fail();
    prove_no_leak();
    certificate_.learnable = certificate_.problems.empty();   // what the solution needs it has from the tools
    certificate_.solutions = 1;
    if (const Status verdicts = verifier_->failure(); !verdicts.ok()) return blame(verdicts.error());
    return {};
  }

  Tools& tools() { return own_ ? *own_ : *request_.tools; }
  bool passes(const std::string& text) const { return verifier_->judge(outcome_of(text)).passed; }
  Outcome outcome_of(const std::string& text) const {
    if (!judges_changes_) return {text, {}};
    Result<Json> state = parse_json(text, "the changes");
    return {"", state.ok() ? std::move(*state) : Json(text)};
  }
  const std::string& gold() const { return gold_; }

  Status make_again(const Archetype& archetype) {
    const Result<RemadeTask> again = archetype.make_task_only(request_);
    if (!again.ok()) return blame(again.error());
    certificate_.same_bytes = canonical_json(to_json(again->task)) == canonical_json(to_json(task_));
    if (!certificate_.same_bytes) problem("not_reproducible", "made again from its provenance it comes out differently");
    first_ = again->transcript;
    return {};
  }

  Status prove_gold() {
    gold_ = gold_of(task_);
    certificate_.gold_passes = true;
    for (const uint64_t seed : kHashSeeds) {
      const Result<SolutionRun> run = run_solution(task_, written_.solution, parameters_, tools(), *request_.executor, seed);
      if (!run.ok()) {
        certificate_.gold_passes = false;
        return blame(run.error());
      }
      if (canonical_json(to_json_all(run->transcript)) != canonical_json(to_json_all(first_)))
        problem("solution_differs", "run again it makes other calls, or tools answer them differently; the order of sets, the clock and random numbers differ from run to run");
      ASSAY_ASSIGN(const auto again, ProgramVerifier::create(task_, *request_.environment, *request_.executor, seed));
      const Outcome outcome{run->answer, run->changes};
      const bool passed = verifier_->judge(outcome).passed;
      certificate_.gold_passes &= passed;
      if (again->judge(outcome).passed != passed) problem("verifier_differs", "run again it says something else of the same");
      certificate_.calls_high = run->calls;
      if (!certificate_.problems.empty()) break;
    }
    if (const Status verdicts = verifier_->failure(); !verdicts.ok()) {
      certificate_.gold_passes = false;
      return blame(verdicts.error());
    }
    if (!certificate_.gold_passes) problem("gold_fails", "the verifier does not pass what the solution leaves behind: " + gold().substr(0, kShown));
    certificate_.calls_low = 1;
    certificate_.measures["calls"] = certificate_.calls_high;
    std::set<std::string> used;
    for (const Message& message : first_)
      for (const ToolCall& call : message.tool_calls) used.insert(call.name);
    certificate_.measures["tools"] = static_cast<int64_t>(used.size());
    return {};
  }

  static Json to_json_all(const Conversation& conversation) {
    Json out = Json::array();
    for (const Message& message : conversation) out.push_back(Json::parse(to_json(message).dump()));
    return out;
  }

  Status prove_tools_needed() {
    NoTools none(tools().specs());
    const Result<SolutionRun> run = run_solution(task_, written_.solution, parameters_, none, *request_.executor, 0);
    if (!run.ok()) return run.error().boundary == Boundary::kEnvironment ? Status() : run.error();   // it gives up
    if (!judges_changes_ && passes(run->answer)) problem("needs_no_tools", "the solution is right although every tool failed");
    return {};
  }

  // One argument after the other is odd, and the rest are words that nobody has said.
  Status prove_tools_hold() {
    const auto plain = [](const std::string& type) { return type == "string" ? Json("nobody has this name") : type == "array" ? Json::array() : type == "boolean" ? Json(false) : Json(0); };
    static const std::map<std::string, std::vector<Json>> kOdd = {
        {"string", {"", "' OR 1=1 --", "%", "\xf0\x9f\x9a\x8b", std::string(10'000, 'x')}}, {"integer", {0, -1, int64_t{1} << 53}}, {"number", {0, -0.5, 1e300}}, {"boolean", {true}}, {"array", {Json::array()}}};
    Tools& all = tools();
    for (const ToolSpec& tool : all.specs()) {
      if (tool.kind != "function") continue;
      const Json properties = tool.parameters.value("properties", Json::object());
      Json arguments = Json::object();
      for (const Json& name : tool.parameters.value("required", Json::array())) arguments[name.get<std::string>()] = plain(parameter_type(tool.parameters, name));
      for (const auto& [name, schema] : properties.items()) {
        const std::vector<Json> values = schema.contains("enum") ? std::vector<Json>(schema["enum"].begin(), schema["enum"].end()) : kOdd.at(parameter_type(tool.parameters, name));
        for (const Json& value : values) {
          Json odd = arguments;
          odd[name] = value;
          if (tool.effect == ToolEffect::kWrite) ASSAY_TRY(all.reset());
          const Result<Observation> seen = all.call(tool.name, canonical_json(odd));
          if (seen.ok()) continue;
          if (seen.error().boundary != Boundary::kTool) return seen.error();
          problem("tools_break", tool.name + canonical_json(odd).substr(0, kShown) + ": " + seen.error().what + "; arguments that are wrong are refused by ValueError");
          return {};
        }
      }
    }
    return all.reset();
  }

  void prove_trivial_answers_fail() {
    certificate_.trivial_fail = true;
    for (const char* answer : {"", "null", "0", "1", "-1", "true", "false", "\"\"", "\"done\"", "[]", "{}", "[0]", "[[]]", "[{}]", "NaN"}) {
      if (!passes(answer)) continue;
      certificate_.trivial_fail = false;
      problem("trivial_passes", std::string(judges_changes_ ? "the change '" : "the answer '") + answer + "' passes");
    }
  }

  // What is right for another draw, or what it would have changed: the chance rate is how often that is right here as well.
  Status prove_others_fail() {
    Rng seeds(stream_of("program/others/" + task_.id), "other");
    for (int64_t i = 0; i < kOtherDraws; ++i) {
      const Result<Json> other = draw_parameters(written_, *request_.environment, *request_.executor, seeds.next());
      if (!other.ok()) {
        ASSAY_TRY(other.error().boundary == Boundary::kEnvironment ? Status() : other.error());   // it would have been no task
        continue;
      }
      if (*other == parameters_) continue;
      const Result<SolutionRun> run = run_solution(task_, written_.solution, *other, tools(), *request_.executor, 0);
      if (!run.ok()) {
        ASSAY_TRY(run.error().boundary == Boundary::kEnvironment ? Status() : run.error());   // that draw would have been no task
        continue;
      }
      ++certificate_.chance_tries;
      const std::string left = judges_changes_ ? canonical_json(run->changes) : run->answer;
      if (!passes(left)) continue;
      ++certificate_.chance_hits;
      problem("other_gold_passes", "what is right for " + other->dump().substr(0, kShown) + " is right here as well: " + left.substr(0, kShown));
    }
    if (certificate_.chance_tries == 0) problem("bad_draw", "it draws nothing else: there is one task of this kind");
    return {};
  }

  void prove_near_misses_fail() {
    const Result<Json> right = parse_json(gold(), "the gold");
    const Json specification = specification_of(right.ok() ? *right : Json());
    for (const ValueMutant& mutant : value_mutants(specification)) {
      if (is_right_answer(task_, *request_.environment, mutant.answer)) continue;   // the same state, its rows in another order
      const bool survived = passes(mutant.answer);
      certificate_.mutants.push_back({mutant.value, mutant.branch, survived ? "survived" : "killed", mutant.answer});
      if (survived) problem("near_miss_passes", mutant.value + ", " + mutant.branch + ": " + mutant.answer.substr(0, kShown));
    }
    certificate_.equal_forms_equal = true;
    for (const std::string& form : {right->dump(3), right->dump(-1, ' ', true), " \n" + right->dump() + "\t "}) certificate_.equal_forms_equal &= passes(form);
    if (!certificate_.equal_forms_equal) problem("forms_differ", "another spelling of the gold is judged differently");
  }

  void prove_no_leak() {
    std::string shown = task_.system + "\n" + task_.prompt;
    for (const ToolSpec& tool : request_.environment->tools) shown += "\n" + public_tool_json(tool).dump();
    certificate_.no_leak = judges_changes_ || task_.gold.size() < kTellingBytes || shown.find(task_.gold) == std::string::npos;
    if (!certificate_.no_leak) problem("gold_leaks", "the gold stands in the prompt or the tools");
  }

  const Task& task_;
  const MakeRequest& request_;
  const Json parameters_;
  const bool judges_changes_;
  ProgramTask written_;
  std::unique_ptr<ProgramVerifier> verifier_;
  std::unique_ptr<Tools> own_;
  Conversation first_;   // of the solution, when the task was made again
  std::string gold_;
  Certificate certificate_;
};

}  // namespace

Result<Certificate> certify_program(const Task& task, const MakeRequest& request) { return ProgramCertifier(task, request).run(); }

}  // namespace assay
