#include "synth/certify_value.h"

#include "synth/problem_gold.h"
#include "verifiers/value_verifier.h"

namespace assay {
namespace {

constexpr int64_t kOtherDraws = 200;
constexpr double kMostChance = 0.05;
constexpr size_t kTellingBytes = 5;   // a shorter answer stands in any text by accident

class ValueCertifier {
 public:
  ValueCertifier(const Task& task, const MakeRequest& request) : task_(task), request_(request) {}

  Result<Certificate> run() {
    ASSAY_ASSIGN(verifier_, ValueVerifier::create(task_.expected, "task " + task_.id));
    certificate_.task = task_.id;
    ASSAY_ASSIGN(const Archetype* archetype, find_archetype(task_.archetype));
    certificate_.versions = "value 1; certificate 1; archetype " + archetype->name + " " + std::to_string(archetype->version);
    ASSAY_TRY(make_again(*archetype));
    if (certificate_.same_bytes) ASSAY_TRY(prove_gold());
    prove_trivial_answers_fail();
    for (const ValueMutant& mutant : value_mutants(task_.expected)) {
      const bool survived = passes(mutant.answer);
      certificate_.mutants.push_back({mutant.value, mutant.branch, survived ? "survived" : "killed", mutant.answer});
      if (survived) problem("a mutant survives: " + mutant.value + ", " + mutant.branch);
    }
    certificate_.equal_forms_equal = true;
    for (const std::string& form : equal_forms(task_.expected)) certificate_.equal_forms_equal &= passes(form);
    if (!certificate_.equal_forms_equal) problem("another spelling of the right answer is judged differently");
    certificate_.solutions = 1;
    certificate_.solutions_exact = true;
    ASSAY_TRY(measure_chance());
    certificate_.learnable = true;   // the files are in the working directory, the rest in the prompt
    prove_no_leak();
    certificate_.sound = certificate_.problems.empty();
    seal_certificate(certificate_);
    return std::move(certificate_);
  }

 private:
  void problem(std::string what) { certificate_.problems.push_back(std::move(what)); }
  bool passes(const std::string& answer) const { return verifier_->judge(answer).passed; }

  Status make_again(const Archetype& archetype) {
    if (!request_.domain) {
      problem("it cannot be made again: its domain is not at hand");
      return {};
    }
    const auto again = archetype.make_task_only(request_);
    certificate_.same_bytes = again.ok() && canonical_json(to_json(again->task)) == canonical_json(to_json(task_));
    if (!certificate_.same_bytes) problem("made again from its provenance it comes out differently");
    if (!again.ok()) return {};
    ASSAY_ASSIGN(drawn_, draw_problem(request_));
    certificate_.versions += "; problem " + drawn_.problem->name + " " + std::to_string(drawn_.problem->version);
    return {};
  }

  // Another method, in another language, through the public tools alone.
  Status prove_gold() {
    const auto gold = compute_gold(task_, drawn_.instance.solution, request_);
    // A broken sandbox says nothing about the task.
    if (!gold.ok() && gold.error().boundary != Boundary::kTool) return gold.error();
    certificate_.gold_passes = gold.ok() && passes(gold->answer) && passes(task_.gold);
    if (!gold.ok()) problem("the gold program fails: " + gold.error().text());
    else if (!certificate_.gold_passes) problem("the two methods disagree: the program prints " + gold->answer.substr(0, 200));
    certificate_.calls_low = certificate_.calls_high = 2;
    return {};
  }

  void prove_trivial_answers_fail() {
    certificate_.trivial_fail = true;
    for (const char* answer : {"", "null", "0", "1", "-1", "true", "false", "\"\"", "[]", "{}", "[0]", "NaN"}) {
      if (!passes(answer)) continue;
      certificate_.trivial_fail = false;
      problem(std::string("the trivial answer '") + answer + "' passes");
    }
  }

  // How often the answer to another draw of the same problem is right: what somebody knows who has seen many, and not this one.
  Status measure_chance() {
    if (!drawn_.problem) return {};
    Rng seeds(stream_of("compute/chance/" + task_.id), "chance");
    for (int64_t i = 0; i < kOtherDraws; ++i) {
      Rng rng(seeds.next(), "draw");
      certificate_.chance_hits += passes(value_text(drawn_.problem->draw(rng, request_.difficulty).expected));
      ++certificate_.chance_tries;
    }
    if (certificate_.chance_rate() > kMostChance) problem("the answer is right too often for other draws of the same problem");
    return {};
  }

  void prove_no_leak() {
    const std::string answer = value_text(task_.expected);
    std::string shown = task_.system + "\n" + task_.prompt;
    for (const auto& [name, content] : task_.files) shown += "\n" + content;
    for (const ToolSpec& tool : request_.environment->tools) shown += "\n" + public_tool_json(tool).dump();
    certificate_.no_leak = answer.size() < kTellingBytes || shown.find(answer) == std::string::npos;
    if (!certificate_.no_leak) problem("the expected answer stands in the prompt, the files or the tools");
  }

  const Task& task_;
  const MakeRequest& request_;
  std::unique_ptr<ValueVerifier> verifier_;
  DrawnProblem drawn_;
  Certificate certificate_;
};

}  // namespace

Result<Certificate> certify_value(const Task& task, const MakeRequest& request) { return ValueCertifier(task, request).run(); }

}  // namespace assay
