#include "engine/entity_chooser.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/answer_plan.h"
#include "engine/plain_script.h"
#include "envs/plain_tools.h"

namespace assay {
namespace {

constexpr size_t kListEntries = 100'000;

// The records of an observation: the elements of an array, or the one value.
Result<std::vector<Json>> records_of(const std::string& text, const std::string& tool) {
  ASSAY_ASSIGN(Json json, parse_json(text, tool));
  if (json.is_array()) return std::vector<Json>(json.begin(), json.end());
  return std::vector<Json>{std::move(json)};
}

const Json* member_of(const Json& record, const std::string& member) {
  if (member.empty()) return &record;
  if (!record.is_object()) return nullptr;
  auto it = record.find(member);
  return it == record.end() ? nullptr : &*it;
}

Result<std::vector<Candidate>> candidates_of(const std::string& text, const ListTool& list, const std::string& task) {
  auto unreadable = [&](const std::string& why) {
    return cannot_plan("cannot read the list that " + list.tool + " returned: " + why, task);
  };
  auto records = records_of(text, list.tool);
  if (!records.ok()) return unreadable(records.error().what);
  if (records->size() > kListEntries) return unreadable("more than " + std::to_string(kListEntries) + " entries");
  std::vector<Candidate> out;
  for (const Json& record : *records) {
    const Json* name = member_of(record, list.member);
    if (!name || !name->is_string()) return unreadable("an entry without a name");
    out.push_back({name->get<std::string>(), std::nullopt});
  }
  return out;
}

// The number looked up; of several entities of that name, the one in the scope. What cannot be read counts as unknown.
std::optional<double> value_of(const std::string& text, const LookupTool& lookup, const std::string& scope) {
  auto records = records_of(text, lookup.tool);
  if (!records.ok()) return std::nullopt;
  std::optional<double> found;
  for (const Json& record : *records) {
    const Json* value = member_of(record, lookup.member);
    if (!value || !value->is_number()) continue;
    const Json* in = lookup.scope_member.empty() ? nullptr : member_of(record, lookup.scope_member);
    if (in && in->is_string() && in->get_ref<const std::string&>() == scope) return value->get<double>();
    if (!found) found = value->get<double>();
  }
  return found;
}

// What one rollout has learned and chosen.
class Choosing {
 public:
  Choosing(AnswerPlan plan, ChooserOptions options)
      : plan_(std::move(plan)),
        options_(options),
        chosen_(plan_.groups, std::vector<std::string>(plan_.fields.size())) {}

  int depths() const { return plan_.depths; }

  // Calls that list the candidates of every field of this depth, each list once.
  Message ask_lists(int depth) {
    asked_.clear();
    Message message = assistant();
    for_slots(depth, [&](int group, const PlannedField& planned) {
      const Key key = list_key(group, planned);
      if (unscoped_or_chosen(group, planned) && lists_.emplace(key, std::vector<Candidate>{}).second) {
        OrderedJson arguments = OrderedJson::object();
        if (planned.scope >= 0) arguments[planned.list.parameter] = scope_of(group, planned);
        add_call(message, planned.list.tool, arguments);
        asked_.push_back({key, &planned, 0});
      }
    });
    return message;
  }

  Status take_lists(const ToolResults& results) {
    if (results.size() != asked_.size()) return wrong_count(results.size());
    for (size_t i = 0; i < results.size(); ++i) {
      ASSAY_ASSIGN(lists_[asked_[i].list], candidates_of(results[i], asked_[i].planned->list, plan_.task));
    }
    return {};
  }

  // Calls that look up the preferred column for the first candidates of each list of this depth; none if nothing is
  // preferred.
  Message ask_values(int depth) {
    asked_.clear();
    Message message = assistant();
    std::set<std::pair<Key, std::string>> seen;
    for_slots(depth, [&](int group, const PlannedField& planned) {
      const Key key = list_key(group, planned);
      if (options_.lookups_per_list == 0 || !planned.lookup || !unscoped_or_chosen(group, planned)) return;
      if (!seen.emplace(key, planned.lookup->tool + "\n" + planned.lookup->member).second) return;
      const auto& candidates = lists_[key];
      for (size_t i = 0; i < std::min(candidates.size(), options_.lookups_per_list); ++i) {
        OrderedJson arguments = planned.lookup->fixed;
        arguments[planned.lookup->name_parameter] = candidates[i].name;
        const std::string& scope_parameter = planned.lookup->scope_parameter;
        if (!scope_parameter.empty()) arguments[scope_parameter] = scope_of(group, planned);
        add_call(message, planned.lookup->tool, arguments);
        asked_.push_back({key, &planned, i});
      }
    });
    return message;
  }

  Status take_values(const ToolResults& results) {
    if (results.size() != asked_.size()) return wrong_count(results.size());
    for (size_t i = 0; i < results.size(); ++i) {
      const Asked& asked = asked_[i];
      lists_[asked.list][asked.candidate].value = value_of(results[i], *asked.planned->lookup, asked.list.scope);
    }
    return {};
  }

  void choose(int depth, const Choose& choose) {
    for_slots(depth, [&](int group, const PlannedField& planned) {
      const Key key = list_key(group, planned);
      auto& used = used_[planned.field.table];
      std::vector<const Candidate*> all, unused;
      for (const Candidate& candidate : lists_[key]) {
        all.push_back(&candidate);
        if (!used.count({key.scope, candidate.name})) unused.push_back(&candidate);
      }
      const auto& pool = unused.empty() ? all : unused;
      if (pool.empty()) return;
      const std::string& name = pool[choose(planned.field, pool)]->name;
      used.emplace(key.scope, name);
      chosen_[group][&planned - plan_.fields.data()] = name;
    });
  }

  Message submission() {
    OrderedJson answer = OrderedJson::array();
    for (int group = 0; group < plan_.groups; ++group) {
      OrderedJson object = OrderedJson::object();
      for (size_t i = 0; i < plan_.fields.size(); ++i) {
        const AnswerField& field = plan_.fields[i].field;
        object[field.name] = field.is_given() ? field.literals[group] : chosen_[group][i];
      }
      answer.push_back(std::move(object));
    }
    Message message = assistant();
    add_call(message, plan_.submit_tool, {{plan_.submit_parameter, answer.dump()}});
    return message;
  }

 private:
  struct Key {
    std::string tool, member, scope;
    auto operator<=>(const Key&) const = default;
  };
  struct Asked {
    Key list;
    const PlannedField* planned;
    size_t candidate;
  };

  static Message assistant() {
    Message message;
    message.role = Role::kAssistant;
    return message;
  }

  void add_call(Message& message, const std::string& tool, const OrderedJson& arguments) {
    message.tool_calls.push_back({"call_" + std::to_string(++calls_), tool, arguments.dump()});
  }

  template <typename Visit>
  void for_slots(int depth, Visit visit) const {
    for (int group = 0; group < plan_.groups; ++group)
      for (const PlannedField& planned : plan_.fields)
        if (!planned.field.is_given() && planned.depth == depth) visit(group, planned);
  }

  std::string scope_of(int group, const PlannedField& planned) const {
    return planned.scope < 0 ? "" : chosen_[group][planned.scope];
  }
  bool unscoped_or_chosen(int group, const PlannedField& planned) const {
    return planned.scope < 0 || !chosen_[group][planned.scope].empty();
  }
  Key list_key(int group, const PlannedField& planned) const {
    return {planned.list.tool, planned.list.member, scope_of(group, planned)};
  }
  Status wrong_count(size_t count) const {
    return make_error(Boundary::kInternal,
                      "expected " + std::to_string(asked_.size()) + " tool results, got " + std::to_string(count),
                      "task " + plan_.task.substr(0, 12));
  }

  AnswerPlan plan_;
  ChooserOptions options_;
  std::vector<std::vector<std::string>> chosen_;  // [group][field]
  std::map<Key, std::vector<Candidate>> lists_;
  std::map<std::string, std::set<std::pair<std::string, std::string>>> used_;  // table -> (scope, name)
  std::vector<Asked> asked_;  // one for each call of the open message
  int64_t calls_ = 0;
};

Script run(Result<AnswerPlan> plan, ChooserOptions options, Choose choose) {
  if (!plan.ok()) co_return plan.error();
  Choosing choosing(std::move(plan).value(), options);
  for (int depth = 0; depth < choosing.depths(); ++depth) {
    Message lists = choosing.ask_lists(depth);
    if (!lists.tool_calls.empty()) {
      const ToolResults results = co_yield std::move(lists);
      if (Status status = choosing.take_lists(results); !status.ok()) co_return status;
    }
    Message values = choosing.ask_values(depth);
    if (!values.tool_calls.empty()) {
      const ToolResults results = co_yield std::move(values);
      if (Status status = choosing.take_values(results); !status.ok()) co_return status;
    }
    choosing.choose(depth, choose);
  }
  co_yield choosing.submission();
  co_return Status();
}

}  // namespace

Script choose_entities(const TaskView& task, ChooserOptions options, Choose choose) {
  if (task.answer.groups == 0)
    return run(make_error(Boundary::kPolicy, "this policy chooses entities, and the task asks for none", "task " + task.id, "gold, replay or openai:URL"), options, std::move(choose));
  TaskView plain = task;
  plain.tools = plain_tools(task.tools);
  return over_plain_tools(task.tools, run(plan_answer(plain), options, std::move(choose)));
}

}  // namespace assay
