#include "synth/explorer.h"

#include <algorithm>

#include "envs/base/rng.h"
#include "envs/episode.h"
#include "synth/knowledge.h"
#include "synth/solver.h"
#include "synth/tool_request.h"

namespace assay {
namespace {

// Arguments that make `tool` say something about `row`, or nothing if a given column is not known. Keyword lists are filled
// with what `columns` need.
std::optional<Json> arguments_for(const ToolSpec& tool, const Reveal& reveal, const Tables& tables, const Fact& fact, const std::set<int>& columns) {
  const Table& table = tables.tables[fact.table];
  Json arguments = Json::object();
  for (const auto& [column, parameter] : reveal.given) {
    const int index = table.spec.column_index(column);
    if (fact.of_relation) {
      if (index != fact.column && index != fact.other_column) return std::nullopt;
      const int target = tables.table_index(table.spec.columns[index].references);
      arguments[parameter] = std::string(tables.entity_name(target, index == fact.column ? fact.row : fact.other));
      continue;
    }
    if (!has_value(table.cell(index, fact.row))) return std::nullopt;
    arguments[parameter] = tables.cell_json(table, index, fact.row);
  }
  ToolRequest request{&tool, &reveal, std::move(arguments)};
  ask_for(columns, table.spec, request);
  return std::move(request.arguments);
}

// Whether one call with these givens settles the fact.
bool reveals_fact(const Reveal& reveal, const Tables& tables, const Fact& fact) {
  if (tables.table_index(reveal.table) != fact.table) return false;
  const TableSpec& spec = tables.tables[fact.table].spec;
  const auto& column = spec.columns[fact.column].name;
  if (fact.of_relation)
    return reveal.complete && reveal.given.count(column) && reveal.given.size() == (fact.other < 0 ? 1 : 2) &&
           (fact.other < 0 || reveal.given.count(spec.columns[fact.other_column].name));
  return reveal.columns.count(column) > 0 || (reveal.complete && reveal.given.count(column) > 0);
}

// Most answers are found in a dozen nodes. While more can be listed, giving up on a hard sub-problem is cheaper than searching it; at
// last, another task is cheaper than this one.
constexpr int64_t kNodesWhileListing = 500, kNodesAtLast = 2'000;

class Explorer {
 public:
  Explorer(const TaskView& task, const std::vector<TableSpec>& schema, const Json& constraints, Tools& tools)
      : task_(task), constraints_(constraints), tools_(tools), known_(schema) {
    intern(constraints_);
    for (const AnswerField& field : task_.answer.fields)   // the prompt names what is given
      if (field.is_entity())
        for (const std::string& name : field.literals) known_.hear_of(known_.tables().table_index(field.table), name);
  }

  Result<Exploration> run() {
    ASSAY_TRY(known_.tables().build_index());
    ASSAY_TRY(list_unscoped());
    std::vector<int32_t> waiting = scopes_to_expand();
    const size_t first = std::min<size_t>(waiting.size(), static_cast<size_t>(task_.answer.groups));
    ASSAY_TRY(expand(waiting, first));
    for (;;) {
      ASSAY_ASSIGN(const bool proved, try_to_prove(!waiting.empty()));
      if (proved) return submit();
      if (!candidate_.empty()) continue;   // learned something about the last candidate
      if (waiting.empty()) return make_error(Boundary::kVerifier, "everything that can be learned has been, and there is no answer", "task " + task_.id);
      ASSAY_TRY(expand(waiting, 1));
    }
  }

 private:
  // Constants of constraints must have ids before any row does: whether a text "is" a constant must not depend on what was seen.
  void intern(const Json& json) {
    if (json.is_string()) known_.tables().texts.intern(json.get_ref<const std::string&>());
    else if (json.is_structured())
      for (const Json& item : json) intern(item);
  }

  Status call(const std::vector<ToolRequest>& requests) {
    if (requests.empty()) return {};
    Message message;
    message.role = Role::kAssistant;
    for (const ToolRequest& request : requests)
      message.tool_calls.push_back({"call_" + std::to_string(++out_.calls), request.tool->name, request.arguments.dump()});
    if (++steps_ >= task_.limits.steps || out_.calls >= task_.limits.calls)
      return make_error(Boundary::kLimit, "the limits of the episode end the exploration", "task " + task_.id, "raise limits.calls or limits.steps");
    out_.transcript.push_back(message);
    for (size_t i = 0; i < requests.size(); ++i) {
      ASSAY_ASSIGN(Observation observation, tools_.call(requests[i].tool->name, message.tool_calls[i].arguments));
      if (observation.error) return make_error(Boundary::kTool, "a call by declaration was refused: " + observation.text, requests[i].tool->name);
      if (static_cast<int64_t>(observation.text.size()) > task_.limits.observation_bytes)
        return make_error(Boundary::kLimit, "a result is longer than an episode shows", requests[i].tool->name);
      for (const Reveal& reveal : requests[i].tool->reveals)
        if (applies(reveal, requests[i].arguments)) ASSAY_TRY(known_.learn(reveal, requests[i].arguments, observation.text));
      Message result;
      result.role = Role::kTool;
      result.text = std::move(observation.text);
      result.tool_call_id = message.tool_calls[i].id;
      out_.transcript.push_back(std::move(result));
    }
    compiled_.reset();
    return known_.tables().build_index();   // constraints name entities
  }

  // Bound to what is known now, the names as well.
  Result<const Constraints*> constraints() {
    if (!compiled_) {
      ASSAY_ASSIGN(compiled_, compile_constraints(constraints_, {task_.answer, known_.tables(), &known_.asked()}, "task " + task_.id));
    }
    return &*compiled_;
  }

  // A tool that lists all rows of `table`, with exactly the given column (or none).
  std::optional<ToolRequest> lister(int table, int given_column) const {
    const TableSpec& spec = known_.tables().tables[table].spec;
    for (const ToolSpec& tool : tools_.specs())
      for (const Reveal& reveal : tool.reveals) {
        if (reveal.table != spec.name || !reveal.complete || !usable(tool, reveal) || !reveal.columns.count(spec.key[0])) continue;
        if (reveal.given.size() != (given_column < 0 ? 0u : 1u)) continue;
        if (given_column >= 0 && spec.column_index(reveal.given.begin()->first) != given_column) continue;
        return ToolRequest{&tool, &reveal, Json::object()};
      }
    return std::nullopt;
  }

  Status list_unscoped() {
    std::vector<ToolRequest> requests;
    std::set<std::string> seen;
    for (const AnswerField& field : task_.answer.fields) {
      if (!field.is_entity() || field.is_given() || !field.scope.empty() || !seen.insert(field.table).second) continue;
      const auto request = lister(known_.tables().table_index(field.table), -1);
      if (!request) return make_error(Boundary::kTool, "no tool lists every " + field.label, "task " + task_.id);
      requests.push_back(*request);
    }
    return call(requests);
  }

  // The entities that scope other fields, in an order of this task's own, those that no constraint allows left out.
  std::vector<int32_t> scopes_to_expand() {
    std::vector<int32_t> out;
    for (const AnswerField& field : task_.answer.fields) {
      const int scope = task_.answer.field_index(field.scope);
      if (scope < 0) continue;
      const int table = known_.tables().table_index(task_.answer.fields[scope].table);
      for (int32_t row = 0; row < known_.tables().tables[table].size(); ++row)
        if (may_be(scope, row)) out.push_back(row);
      break;
    }
    // Not keyed by the task's identity, which covers the gold itself.
    Rng rng(0, stream_of("explorer/" + canonical_json(constraints_)));
    rng.shuffle(out);
    std::reverse(out.begin(), out.end());   // taken from the back
    return out;
  }

  // Whether every comparison that reads only this field, in what is already known, allows `row` everywhere.
  bool may_be(int field, int32_t row) const {
    const Binding binding{task_.answer, known_.tables(), &known_.asked()};
    Assignment rows(task_.answer.slots(), -1);
    for (int group = 0; group < task_.answer.groups; ++group) rows[task_.answer.slot(group, field)] = row;
    for (const Json& json : constraints_) {
      if (json.value("op", "") != "compare") continue;
      auto constraint = compile_constraint(json, binding, "task", "$");
      if (!constraint.ok()) continue;
      const auto slots = (*constraint)->slots();
      std::vector<Fact> facts;
      (*constraint)->facts(rows.data(), facts);
      const bool decided = std::all_of(slots.begin(), slots.end(), [&](int s) { return rows[s] >= 0; }) &&
                           std::none_of(facts.begin(), facts.end(), [&](const Fact& f) { return unknown(f); });
      if (decided && !(*constraint)->holds(rows.data())) return false;
    }
    return true;
  }

  // Lists, for the next `count` scope entities, what can be chosen in them.
  Status expand(std::vector<int32_t>& waiting, size_t count) {
    for (; count > 0 && !waiting.empty(); --count) {
      const int32_t scope = waiting.back();
      waiting.pop_back();
      std::vector<ToolRequest> requests;
      std::set<std::string> seen;
      for (const AnswerField& field : task_.answer.fields) {
        if (!field.is_entity() || field.scope.empty() || !seen.insert(field.table).second) continue;
        const int table = known_.tables().table_index(field.table);
        auto request = lister(table, known_.tables().tables[table].spec.scope_column());
        if (!request) return make_error(Boundary::kTool, "no tool lists the " + field.plural + " of one scope", "task " + task_.id);
        const int scope_table = known_.tables().table_index(task_.answer.fields[task_.answer.field_index(field.scope)].table);
        request->arguments[request->reveal->given.begin()->second] = std::string(known_.tables().entity_name(scope_table, scope));
        requests.push_back(std::move(*request));
      }
      ASSAY_TRY(call(requests));
    }
    return {};
  }

  bool unknown(const Fact& fact) const {
    if (fact.row < 0) return true;
    if (fact.of_relation) return !known_.asked().count(fact);
    return known_.tables().tables[fact.table].cell(fact.column, fact.row) == kUnknown;
  }

  // Solves what is known, unknown cells counting as whatever suits best; asks about the unknown cells of the answer found until it is
  // proved or broken. True: proved. False with a candidate: it is broken. False without: not even an optimist finds an answer.
  Result<bool> try_to_prove(bool more_to_list) {
    ASSAY_ASSIGN(const Constraints* bound, constraints());
    Lowering lowering(task_.answer, known_.tables());
    for (const auto& constraint : *bound) constraint->post(lowering);
    const Solved solved = solve(lowering.model(), {more_to_list ? kNodesWhileListing : kNodesAtLast, 0});
    candidate_.clear();
    if (solved.outcome != SolveOutcome::kFound) return false;
    for (int slot = 0; slot < task_.answer.slots(); ++slot) candidate_.push_back(solved.values[lowering.slot(slot).id]);
    for (bool first = true;; first = false) {
      std::set<Fact> wanted;
      const Constraint* broken = nullptr;
      for (const auto& constraint : *bound) {
        std::vector<Fact> facts;
        constraint->facts(candidate_.data(), facts);
        std::erase_if(facts, [&](const Fact& fact) { return !unknown(fact); });
        if (facts.empty() && !constraint->holds(candidate_.data())) broken = constraint.get();
        wanted.insert(facts.begin(), facts.end());
      }
      if (broken && first)
        return make_error(Boundary::kInternal, "the solver's answer does not hold: " + broken->explain(candidate_.data()), "task " + task_.id);
      if (broken || wanted.empty()) return !broken;
      ASSAY_TRY(ask(wanted));
      ASSAY_ASSIGN(bound, constraints());
    }
  }

  Status ask(const std::set<Fact>& wanted) {
    std::vector<ToolRequest> requests;
    std::set<std::pair<std::string, std::string>> made;
    for (const Fact& fact : wanted) {
      std::set<int> columns;   // of this row: one call for all that is wanted of it
      for (const Fact& other : wanted)
        if (other.table == fact.table && other.row == fact.row && !other.of_relation) columns.insert(other.column);
      auto request = request_for(fact, columns);
      if (!request)
        return make_error(Boundary::kTool, "no tool reveals '" + known_.tables().tables[fact.table].spec.columns[fact.column].name + "' of a " +
                                               known_.tables().tables[fact.table].spec.label, "task " + task_.id);
      if (made.insert({request->tool->name, request->arguments.dump()}).second) requests.push_back(std::move(*request));
    }
    ASSAY_TRY(call(requests));
    for (const Fact& fact : wanted)
      if (unknown(fact))
        return make_error(Boundary::kTool, "a tool did not return what it declares to reveal",
                          known_.tables().tables[fact.table].spec.name + "." + known_.tables().tables[fact.table].spec.columns[fact.column].name);
    return {};
  }

  // The most specific call that settles the fact.
  std::optional<ToolRequest> request_for(const Fact& fact, const std::set<int>& columns) const {
    std::optional<ToolRequest> best;
    for (const ToolSpec& tool : tools_.specs())
      for (const Reveal& reveal : tool.reveals) {
        if (!usable(tool, reveal) || !reveals_fact(reveal, known_.tables(), fact)) continue;
        if (!fact.of_relation && !reveal.columns.count(known_.tables().tables[fact.table].spec.columns[fact.column].name)) continue;
        if (best && best->reveal->given.size() >= reveal.given.size()) continue;
        if (auto arguments = arguments_for(tool, reveal, known_.tables(), fact, columns)) best = ToolRequest{&tool, &reveal, std::move(*arguments)};
      }
    return best;
  }

  Result<Exploration> submit() {
    out_.answer = answer_text(task_.answer, known_.tables(), candidate_);
    for (const ToolSpec& tool : tools_.specs()) {
      if (tool.effect != ToolEffect::kSubmit) continue;
      const std::string parameter = tool.body.value("parameter", "answer_text");
      Message message;
      message.role = Role::kAssistant;
      message.tool_calls.push_back({"call_" + std::to_string(++out_.calls), tool.name, Json{{parameter, out_.answer}}.dump()});
      out_.transcript.push_back(std::move(message));
      return std::move(out_);
    }
    return make_error(Boundary::kTool, "no tool submits an answer", "task " + task_.id);
  }

  const TaskView& task_;
  const Json& constraints_;
  Tools& tools_;
  Knowledge known_;
  std::optional<Constraints> compiled_;   // none since something was learned
  Exploration out_;
  Assignment candidate_;
  int64_t steps_ = 0;
};

}  // namespace

Result<Exploration> explore(const TaskView& task, const std::vector<TableSpec>& schema, const Json& constraints, Tools& tools) {
  return Explorer(task, schema, constraints, tools).run();
}

Result<Exploration> gold_exploration(const Task& task, const Environment& environment, Tools& tools) {
  PlainTools plain(tools);
  return gold_exploration(task, environment, plain);
}

Result<Exploration> gold_exploration(const Task& task, const Environment& environment, PlainTools& plain) {
  TaskView view;
  view.id = task.id;
  view.answer = task.answer;
  view.limits = task.limits;
  std::vector<TableSpec> schema;
  for (const Table& table : environment.tables.tables) schema.push_back(table.spec);
  ASSAY_TRY(plain.reset());
  ASSAY_ASSIGN(Exploration found, explore(view, schema, task.constraints, plain));
  return as_played(std::move(found), plain);
}

Exploration as_played(Exploration found, const PlainTools& plain) {
  found.plain_calls = found.calls;
  if (!plain.changed()) return found;
  const auto last = std::find_if(found.transcript.rbegin(), found.transcript.rend(), [](const Message& message) { return message.role == Role::kAssistant; });
  Conversation submission;
  if (last != found.transcript.rend()) submission.assign(std::prev(last.base()), found.transcript.end());
  found.calls = plain.calls() + 1;
  const std::string id = "call_" + std::to_string(found.calls);
  for (Message& message : submission) {
    for (ToolCall& call : message.tool_calls) call.id = id;
    if (message.role == Role::kTool) message.tool_call_id = id;
  }
  found.transcript = plain.transcript();
  found.transcript.insert(found.transcript.end(), submission.begin(), submission.end());
  return found;
}

Result<Outcome> play_again(const Task& task, const Conversation& transcript, Tools& tools) {
  ASSAY_TRY(tools.reset());
  Episode episode(task, tools);
  for (const Message& message : transcript)
    if (message.role == Role::kAssistant) ASSAY_TRY(episode.step(message));
  if (!episode.submitted()) return make_error(Boundary::kLimit, "the gold's episode ends without a submission (" + episode.stop() + ")", "task " + task.id);
  return episode.outcome();
}

std::vector<std::string> calls_revealing(const Fact& fact, const Tables& tables, const std::vector<ToolSpec>& tools) {
  std::vector<std::string> out;
  for (const ToolSpec& tool : tools)
    for (const Reveal& reveal : tool.reveals) {
      if (tool.effect != ToolEffect::kRead || !reveals_fact(reveal, tables, fact)) continue;
      if (auto arguments = arguments_for(tool, reveal, tables, fact, {})) {
        const Json properties = tool.parameters.value("properties", Json::object());
        for (const auto& [name, property] : properties.items())
          if (is_keyword_list(property)) arguments->erase(name);
        out.push_back(tool.name + arguments->dump());
      }
    }
  return out;
}

}  // namespace assay
