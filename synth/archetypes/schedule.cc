// schedule: place given activities in time. Every group of an answer is one activity, drawn from a table by the task's seed; what
// is chosen is when it starts and what it needs (a room, a machine, a nurse).
#include "synth/choice.h"
#include "synth/templates.h"

namespace assay::archetypes::schedule {
namespace {

Status compile(const Domain& domain, Json& part, const std::string& file, const std::string& path) {
  ASSAY_TRY(compile_choice_part(domain, part, file, path));
  int given = 0;
  for (const Json& field : part["answer"]["fields"]) given += field.contains("given");
  if (given == 1) return {};
  return input_error("expected exactly one field with \"given\", the activity", file + ": " + path + ".answer.fields");
}

}  // namespace

Archetype make() {
  Archetype archetype = choice_archetype("schedule", "place given activities in time under constraints", 3);
  archetype.compile = compile;
  return archetype;
}

}  // namespace assay::archetypes::schedule
