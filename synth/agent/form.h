// What a model is asked to write: a domain in the language of data, or one in Python. All that differs between the two.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "synth/agent/examination.h"

namespace assay {

// What a domain has at least.
struct FormLimits {
  int64_t tools = 8, templates = 8;   // templates of a domain in data
};

// One model's draft, reply by reply.
class Form {
 public:
  virtual ~Form() = default;
  virtual std::string system_prompt() const = 0;
  // Of the files synth/agent/prompts/*.txt: the one for "plan", "draft", "repair" or "escalate".
  virtual std::string prompt_name(const std::string& step) const = 0;
  // Whether a reply brings a draft, or a part of one, at all.
  virtual bool brings_something(std::string_view reply) const = 0;
  // Takes what a reply brings; where something is wrong with it the draft stays as it was.
  virtual std::optional<Finding> take(std::string_view reply) = 0;
  // The domain as JSON text (synth/domain.h), and what is wrong where the draft is none yet.
  virtual std::string text() const = 0;
  virtual std::optional<Finding> incomplete() const { return std::nullopt; }
  // What is asked beyond soundness. `before` is the version that was certified last, or null.
  virtual std::vector<Finding> demands(const Examination& now, const Examination* before, const FormLimits& limits) const = 0;
};

std::unique_ptr<Form> data_form();
std::unique_ptr<Form> python_form();
// "data" or "python"; an unknown name lists both.
Result<std::unique_ptr<Form>> make_form(const std::string& name);

}  // namespace assay
