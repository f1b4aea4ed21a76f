#include "engine/answer_plan.h"

#include <algorithm>
#include <tuple>

namespace assay {
namespace {

constexpr int kMaximumDepth = 8;

std::vector<std::string> required_of(const ToolSpec& tool) {
  std::vector<std::string> names;
  auto it = tool.parameters.find("required");
  if (it == tool.parameters.end() || !it->is_array()) return names;
  for (const Json& name : *it)
    if (name.is_string()) names.push_back(name.get<std::string>());
  return names;
}

// The column under which a record gives an entity's name: the record itself, else "name", else the only column.
std::optional<std::pair<std::string, std::string>> name_of_record(const Reveal& reveal) {
  for (const auto& [column, member] : reveal.columns)
    if (member.empty()) return {{column, member}};
  if (auto it = reveal.columns.find("name"); it != reveal.columns.end()) return *it;
  if (reveal.columns.size() == 1) return *reveal.columns.begin();
  return std::nullopt;
}

std::optional<ListTool> as_list(const ToolSpec& tool, const Reveal& reveal, const AnswerField& field, bool scoped) {
  if (reveal.table != field.table || !reveal.complete || reveal.given.size() != (scoped ? 1u : 0u)) return std::nullopt;
  const auto name = name_of_record(reveal);
  if (!name || reveal.given.count(name->first)) return std::nullopt;
  ListTool list{tool.name, "", "", name->first, name->second};
  if (scoped) std::tie(list.scope_column, list.parameter) = *reveal.given.begin();
  for (const std::string& required : required_of(tool))
    if (required != list.parameter) return std::nullopt;
  return list;
}

std::optional<ListTool> find_list(const TaskView& task, const AnswerField& field) {
  std::optional<ListTool> found;
  const int scope = task.answer.field_index(field.scope);
  for (const ToolSpec& tool : task.tools) {
    for (const Reveal& reveal : tool.reveals) {
      auto list = as_list(tool, reveal, field, scope >= 0);
      if (!list) continue;
      const std::string& column = list->scope_column;
      if (scope < 0 || column == field.scope || column == task.answer.fields[scope].table) return list;
      if (!found) found = list;
    }
  }
  return found;
}

// The value that asks a parameter with a list of keywords for one column: that keyword if it is one, else all.
std::optional<Json> keywords(const ToolSpec& tool, const std::string& parameter, const std::string& column,
                             const std::string& member) {
  const auto path = Json::json_pointer("/properties") / parameter / "items" / "enum";
  if (!tool.parameters.contains(path) || !tool.parameters.at(path).is_array()) return std::nullopt;
  const Json& known = tool.parameters.at(path);
  for (const std::string& keyword : {member, column})
    if (std::find(known.begin(), known.end(), Json(keyword)) != known.end()) return Json::array({keyword});
  return known;
}

std::optional<LookupTool> as_lookup(const ToolSpec& tool, const Reveal& reveal, const AnswerField& field,
                                    const ListTool& list) {
  const auto column = reveal.columns.find(field.prefer_column);
  if (reveal.table != field.table || column == reveal.columns.end()) return std::nullopt;
  LookupTool lookup;
  lookup.tool = tool.name;
  lookup.member = column->second;
  for (const auto& [given, parameter] : reveal.given) {
    if (given == list.name_column) lookup.name_parameter = parameter;
    else if (given == list.scope_column) lookup.scope_parameter = parameter;
    else return std::nullopt;
  }
  if (lookup.name_parameter.empty()) return std::nullopt;
  const auto scope = reveal.columns.find(list.scope_column);
  if (scope != reveal.columns.end()) lookup.scope_member = scope->second;
  for (const std::string& required : required_of(tool)) {
    if (required == lookup.name_parameter || required == lookup.scope_parameter) continue;
    const auto value = keywords(tool, required, field.prefer_column, lookup.member);
    if (!value) return std::nullopt;
    lookup.fixed[required] = *value;
  }
  return lookup;
}

std::optional<LookupTool> find_lookup(const TaskView& task, const AnswerField& field, const ListTool& list) {
  if (field.prefer_column.empty()) return std::nullopt;
  for (const ToolSpec& tool : task.tools)
    for (const Reveal& reveal : tool.reveals)
      if (auto lookup = as_lookup(tool, reveal, field, list)) return lookup;
  return std::nullopt;
}

Result<int> depth_of(const TaskView& task, const AnswerField& field) {
  const AnswerShape& shape = task.answer;
  int depth = 0;
  for (int at = shape.field_index(field.scope); at >= 0; at = shape.field_index(shape.fields[at].scope))
    if (++depth > kMaximumDepth) return cannot_plan("the scope of '" + field.name + "' has no end", task.id);
  return depth;
}

Status plan_submission(const TaskView& task, AnswerPlan& plan) {
  for (const ToolSpec& tool : task.tools) {
    if (tool.effect != ToolEffect::kSubmit) continue;
    const auto required = required_of(tool);
    if (required.size() != 1) return cannot_plan("the tool " + tool.name + " takes something else than one text", task.id);
    plan.submit_tool = tool.name;
    plan.submit_parameter = required[0];
    return {};
  }
  return cannot_plan("no tool submits an answer", task.id);
}

}  // namespace

Error cannot_plan(const std::string& what, const std::string& task) {
  return make_error(Boundary::kPolicy, what, "task " + task.substr(0, 12),
                    "a policy that reasons; this one needs tools that declare complete lists");
}

Result<AnswerPlan> plan_answer(const TaskView& task) {
  AnswerPlan plan;
  plan.task = task.id;
  plan.groups = task.answer.groups;
  ASSAY_TRY(plan_submission(task, plan));
  for (const AnswerField& field : task.answer.fields) {
    PlannedField planned;
    planned.field = field;
    if (field.is_entity() && !field.is_given()) {
      planned.scope = task.answer.field_index(field.scope);
      ASSAY_ASSIGN(planned.depth, depth_of(task, field));
      auto list = find_list(task, field);
      const std::string by = planned.scope < 0 ? "" : " by " + field.scope;
      if (!list) return cannot_plan("no tool lists every row of '" + field.table + "'" + by, task.id);
      planned.list = std::move(*list);
      planned.lookup = find_lookup(task, field, planned.list);
      plan.depths = std::max(plan.depths, planned.depth + 1);
    }
    plan.fields.push_back(std::move(planned));
  }
  return plan;
}

}  // namespace assay
