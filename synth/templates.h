// From a domain's constraint templates to constraints over one environment: placeholders filled in, and what the data cannot
// support left out aloud.
//
// Placeholders: "$name" (a string) is a setting of the domain; {"$pick": [a, b, …]} draws one; {"$group": true} draws a group
// number; {"$value_of": {"table", "column"}} draws a value that occurs, by rows; {"$quantile": {"step": n}} as a bound is set by
// the tightness wanted: the value that a share q of consistent random answers stays within, rounded to steps of the column's unit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "envs/answer.h"
#include "envs/base/rng.h"
#include "synth/domain.h"

namespace assay {

struct FilledTemplate {
  Json constraint;      // "$quantile" left in place
  std::string note;     // what the prompt should add, or empty
  bool has_quantile = false;
};

// The template `name`, or nothing if the environment's data cannot support it; then `why_not` says so.
Result<std::optional<FilledTemplate>> fill_template(const Domain& domain, const std::string& archetype, const Environment& environment,
                                                    const AnswerShape& shape, const std::string& name, Rng& rng, std::string& why_not);

// Replaces the one "$quantile" by the value at share `q`; `samples` are consistent random answers.
Result<Json> set_quantile(const Json& constraint, double q, const AnswerShape& shape, const Tables& tables,
                          const std::vector<Assignment>& samples);

// Every template that this environment's data cannot support, with the reason: said once when tasks are made.
Result<std::vector<std::string>> templates_left_out(const Domain& domain, const std::string& archetype, const Environment& environment);

// An error names the first template that no data could support: a column, operator, unit or setting that there is not. For data of the
// domain's own making (a user's tables may lack columns), after templates_left_out, which reads the templates' forms.
Status check_templates(const Domain& domain, const std::string& archetype, const Environment& environment);

// The answer shape of this part of the domain for so many groups. What a field with "given": true names is drawn from its table,
// no entity twice; an environment with too few is an error.
Result<AnswerShape> shape_for(const Domain& domain, const std::string& archetype, const Tables& tables, int groups, Rng& rng);
// Checks {"answer","templates","presets","levels"}, the part of a domain for archetypes that choose under constraints, and
// completes the answer's shape. See Archetype::compile.
Status compile_choice_part(const Domain& domain, Json& part, const std::string& file, const std::string& path);

}  // namespace assay
