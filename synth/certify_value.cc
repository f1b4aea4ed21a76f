#include "synth/certify_value.h"

#include "synth/archetype.h"
#include "verifiers/value_verifier.h"

namespace assay {
namespace {

constexpr size_t kTellingBytes = 5;   // a shorter answer stands in any text by accident

class ValueCertifier {
 public:
  ValueCertifier(const Task& task, const MakeRequest& request) : task_(task), request_(request) {}

  Result<Certificate> run() {
    ASSAY_ASSIGN(verifier_, ValueVerifier::create(task_.expected, "task " + task_.id));
    certificate_.task = task_.id;
    ASSAY_ASSIGN(const Archetype* archetype, find_archetype(task_.archetype));
    certificate_.versions = "value 1; certificate 1; archetype " + archetype->name + " " + std::to_string(archetype->version);
    make_again(*archetype);
    if (certificate_.same_bytes) ASSAY_TRY(archetype->prove_value(task_, request_, *verifier_, certificate_));
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
    prove_no_leak();
    certificate_.sound = certificate_.problems.empty();
    seal_certificate(certificate_);
    return std::move(certificate_);
  }

 private:
  void problem(std::string what) { certificate_.problems.push_back(std::move(what)); }
  bool passes(const std::string& answer) const { return verifier_->judge(answer).passed; }

  void make_again(const Archetype& archetype) {
    if (!request_.domain) return problem("it cannot be made again: its domain is not at hand");
    const auto again = archetype.make_task_only(request_);
    certificate_.same_bytes = again.ok() && canonical_json(to_json(again->task)) == canonical_json(to_json(task_));
    if (!certificate_.same_bytes) problem("made again from its provenance it comes out differently");
  }

  void prove_trivial_answers_fail() {
    certificate_.trivial_fail = true;
    for (const char* answer : {"", "null", "0", "1", "-1", "true", "false", "\"\"", "[]", "{}", "[0]", "NaN"}) {
      if (!passes(answer)) continue;
      certificate_.trivial_fail = false;
      problem(std::string("the trivial answer '") + answer + "' passes");
    }
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
  Certificate certificate_;
};

}  // namespace

Result<Certificate> certify_value(const Task& task, const MakeRequest& request) { return ValueCertifier(task, request).run(); }

}  // namespace assay
