#include "datasets/rl/rollout_score.h"

#include <catch2/catch.hpp>

#include "datasets/rl/kl.h"
#include "tests/datasets/random_turns.h"

namespace assay {
namespace {

// What a trainer sends of a rollout: the policy a little away from what was recorded.
TrainerTokens trained(const Rollout& rollout, Rng& rng, bool reference) {
  TrainerTokens trainer;
  trainer.rollout = rollout.id;
  for (const TokenTurn& turn : rollout.turns)
    for (size_t i = 0; i < turn.sampled.size(); ++i) {
      trainer.tokens.push_back(turn.sampled[i]);
      trainer.log_probabilities.push_back(turn.log_probabilities[i] - static_cast<float>(rng.unit()));
      if (reference) trainer.reference.push_back(turn.log_probabilities[i] - static_cast<float>(rng.unit()));
    }
  return trainer;
}

TEST_CASE("random rollouts score as a walk over their turns says") {
  int several = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed, "rollout_score");
    const Rollout rollout = sample::random_turns(rng, {.layers = 0});
    const TrainerTokens trainer = trained(rollout, rng, seed % 2 == 0);
    if (trainer.tokens.empty()) continue;
    for (const TrainerVocabulary vocabulary : {TrainerVocabulary::kKept, TrainerVocabulary::kFull}) {
      const auto scores = score_sequences(rollout, trainer, vocabulary, "here");
      if (!scores.ok()) FAIL(scores.error().text());
      several += scores->size() > 1;
      size_t at = 0, turn = 0;
      for (const SequenceScore& score : *scores) {
        for (; static_cast<int64_t>(turn) < score.first_turn; ++turn) REQUIRE(rollout.turns[turn].sampled.empty());
        double ratio = 0, kl = 0;
        int64_t tokens = 0;
        for (; static_cast<int64_t>(turn) <= score.last_turn; ++turn)
          for (size_t i = 0; i < rollout.turns[turn].sampled.size(); ++i, ++at, ++tokens) {
            const TokenTurn& t = rollout.turns[turn];
            const double old = vocabulary == TrainerVocabulary::kKept ? t.log_probabilities[i] : t.full_log_probabilities[i];
            ratio += old - trainer.log_probabilities[at];
            if (!trainer.reference.empty()) kl += kl_estimators()[3].of({trainer.log_probabilities[at], old, trainer.reference[at]});
          }
        REQUIRE(score.tokens == tokens);
        REQUIRE(score.mean_log_ratio == Approx(ratio / static_cast<double>(tokens)));
        REQUIRE(score.kl.size() == (trainer.reference.empty() ? 0 : kl_estimators().size()));
        if (!score.kl.empty()) REQUIRE(score.kl[3] == Approx(kl));
      }
      REQUIRE(at == trainer.tokens.size());
    }
  }
  CHECK(several > 50);
}

TEST_CASE("tokens that are not the rollout's are refused, naming both") {
  Rng rng(3, "rollout_score");
  Rollout rollout = sample::random_turns(rng, {});
  TrainerTokens trainer = trained(rollout, rng, false);
  std::string expected;
  SECTION("another token") {
    trainer.tokens[2] += 1;
    expected = "token 2 is " + std::to_string(trainer.tokens[2] - 1) + " there and " + std::to_string(trainer.tokens[2]) + " here";
  }
  SECTION("one too few") {
    const size_t count = trainer.tokens.size();
    trainer.tokens.pop_back();
    trainer.log_probabilities.pop_back();
    expected = "it sampled " + std::to_string(count) + " tokens, and here are " + std::to_string(count - 1);
  }
  SECTION("one too many") {
    const size_t count = trainer.tokens.size();
    trainer.tokens.push_back(1);
    trainer.log_probabilities.push_back(-1);
    expected = "it sampled " + std::to_string(count) + " tokens, and here are " + std::to_string(count + 1);
  }
  SECTION("a rollout without a record") {
    rollout.turns.clear();
    expected = "nothing was recorded of it";
  }
  const auto scores = score_sequences(rollout, trainer, TrainerVocabulary::kKept, "file:7");
  REQUIRE_FALSE(scores.ok());
  CHECK(scores.error().where == "file:7");
  CHECK(scores.error().what.find("rollout " + rollout.id.substr(0, 12)) != std::string::npos);
  CHECK(scores.error().what.find(expected) != std::string::npos);
}

TEST_CASE("a trainer's line is read, or refused with its place") {
  const auto read = [](const std::string& text) { return trainer_tokens_from_json(parse_json(text, "t").value(), "file:1"); };
  const auto good = read(R"({"rollout":"abc","tokens":[1,2],"log_probabilities":[-1,-0.5],"reference_log_probabilities":[-2,0]})");
  REQUIRE(good.ok());
  CHECK(good->reference == std::vector<float>{-2, 0});
  for (const std::string text : {R"([])", R"({"rollout":"abc","tokens":[1]})", R"({"rollout":1,"tokens":[],"log_probabilities":[]})",
                                 R"({"rollout":"a","tokens":[1,2],"log_probabilities":[-1]})", R"({"rollout":"a","tokens":[-1],"log_probabilities":[-1]})",
                                 R"({"rollout":"a","tokens":[1.5],"log_probabilities":[-1]})", R"({"rollout":"a","tokens":[99999999999],"log_probabilities":[-1]})",
                                 R"({"rollout":"a","tokens":[18446744073709551615],"log_probabilities":[-1]})",
                                 R"({"rollout":"a","tokens":[1],"log_probabilities":[0.5]})", R"({"rollout":"a","tokens":[1],"log_probabilities":[-1e300]})",
                                 R"({"rollout":"a","tokens":[1],"log_probabilities":[null]})", R"({"rollout":"a","tokens":[1],"log_probabilities":["x"]})",
                                 R"({"rollout":"a","tokens":[1],"log_probabilities":[-1],"reference_log_probabilities":[]})",
                                 R"({"rollout":"a","tokens":[1],"log_probabilities":[-1],"reference":[-1]})"}) {
    INFO(text);
    const auto line = read(text);
    REQUIRE_FALSE(line.ok());
    CHECK(line.error().where.find("file:1") == 0);
  }
}

}  // namespace
}  // namespace assay
