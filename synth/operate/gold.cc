#include "synth/operate/gold.h"

#include <algorithm>
#include <set>

#include "envs/episode.h"
#include "envs/sql_text.h"

namespace assay::operate {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A number stands there by itself, not as a part of another.
bool has_number(const std::string& text, const std::string& number) {
  for (size_t at = text.find(number); at != std::string::npos; at = text.find(number, at + 1)) {
    const size_t end = at + number.size();
    const bool begins = at == 0 || (!is_digit(text[at - 1]) && text[at - 1] != '.' && text[at - 1] != '-');
    const bool ends = end == text.size() || (!is_digit(text[end]) && !(text[end] == '.' && end + 1 < text.size() && is_digit(text[end + 1])));
    if (begins && ends) return true;
  }
  return false;
}

// What the agent has been shown: prompts and results as they are.
class Shown {
 public:
  explicit Shown(std::string text) : text_(std::move(text)) {}
  void add(const std::string& text) { text_ += "\n" + text; }

  bool gives(const Json& value) const {
    if (value.is_boolean() || value.is_null()) return true;
    if (value.is_array()) return std::all_of(value.begin(), value.end(), [&](const Json& each) { return gives(each); });
    if (!value.is_string()) return has_number(text_, value.dump());
    const std::string& plain = value.get_ref<const std::string&>();
    std::string quoted;
    append_json_string(quoted, plain);
    return text_.find(plain) != std::string::npos || text_.find(quoted) != std::string::npos;
  }

 private:
  std::string text_;
};

const ToolSpec* find_tool(const std::vector<ToolSpec>& tools, const std::string& name) {
  for (const ToolSpec& tool : tools)
    if (tool.name == name) return &tool;
  return nullptr;
}

bool in_enum(const ToolSpec& tool, const std::string& argument, const Json& value) {
  const Json& property = tool.parameters["properties"][argument];
  const auto allowed = property.find("enum");
  return allowed != property.end() && std::find(allowed->begin(), allowed->end(), value) != allowed->end();
}

class Player {
 public:
  Player(const Task& task, Tools& tools) : episode_(task, tools), tools_(tools), shown_(task.system + "\n" + task.prompt) {}

  Status call(const ToolCall& call, const std::set<std::string>& computed, const Json& row) {
    if (!looked_up(call)) {
      check(call, computed, row);
      ASSAY_TRY(carry_out(call));
    }
    return {};
  }

  // Looked up already, for another request: a second time tells nothing new. Changes are carried out as often as they are written.
  bool looked_up(const ToolCall& call) {
    const ToolSpec* tool = find_tool(tools_.specs(), call.name);
    return tool && tool->effect == ToolEffect::kRead && !seen_.insert(call.name + call.arguments).second;
  }

  Status finish() {
    for (const ToolSpec& tool : tools_.specs())
      if (tool.effect == ToolEffect::kSubmit) return carry_out({"", tool.name, Json{{tool.body.value("parameter", ""), "Done."}}.dump()});
    return make_error(Boundary::kEnvironment, "no tool submits");
  }

  Result<Gold> take() {
    ASSAY_ASSIGN(Outcome outcome, episode_.outcome());
    gold_.state = std::move(outcome.state);
    gold_.calls = episode_.calls();
    if (!episode_.submitted()) gold_.problems.push_back("the gold's episode ends without a submission (" + episode_.stop() + ")");
    return std::move(gold_);
  }

 private:
  void check(const ToolCall& call, const std::set<std::string>& computed, const Json& row) {
    const ToolSpec* tool = find_tool(tools_.specs(), call.name);
    if (!tool) return;
    const Json arguments = Json::parse(call.arguments);   // of our own making
    for (const auto& [name, value] : arguments.items()) {
      const bool worked_out = std::any_of(computed.begin(), computed.end(), [&, &argument = value](const std::string& column) { return row.at(column) == argument; });
      if (!worked_out && !in_enum(*tool, name, value) && !shown_.gives(value))
        gold_.problems.push_back("nothing shown before gives away the argument '" + name + "' of " + call.name + ": " + value.dump().substr(0, 80));
    }
  }

  Status carry_out(ToolCall call) {
    call.id = "call_" + std::to_string(episode_.calls() + 1);
    Message message{Role::kAssistant, "", "", {std::move(call)}, ""};
    ASSAY_ASSIGN(Conversation results, episode_.step(message));
    const int64_t failed = episode_.failed_calls();
    if (failed > failed_ && gold_.problems.size() < 4)
      gold_.problems.push_back("the gold's call of " + message.tool_calls[0].name + " is answered with an error: " + results[0].text.substr(0, 200));
    failed_ = failed;
    shown_.add(results[0].text);
    gold_.transcript.push_back(std::move(message));
    gold_.transcript.push_back(std::move(results[0]));
    return {};
  }

  Episode episode_;
  Tools& tools_;
  Shown shown_;
  Gold gold_;
  std::set<std::string> seen_;
  int64_t failed_ = 0;
};

}  // namespace

Result<Gold> play_gold(const Task& task, PlainTools& plain, const Part& part, const Bundle& bundle) {
  ASSAY_TRY(plain.reset());
  Player player(task, plain);
  for (const Chosen& chosen : bundle) {
    const std::set<std::string>& computed = part.requests[chosen.request].computed;
    for (const auto* calls : {&chosen.lookups, &chosen.calls})
      for (const ToolCall& call : *calls) ASSAY_TRY(player.call(call, computed, chosen.candidate->row));
  }
  ASSAY_TRY(player.finish());
  ASSAY_ASSIGN(Gold gold, player.take());
  Exploration played = as_played({std::move(gold.transcript), "", gold.calls}, plain);
  gold.transcript = std::move(played.transcript);
  gold.calls = played.calls;
  gold.plain_calls = played.plain_calls;
  return gold;
}

std::string gold_text(const Bundle& bundle) {
  OrderedJson out = OrderedJson::array();
  for (const Chosen& chosen : bundle)
    for (const ToolCall& call : chosen.calls) out.push_back({{"tool", call.name}, {"arguments", OrderedJson::parse(call.arguments)}});
  return out.dump();
}

}  // namespace assay::operate
