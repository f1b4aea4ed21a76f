#include "datasets/repair_task.h"

namespace assay {

Result<RepairOrigin> repair_origin(const Task& task) {
  if (task.tests.is_null() || !task.provenance.origin.is_object()) return input_error("this task asks for no patch of a mined repository", "task " + task.id);
  JsonReader r(task.provenance.origin, "task " + task.id, "$.provenance.origin");
  RepairOrigin out;
  out.repository = r.text("repository");
  out.base = r.text("base");
  out.merged = r.text_or("merged", "");
  out.statement = r.text("statement");
  out.statement_from = r.text("statement_from");
  out.licence = r.text_or("licence", "");
  out.language = r.text_or("language", "");
  out.pull = r.integer("pull", {.minimum = 0, .fallback = 0});
  for (const char* other : {"candidate", "source", "head", "issues"}) r.member_or_null(other);
  ASSAY_TRY(r.finish());
  return out;
}

std::string instance_id(const Task& task) {
  const Json& origin = task.provenance.origin;
  if (task.tests.is_null() || !origin.is_object()) return "";
  std::string name = origin.value("repository", "");
  if (const size_t slash = name.find('/'); slash != std::string::npos) name.replace(slash, 1, "__");
  for (char& c : name) c = c == '/' ? '_' : c;
  const int64_t pull = origin.value("pull", int64_t{0});
  return name + "-" + (pull > 0 ? std::to_string(pull) : origin.value("base", "").substr(0, 12));
}

}  // namespace assay
