// Which tools fill which fields of an answer: read off the task's shape and what its tools declare they reveal, and
// nothing else, so it holds for any domain.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "envs/task.h"

namespace assay {

// Names all entities of a table, or those in one scope.
struct ListTool {
  std::string tool;
  std::string parameter;     // takes the scope; empty for an unscoped list
  std::string scope_column;
  std::string name_column;
  std::string member;        // of a record, holding the name; "" for the record itself
};

// Tells one column of one entity.
struct LookupTool {
  std::string tool;
  std::string name_parameter, scope_parameter;
  OrderedJson fixed = OrderedJson::object();  // arguments that are the same for every entity
  std::string member, scope_member;
};

struct PlannedField {
  AnswerField field;
  int scope = -1;  // index of the field that scopes it
  int depth = 0;
  ListTool list;
  std::optional<LookupTool> lookup;
};

struct AnswerPlan {
  std::string task;
  int groups = 0;
  std::vector<PlannedField> fields;
  int depths = 0;
  std::string submit_tool, submit_parameter;
};

// Fails with boundary kPolicy when no tool lists a field's table completely, or none submits.
Result<AnswerPlan> plan_answer(const TaskView& task);

// An error of boundary kPolicy for a policy without reasoning that cannot go on with this task.
Error cannot_plan(const std::string& what, const std::string& task);

}  // namespace assay
