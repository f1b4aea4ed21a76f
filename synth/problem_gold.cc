#include "synth/problem_gold.h"

#include <algorithm>

#include "envs/episode.h"

namespace assay {
namespace {

Result<const ToolSpec*> tool_of(const std::vector<ToolSpec>& specs, bool submits) {
  for (const ToolSpec& spec : specs)
    if ((spec.effect == ToolEffect::kSubmit) == submits && (submits || spec.kind == "python")) return &spec;
  return make_error(Boundary::kEnvironment, submits ? "no tool submits an answer" : "no tool runs Python");
}

Message calling(const ToolSpec& tool, const std::string& value, int number) {
  Message message;
  message.role = Role::kAssistant;
  message.tool_calls.push_back({"call_" + std::to_string(number), tool.name, Json{{tool.body.value("parameter", ""), value}}.dump()});
  return message;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

}  // namespace

Result<DrawnProblem> draw_problem(const MakeRequest& request) {
  if (!request.domain) return input_error("its domain is not at hand", "archetype compute");
  const std::vector<std::string> families = request.part().value("families", std::vector<std::string>());
  std::vector<const Problem*> choice;
  for (const Problem& problem : problems::all())
    if (families.empty() || std::find(families.begin(), families.end(), problem.family) != families.end()) choice.push_back(&problem);
  if (choice.empty()) return input_error("no problem is of the families named", "domain " + request.domain->name + ": " + request.path() + ".families");
  // Every problem has its turn, in an order that differs from round to round.
  const auto index = static_cast<uint64_t>(request.index), size = static_cast<uint64_t>(choice.size());
  Rng order(request.seed, "compute/order", index / size);
  order.shuffle(choice);
  DrawnProblem out{choice[index % size], {}};
  Rng rng(request.seed, "compute/" + out.problem->name + "/" + std::to_string(request.difficulty), index * kMostAttempts + static_cast<uint64_t>(request.attempt));
  out.instance = out.problem->draw(rng, request.difficulty);
  return out;
}

Result<ComputedGold> compute_gold(const Task& task, const std::string& solution, const MakeRequest& request) {
  ASSAY_ASSIGN(const std::unique_ptr<Tools> own, request.own_tools(task));
  Tools& tools = own ? *own : *request.tools;
  PlainTools plain(tools);
  ASSAY_ASSIGN(const ToolSpec* python, tool_of(plain.specs(), false));
  ASSAY_ASSIGN(const ToolSpec* submit, tool_of(plain.specs(), true));
  ComputedGold out;
  Episode episode(task, plain);
  Conversation turn{calling(*python, solution, 1)};
  ASSAY_ASSIGN(Conversation results, episode.step(turn.front()));
  const std::vector<std::string> printed = lines_of(results.front().text);
  if (episode.failed_calls() > 0 || printed.empty())
    return make_error(Boundary::kTool, "the problem's program does not end well: " + results.front().text.substr(0, 400), "task " + task.id);
  out.answer = printed.back();
  const Message submission = calling(*submit, out.answer, 2);
  ASSAY_TRY(episode.step(submission));
  if (!episode.submitted()) return make_error(Boundary::kTool, "the episode ended without a submission (" + episode.stop() + ")", "task " + task.id);
  Exploration played = as_played(Exploration{Conversation{turn.front(), submission}, out.answer, 2}, plain);
  out.transcript = std::move(played.transcript);
  out.calls = played.calls;
  return out;
}

}  // namespace assay
