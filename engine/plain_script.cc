#include "engine/plain_script.h"

#include <algorithm>
#include <map>

#include "envs/plain_tools.h"

namespace assay {
namespace {

using Question = std::pair<std::string, std::string>;   // tool, arguments

// Answers with what the episode has told, in the order in which it told it. A question that goes further is kept, to be asked.
class Told final : public Tools {
 public:
  explicit Told(std::vector<ToolSpec> specs) : specs_(std::move(specs)) {}
  const std::vector<ToolSpec>& specs() const override { return specs_; }

  Result<Observation> call(std::string_view tool, std::string_view arguments) override {
    Question question{tool, arguments};
    const std::vector<Observation>& known = told_[question];
    const size_t time = times_[question]++;
    if (time < known.size()) return known[time];
    if (std::find(open_.begin(), open_.end(), question) == open_.end()) open_.push_back(std::move(question));
    return make_error(Boundary::kPolicy, "not asked yet", std::string(tool));
  }

  // Before one plain call is worked through (again): every question is asked for the first time.
  void begin() { times_.clear(); }
  const std::vector<Question>& open() const { return open_; }
  void take(const ToolResults& results) {
    for (size_t i = 0; i < std::min(open_.size(), results.size()); ++i) {
      const auto json = parse_json(results[i], "a result");
      const bool error = json.ok() && json->is_object() && json->size() == 1 && json->contains("error");
      told_[open_[i]].push_back({results[i], error, {}});
    }
    open_.clear();
  }

 private:
  std::vector<ToolSpec> specs_;
  std::map<Question, std::vector<Observation>> told_;
  std::map<Question, size_t> times_;
  std::vector<Question> open_;
};

Message asking(const std::vector<Question>& questions, int64_t& calls) {
  Message message;
  message.role = Role::kAssistant;
  for (const auto& [tool, arguments] : questions) message.tool_calls.push_back({"call_" + std::to_string(++calls), tool, arguments});
  return message;
}

Script play(std::vector<ToolSpec> tools, Script script) {
  Told told(std::move(tools));
  PlainTools plain(told);
  int64_t calls = 0;
  ToolResults results;
  for (;;) {
    Result<Message> message = script.next(std::move(results));
    if (!message.ok()) co_return message.error();
    if (message->tool_calls.empty()) {
      co_yield std::move(*message);
      co_return Status();
    }
    for (bool open = true; open;) {
      results.clear();
      for (const ToolCall& call : message->tool_calls) {
        told.begin();
        const Result<Observation> seen = plain.call(call.name, call.arguments);
        if (seen.ok()) results.push_back(seen->text);
        else if (told.open().empty()) co_return seen.error();
      }
      open = !told.open().empty();
      if (!open) continue;
      Message next = asking(told.open(), calls);
      const ToolResults answers = co_yield std::move(next);
      if (answers.size() != told.open().size())
        co_return make_error(Boundary::kInternal, "expected " + std::to_string(told.open().size()) + " tool results, got " + std::to_string(answers.size()));
      told.take(answers);
    }
  }
}

}  // namespace

Script over_plain_tools(std::vector<ToolSpec> tools, Script script) {
  if (std::none_of(tools.begin(), tools.end(), is_changed)) return script;
  return play(std::move(tools), std::move(script));
}

}  // namespace assay
