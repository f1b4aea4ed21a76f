#include "synth/agent/draft.h"
#include "synth/agent/form.h"
#include "synth/agent/prompts.h"

namespace assay {
namespace {

size_t count_templates(const Domain& domain) {
  size_t count = 0;
  for (const auto& [name, part] : domain.archetypes)
    if (part.contains("templates")) count += part["templates"].size();
  return count;
}

class DataForm final : public Form {
 public:
  std::string system_prompt() const override { return agent_system_prompt(); }
  std::string prompt_name(const std::string& step) const override { return step; }
  bool brings_something(std::string_view reply) const override { return Draft::brings_something(reply); }
  std::optional<Finding> take(std::string_view reply) override { return draft_.take(reply); }
  std::string text() const override { return draft_.text(); }

  std::vector<Finding> demands(const Examination& now, const Examination* before, const FormLimits& limits) const override {
    const Domain& domain = *now.domain;
    std::vector<Finding> out;
    const size_t tools = domain.tools.size(), templates = count_templates(domain);
    if (!before) {
      if (static_cast<int64_t>(tools) < limits.tools) out.push_back({"too_small", std::to_string(tools) + " tools; expected at least " + std::to_string(limits.tools)});
      if (static_cast<int64_t>(templates) < limits.templates)
        out.push_back({"too_small", std::to_string(templates) + " templates; expected at least " + std::to_string(limits.templates)});
      return out;
    }
    if (tools < before->domain->tools.size() + 1) out.push_back({"not_harder", "no tool was added"});
    if (templates < count_templates(*before->domain) + 2) out.push_back({"not_harder", "fewer than two templates were added"});
    const auto part = domain.archetypes.find("select");
    for (const char* level : {"1", "2", "3", "4", "5"})
      if (part != domain.archetypes.end() && !part->second.at("levels").contains(level))
        out.push_back({"not_harder", std::string("select has no level \"") + level + "\""});
    return out;
  }

 private:
  Draft draft_;
};

}  // namespace

std::unique_ptr<Form> data_form() { return std::make_unique<DataForm>(); }

Result<std::unique_ptr<Form>> make_form(const std::string& name) {
  if (name == "data") return data_form();
  if (name == "python") return python_form();
  return unknown_name("form", name, {"data", "python"}, "--form");
}

}  // namespace assay
