#include "synth/mine/judgement.h"

#include <catch2/catch.hpp>

namespace assay {
namespace {

// Answers what it was given for each question, the last one first.
class Parrot final : public Policy {
 public:
  explicit Parrot(std::vector<Result<Message>> replies) : replies_(std::move(replies)) {}
  std::string descriptor() const override { return "parrot"; }
  void ask(const Turn& turn) override {
    asked.push_back(turn.conversation->back().text);
    open_.push_back(turn.rollout);
  }
  std::vector<Action> answer() override {
    if (open_.empty()) return {};
    const int64_t rollout = open_.back();
    open_.pop_back();
    return {Action{rollout, replies_[static_cast<size_t>(rollout)], {}}};
  }

  std::vector<std::string> asked;

 private:
  std::vector<Result<Message>> replies_;
  std::vector<int64_t> open_;
};

Message said(const std::string& text) {
  Message message;
  message.role = Role::kAssistant;
  message.text = text;
  return message;
}

}  // namespace

TEST_CASE("a model's judgement keeps what it finds clear, and names all else") {
  Parrot parrot({said("{\"clear\": true, \"why\": \"\"}"), said("Well. {\"clear\": false, \"why\": \"no steps\"}"), said("It is clear."), said("{\"clear\": \"yes\"}"),
                 make_error(Boundary::kPolicy, "no answer")});
  std::vector<Candidate> candidates(5);
  candidates[1].repository = "o/r";
  candidates[1].statement = "It does not work";
  std::vector<const Candidate*> asked;
  for (const Candidate& candidate : candidates) asked.push_back(&candidate);
  std::vector<std::string> reasons(5, "nothing");
  const Status status = judge_statements(asked, parrot, 0, [&](size_t index, std::optional<Loss> loss) {
    reasons[index] = loss ? loss->reason + ": " + loss->detail : "clear";
    return Status();
  });
  REQUIRE(status.ok());
  CHECK(parrot.asked[1] == "Project: o/r\n\nIt does not work");
  CHECK(reasons[0] == "clear");
  CHECK(reasons[1] == "judged_unclear: no steps");
  CHECK(reasons[2].starts_with("judge_failed"));
  CHECK(reasons[3].starts_with("judge_failed"));
  CHECK(reasons[4] == "judge_failed: no answer");
}

}  // namespace assay
