#include "synth/mine/judgement.h"

namespace assay {
namespace {

constexpr const char* kSystem =
    "You decide whether a report about a software project is clear enough to work from. An engineer will get the report and the project's source, and "
    "nothing else: no comments, no links, no images. Hidden tests will decide whether the engineer's change does what the report asks for.\n"
    "Answer with one JSON object and nothing else: {\"clear\": true or false, \"why\": \"one sentence\"}. It is clear if the report says what is wrong or "
    "wanted so that a competent engineer would make a change of the same effect as the project did.";

// The object that a reply ends with or consists of.
std::optional<Loss> read_reply(const Result<Message>& reply) {
  if (!reply.ok()) return Loss{"judge_failed", reply.error().text()};
  const std::string& text = reply->text;
  const size_t begin = text.rfind('{'), end = text.rfind('}');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return Loss{"judge_failed", "no JSON object in the answer"};
  const Result<Json> json = parse_json(std::string_view(text).substr(begin, end + 1 - begin), "answer", {.bytes = 64 << 10});
  if (!json.ok() || !json->contains("clear") || !(*json)["clear"].is_boolean()) return Loss{"judge_failed", "the answer does not say whether it is clear"};
  if ((*json)["clear"].get<bool>()) return std::nullopt;
  return Loss{"judged_unclear", json->contains("why") && (*json)["why"].is_string() ? (*json)["why"].get<std::string>() : ""};
}

}  // namespace

Status judge_statements(const std::vector<const Candidate*>& candidates, Policy& policy, uint64_t seed,
                        const std::function<Status(size_t index, std::optional<Loss> loss)>& take) {
  const TaskView view;   // no tools: the answer is the message
  std::vector<Conversation> conversations;
  for (const Candidate* candidate : candidates) {
    Message system, user;
    system.role = Role::kSystem;
    system.text = kSystem;
    user.role = Role::kUser;
    user.text = "Project: " + candidate->repository + "\n\n" + candidate->statement;
    conversations.push_back({system, user});
  }
  for (size_t i = 0; i < conversations.size(); ++i)
    policy.ask({.rollout = static_cast<int64_t>(i), .task = &view, .conversation = &conversations[i], .seed = seed});
  for (std::vector<Action> actions = policy.answer(); !actions.empty(); actions = policy.answer())
    for (const Action& action : actions) {
      policy.finish(action.rollout);
      ASSAY_TRY(take(static_cast<size_t>(action.rollout), read_reply(action.message)));
    }
  return {};
}

}  // namespace assay
