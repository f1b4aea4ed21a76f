// Judges an answer that is one JSON value, by a specification of the value that was expected:
//
//   {"type":"integer","value":"123"}                 decimal text of any size; the answer is a JSON integer, or a string of its
//                                                    digits, which it must be beyond 64 bits inside of a list or an object
//   {"type":"number","value":1.25,"absolute":1e-6,"relative":0,"why":"rounded to six places"}   both tolerances inclusive
//   {"type":"text","value":"…","fold_case":false}    white space at the ends does not count
//   {"type":"boolean","value":true}
//   {"type":"list","ordered":true,"items":[…]}       unordered: a bag, matched as a whole
//   {"type":"object","fields":{name: …}}             exactly these keys
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "envs/base/json.h"
#include "envs/verifier.h"

namespace assay {

inline constexpr const char* kValueVerifierName = "value/1";

// Immutable; used by any number of threads. Answers have at most 64 KiB and 16 levels.
class ValueVerifier final : public Verifier {
 public:
  // Errors name `where` and the JSON path. A tolerance without its reason ("why") is an error.
  static Result<std::unique_ptr<ValueVerifier>> create(Json specification, const std::string& where);
  // Checks: "shape" (is it JSON at all), then one for each value: "value", "value.total", "value[2]" …
  Verdict judge(std::string_view answer) const;
  Verdict judge(const Outcome& outcome) const override { return judge(outcome.answer); }
  bool passes(const Outcome& outcome) const override;

 private:
  Result<Json> read(std::string_view answer) const;

  explicit ValueVerifier(Json specification) : specification_(std::move(specification)) {}
  Json specification_;
};

// The canonical right answer as JSON text.
std::string value_text(const Json& specification);

struct ValueMutant {
  std::string value;    // "value.total"
  std::string branch;   // "above", "below", "other type", "missing", "extra", "swapped", "other"
  std::string answer;
};
// Near misses of every part; each must be rejected. And other spellings of the right answer; each must pass.
std::vector<ValueMutant> value_mutants(const Json& specification);
std::vector<std::string> equal_forms(const Json& specification);

}  // namespace assay
