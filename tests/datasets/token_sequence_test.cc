#include "datasets/token_sequence.h"

#include <catch2/catch.hpp>

#include "tests/datasets/random_turns.h"

namespace assay {
namespace {

// Two turns of one expert layer, one expert a token: 10 11 | 20 21, then a tool says 12 and 22 is sampled.
Rollout two_turns() {
  Rollout rollout = sample::rollout(sample::task(), 0, true, 1);
  TokenTurn first, second;
  first.prompt = {10, 11};
  first.sampled = {20, 21};
  first.log_probabilities = {-0.5f, -0.25f};
  first.full_log_probabilities = {-1.5f, -0.25f};
  first.kept_counts = {2, 0};
  first.kept = {7, 20};
  first.expert_layers = first.experts_per_token = 1;
  first.experts = {1, 2, 3};
  first.policy_version = "a";
  second.shared = 4;
  second.prompt = {12};
  second.sampled = {22};
  second.log_probabilities = {-0.125f};
  second.full_log_probabilities = {-0.125f};
  second.kept_counts = {1};
  second.kept = {22};
  second.expert_layers = second.experts_per_token = 1;
  second.experts_from = 3;
  second.experts = {4, 5};
  second.policy_version = "b";
  rollout.turns = {first, second};
  return rollout;
}

std::vector<TokenSequence> sequences_of(const Rollout& rollout) {
  auto sequences = token_sequences(rollout);
  if (!sequences.ok()) FAIL(sequences.error().text());
  return std::move(sequences).value();
}

TEST_CASE("turns that continue each other are one sequence") {
  const auto sequences = sequences_of(two_turns());
  REQUIRE(sequences.size() == 1);
  TokenSequence expected;
  expected.tokens = {10, 11, 20, 21, 12, 22};
  expected.mask = {0, 0, 1, 1, 0, 1};
  expected.log_probabilities = {0, 0, -0.5f, -0.25f, 0, -0.125f};
  expected.full_log_probabilities = {0, 0, -1.5f, -0.25f, 0, -0.125f};
  expected.kept = {7, 20, 22};
  expected.kept_offsets = {0, 0, 0, 2, 2, 2, 3};
  expected.expert_layers = expected.experts_per_token = 1;
  expected.experts = {1, 2, 3, 4, 5};
  expected.turns = {{0, 0, 2, 4, "a", ""}, {1, 4, 5, 6, "b", ""}};
  CHECK(sequences[0] == expected);
  CHECK(expert_rows(sequences[0], ExpertRows::kTokensLessOne) == std::vector<uint16_t>{1, 2, 3, 4, 5});
  CHECK(expert_rows(sequences[0], ExpertRows::kTokens) == std::vector<uint16_t>{1, 2, 3, 4, 5, 5});
}

TEST_CASE("history that was dropped begins a sequence, and trains nothing twice") {
  Rollout rollout = two_turns();
  rollout.turns[1].shared = 3;
  rollout.turns[1].experts = {4};
  const auto sequences = sequences_of(rollout);
  REQUIRE(sequences.size() == 2);
  CHECK(sequences[0].tokens == std::vector<int32_t>{10, 11, 20, 21});
  CHECK(sequences[0].mask == std::vector<uint8_t>{0, 0, 1, 1});
  CHECK(sequences[0].experts == std::vector<uint16_t>{1, 2, 3});
  CHECK(sequences[1].tokens == std::vector<int32_t>{10, 11, 20, 12, 22});
  CHECK(sequences[1].mask == std::vector<uint8_t>{0, 0, 0, 0, 1});
  CHECK(sequences[1].log_probabilities == std::vector<float>{0, 0, 0, 0, -0.125f});
  CHECK(sequences[1].kept == std::vector<int32_t>{22});
  CHECK(sequences[1].kept_offsets == std::vector<int64_t>{0, 0, 0, 0, 0, 1});
  CHECK(sequences[1].experts == std::vector<uint16_t>{1, 2, 3, 4});
  CHECK(sequences[1].turns == std::vector<TurnSpan>{{1, 0, 4, 5, "b", ""}});
}

TEST_CASE("rows computed again do not replace those that made the probabilities") {
  Rollout rollout = two_turns();
  rollout.turns[1].experts_from = 0;
  rollout.turns[1].experts = {9, 9, 9, 4, 5};
  CHECK(sequences_of(rollout)[0].experts == std::vector<uint16_t>{1, 2, 3, 4, 5});
}

TEST_CASE("a turn that recorded no experts leaves them to the next, or the sequence without") {
  Rollout rollout = two_turns();
  TokenTurn& first = rollout.turns[0];
  TokenTurn& second = rollout.turns[1];
  SECTION("the next has them") {
    first.expert_layers = 0;
    first.experts.clear();
    second.experts_from = 0;
    second.experts = {1, 2, 3, 4, 5};
    CHECK(sequences_of(rollout)[0].experts == second.experts);
  }
  SECTION("nobody has") {
    second.expert_layers = 0;
    second.experts.clear();
    CHECK(sequences_of(rollout)[0].experts.empty());
    CHECK(sequences_of(rollout)[0].expert_layers == 0);
  }
}

TEST_CASE("a rollout without a record has no sequences, and one that sampled nothing neither") {
  CHECK(sequences_of(sample::rollout(sample::task())).empty());
  Rollout rollout = two_turns();
  for (TokenTurn& turn : rollout.turns) {
    turn = {};
    turn.prompt = {1};
  }
  CHECK(sequences_of(rollout).empty());
}

TEST_CASE("records that contradict themselves are refused, with rollout and turn") {
  Rollout rollout = two_turns();
  TokenTurn& first = rollout.turns[0];
  TokenTurn& second = rollout.turns[1];
  std::string expected;
  SECTION("a turn without its message") { rollout.turns.pop_back(), expected = "1 turns were recorded of 2 assistant messages"; }
  SECTION("shared of what was not there") { second.shared = 5, expected = "shares 5 tokens, and the turn before left 4"; }
  SECTION("shared before the first") { first.shared = 1, expected = "shares 1 tokens"; }
  SECTION("a negative share") { second.shared = -1, expected = "shares -1 tokens"; }
  SECTION("sampled after nothing") { first.prompt.clear(), expected = "after no token at all"; }
  SECTION("neither read nor written") { second = TokenTurn{.shared = 4}, expected = "holds no token"; }
  SECTION("a negative token") { second.prompt[0] = -1, expected = "negative"; }
  SECTION("too few log-probabilities") { first.log_probabilities.pop_back(), expected = "2 tokens were sampled, with 1 log-probabilities"; }
  SECTION("too many of the full ones") { first.full_log_probabilities.push_back(0), expected = "with 3 log-probabilities"; }
  SECTION("not a number") { second.log_probabilities[0] = NAN, expected = "no log-probability"; }
  SECTION("an impossible token") { second.full_log_probabilities[0] = -INFINITY, expected = "no log-probability"; }
  SECTION("more than certain") { second.log_probabilities[0] = 0.1f, expected = "no log-probability"; }
  SECTION("too few counts") { first.kept_counts.pop_back(), expected = "with 1 counts"; }
  SECTION("a negative count") { first.kept_counts[1] = -1, expected = "end before their counts"; }
  SECTION("a count of too many") { first.kept_counts[1] = INT32_MAX, expected = "end before their counts"; }
  SECTION("kept tokens that no count names") { first.kept.push_back(1), expected = "go on after"; }
  SECTION("a set out of order") { first.kept = {20, 7}, expected = "does not ascend"; }
  SECTION("a set with a token twice") { first.kept = {20, 20}, expected = "does not ascend"; }
  SECTION("a set with a negative token") { first.kept = {-7, 20}, expected = "does not ascend"; }
  SECTION("a set without what was sampled") { first.kept = {7, 21}, expected = "from a set without it"; }
  SECTION("a row too few") { second.experts.pop_back(), expected = "2 rows of 1 experts were expected, not 1 numbers"; }
  SECTION("a gap") { second.experts_from = 4, second.experts.pop_back(), expected = "begin at token 4, and those before are known to 3"; }
  SECTION("a gap after a cut") { second.shared = 1, second.experts_from = 2, second.experts.clear(), expected = "known to 1"; }
  SECTION("rows before the first") { second.experts_from = -1, expected = "begin at token -1"; }
  SECTION("another shape") { second.expert_layers = 2, expected = "of another shape"; }
  SECTION("an expert twice") {
    for (TokenTurn& turn : rollout.turns) turn.experts_per_token = 2;
    first.experts = {1, 2, 3, 4, 5, 6};
    second.experts = {1, 2, 7, 7};
    expected = "twice in one choice";
  }
  SECTION("a shape of no experts") {
    for (TokenTurn& turn : rollout.turns) turn.expert_layers = 0;
    expected = "experts without a shape";
  }
  SECTION("an impossible shape") {
    for (TokenTurn& turn : rollout.turns) turn.expert_layers = turn.experts_per_token = INT32_MAX;
    expected = "impossible shape";
  }
  SECTION("negative sizes, whose product is not") {
    for (TokenTurn& turn : rollout.turns) turn.expert_layers = turn.experts_per_token = -1;
    expected = "impossible shape";
  }
  const auto sequences = token_sequences(rollout);
  REQUIRE_FALSE(sequences.ok());
  CHECK(sequences.error().boundary == Boundary::kPolicy);
  CHECK(sequences.error().where.find("rollout " + rollout.id.substr(0, 12)) == 0);
  INFO(sequences.error().text());
  CHECK(sequences.error().what.find(expected) != std::string::npos);
}

TEST_CASE("histories that repeat each other without end are refused before they are built") {
  Rollout rollout = sample::rollout(sample::task(), 0, true, 4999);
  TokenTurn turn;
  turn.prompt.assign(500'000, 1);
  rollout.turns.push_back(turn);
  turn.prompt = {2};
  for (turn.shared = 500'000; rollout.turns.size() < 5000;) rollout.turns.push_back(turn);
  const auto sequences = token_sequences(rollout);
  REQUIRE_FALSE(sequences.ok());
  CHECK(sequences.error().boundary == Boundary::kLimit);
}

// ---- A slow reading of the definition, to compare with ----

struct Origin {  // of a token
  size_t turn, index;
  bool operator==(const Origin&) const = default;
};

std::vector<Origin> left_behind(const std::vector<TokenTurn>& turns, size_t turn) {
  std::vector<Origin> tokens;
  if (turn > 0) tokens = left_behind(turns, turn - 1);
  tokens.resize(static_cast<size_t>(turns[turn].shared));
  for (size_t i = 0; i < turns[turn].prompt.size() + turns[turn].sampled.size(); ++i) tokens.push_back({turn, i});
  return tokens;
}

// The first turn that computed this token after this history.
const uint16_t* slow_row(const std::vector<TokenTurn>& turns, const std::vector<std::vector<Origin>>& left, size_t last, size_t position) {
  for (size_t turn = 0; turn <= last; ++turn) {
    const TokenTurn& t = turns[turn];
    if (t.expert_layers == 0 || position + 1 >= left[turn].size() || position < static_cast<size_t>(t.experts_from)) continue;
    if (!std::equal(left[turn].begin(), left[turn].begin() + static_cast<int64_t>(position) + 1, left[last].begin())) continue;
    return t.experts.data() + (position - static_cast<size_t>(t.experts_from)) * static_cast<size_t>(t.expert_layers * t.experts_per_token);
  }
  return nullptr;
}

// Of the turns first … last, which continue each other.
TokenSequence slow_sequence(const std::vector<TokenTurn>& turns, const std::vector<std::vector<Origin>>& left, size_t first, size_t last) {
  TokenSequence s;
  s.kept_offsets = {0};
  for (const TokenTurn& turn : turns)
    if (turn.expert_layers > 0) s.expert_layers = turn.expert_layers, s.experts_per_token = turn.experts_per_token;
  for (const Origin& origin : left[last]) {
    const TokenTurn& turn = turns[origin.turn];
    const bool given = origin.index < turn.prompt.size();
    const size_t at = origin.index - turn.prompt.size();
    const bool trains = !given && origin.turn >= first;
    s.tokens.push_back(given ? turn.prompt[origin.index] : turn.sampled[at]);
    s.mask.push_back(trains);
    s.log_probabilities.push_back(trains ? turn.log_probabilities[at] : 0);
    s.full_log_probabilities.push_back(trains ? turn.full_log_probabilities[at] : 0);
    if (trains) {
      int64_t from = 0;
      for (size_t i = 0; i < at; ++i) from += turn.kept_counts[i];
      s.kept.insert(s.kept.end(), turn.kept.begin() + from, turn.kept.begin() + from + turn.kept_counts[at]);
    }
    s.kept_offsets.push_back(static_cast<int64_t>(s.kept.size()));
  }
  for (size_t position = 0; position + 1 < left[last].size(); ++position) {
    const uint16_t* row = slow_row(turns, left, last, position);
    if (row) s.experts.insert(s.experts.end(), row, row + s.expert_layers * s.experts_per_token);
  }
  if (s.experts.size() < (s.tokens.size() - 1) * static_cast<size_t>(s.expert_layers * s.experts_per_token)) {
    s.experts.clear();
    s.expert_layers = s.experts_per_token = 0;
  }
  for (size_t turn = first; turn <= last; ++turn) {
    const int64_t end = static_cast<int64_t>(left[turn].size()), sampled = static_cast<int64_t>(turns[turn].sampled.size());
    s.turns.push_back({static_cast<int64_t>(turn), turn == first ? 0 : static_cast<int64_t>(left[turn - 1].size()), end - sampled, end,
                       turns[turn].policy_version, turns[turn].selection_digest});
  }
  return s;
}

std::vector<TokenSequence> slow_sequences(const std::vector<TokenTurn>& turns) {
  std::vector<std::vector<Origin>> left;
  for (size_t turn = 0; turn < turns.size(); ++turn) left.push_back(left_behind(turns, turn));
  std::vector<TokenSequence> sequences;
  for (size_t first = 0, last = 0; first < turns.size(); first = last = last + 1) {
    while (last + 1 < turns.size() && static_cast<size_t>(turns[last + 1].shared) == left[last].size()) ++last;
    TokenSequence sequence = slow_sequence(turns, left, first, last);
    if (std::count(sequence.mask.begin(), sequence.mask.end(), 1) > 0) sequences.push_back(std::move(sequence));
  }
  return sequences;
}

TEST_CASE("random turns give what a slow reading of the definition gives") {
  size_t sequences_seen = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed, "token_sequence");
    sample::TurnShape shape;
    shape.turns = 1 + static_cast<int>(rng.below(7));
    shape.layers = static_cast<int>(rng.below(3));
    const Rollout rollout = sample::random_turns(rng, shape);
    const auto sequences = sequences_of(rollout);
    REQUIRE(sequences == slow_sequences(rollout.turns));
    sequences_seen += sequences.size();
    int64_t trained = 0, sampled = 0;
    for (const TokenSequence& s : sequences) trained += std::count(s.mask.begin(), s.mask.end(), 1);
    for (const TokenTurn& turn : rollout.turns) sampled += static_cast<int64_t>(turn.sampled.size());
    REQUIRE(trained == sampled);
  }
  CHECK(sequences_seen > 600);
}

TEST_CASE("no damage to a record goes through as rows of another length") {
  int refused = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed, "token_sequence/damage");
    Rollout rollout = sample::random_turns(rng, {});
    TokenTurn& turn = rng.pick(rollout.turns) == rollout.turns[0] ? rollout.turns[0] : rollout.turns[rng.below(rollout.turns.size())];
    const int64_t delta = rng.between(-3, 3);
    switch (rng.below(8)) {
      case 0: turn.shared += delta; break;
      case 1: turn.experts_from += delta; break;
      case 2: turn.prompt.resize(rng.below(9)); break;
      case 3: turn.sampled.resize(rng.below(9)); break;
      case 4: turn.kept.resize(rng.below(9)); break;
      case 5: turn.experts.resize(rng.below(90)); break;
      case 6: turn.kept_counts.resize(rng.below(9)); break;
      default: turn.experts_per_token += static_cast<int32_t>(delta);
    }
    const auto sequences = token_sequences(rollout);
    refused += !sequences.ok();
    if (!sequences.ok()) continue;
    for (const TokenSequence& s : *sequences) {
      const size_t tokens = s.tokens.size();
      REQUIRE(s.mask.size() == tokens);
      REQUIRE(s.log_probabilities.size() == tokens);
      REQUIRE(s.full_log_probabilities.size() == tokens);
      REQUIRE(s.kept_offsets.size() == tokens + 1);
      REQUIRE(s.kept_offsets.back() == static_cast<int64_t>(s.kept.size()));
      REQUIRE(s.experts.size() == (tokens - 1) * static_cast<size_t>(s.expert_layers * s.experts_per_token));
      REQUIRE(s.turns.back().end == static_cast<int64_t>(tokens));
    }
  }
  CHECK(refused > 800);
}

}  // namespace
}  // namespace assay
