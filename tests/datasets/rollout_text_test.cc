#include "datasets/rollout_text.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "envs/base/rng.h"
#include "tests/datasets/sample.h"

namespace assay {
namespace {

// Text of every kind that can come from a model: plain, escapes, control characters, whole and broken UTF-8.
std::string random_text(Rng& rng) {
  const std::vector<std::string> pieces = {"plain words of some length", "\"", "\\", "\n", "\t", "\b", "\f", "\r", std::string(1, '\0'),
                                           "\x01", "\x1f", "\x7f", "é", "杭州", "\U0001F3E8", "/", "</script>", "a", "1234567"};
  const std::vector<std::string> broken = {"\xff", "\xc3", "\xe6\x9d", "\xed\xa0\x80", "\xf0\x9f", "\xc0\x80", "\xf5\x80\x80\x80", "\x80"};
  std::string text;
  const bool sound = rng.below(4) != 0;
  for (uint64_t i = rng.below(20); i > 0; --i) text += !sound && rng.below(6) == 0 ? rng.pick(broken) : rng.pick(pieces);
  return text;
}

Rollout random_rollout(Rng& rng) {
  Rollout r = sample::rollout(sample::task(), rng.between(0, INT64_MAX), rng.below(2) == 0, static_cast<int>(rng.below(3)));
  r.policy = random_text(rng);
  r.seed = rng.next();
  r.id = random_text(rng);
  r.answer = random_text(rng);
  r.stop = random_text(rng);
  r.submitted = rng.below(2) == 0;
  r.failed_calls = rng.between(0, 9);
  r.usage = {rng.between(0, 1 << 20), rng.between(0, INT64_MAX), 0};
  r.wall_us = rng.between(0, INT64_MAX);
  r.tool_us = rng.between(0, 1000);
  r.verdict.reward = rng.below(2) ? 1.0 : rng.unit();
  r.verdict.checks.push_back({random_text(rng), false, random_text(rng)});
  if (rng.below(8) == 0) r.verdict.checks.clear();
  if (rng.below(8) == 0) r.messages.clear();
  for (Message& message : r.messages) {
    message.text = random_text(rng);
    message.reasoning = random_text(rng);
    if (message.role == Role::kTool && rng.below(4) == 0) message.images.push_back({"image/png", "aGk="});
    if (rng.below(16) == 0) message.response_format = {{"b", 1}, {"a", 2}};
    for (ToolCall& call : message.tool_calls) call = {random_text(rng), random_text(rng), random_text(rng)};
    if (!message.tool_calls.empty() && rng.below(2)) message.tool_calls.push_back({"again", "tool", "{}"});
  }
  if (rng.below(8) == 0) r.context = ContextRecord{"summary", 4096, {{1, 1, 4000}}};
  return r;
}

TEST_CASE("the fast text of a rollout is its canonical JSON, byte for byte") {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed, "rollout_text");
    const Rollout r = random_rollout(rng);
    REQUIRE(rollout_text(r) == canonical_json(to_json(r)));
  }
  const Rollout broken = sample::broken_rollout(sample::task());
  CHECK(rollout_text(broken) == canonical_json(to_json(broken)));
}

TEST_CASE("texts longer than a slice, with every alignment, are written whole") {
  Rollout r = sample::rollout(sample::task());
  for (size_t length : {65535, 65536, 65537, 200'000})
    for (const std::string unit : {"x", "\"", "\x01", "杭", "\U0001F3E8", "\xff"}) {
      r.answer.clear();
      while (r.answer.size() < length) r.answer += unit;
      REQUIRE(rollout_text(r) == canonical_json(to_json(r)));
    }
}

Result<Rollout> read_as_tree(const std::string& text) {
  ASSAY_ASSIGN(const Json json, parse_json(text, "test"));
  return rollout_from_json(json, "test");
}

bool is_rare(const Rollout& r) {
  const auto rare = [](const Message& m) {
    const auto unnamed = [](const ToolCall& call) { return call.name.empty(); };   // which is an error
    return !m.images.empty() || !m.tools.is_null() || !m.response_format.is_null() || std::any_of(m.tool_calls.begin(), m.tool_calls.end(), unnamed);
  };
  return r.context || std::any_of(r.messages.begin(), r.messages.end(), rare);
}

TEST_CASE("what was written is read back as the tree would be") {
  int64_t read = 0;
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed, "rollout_text");
    Rollout r = random_rollout(rng);
    if (rng.below(2)) r.state = {{"tables", {{"a\"}{", {{"x", 1.5}, {"y", "\u00e9\n"}}}}}, {"z", nullptr}};
    if (rng.below(2)) r.times = {{rng.between(0, INT64_MAX), 0}, {1, 2}};
    const std::string text = rollout_text(r);
    const std::optional<Rollout> back = rollout_of_text(text);
    REQUIRE(back.has_value() != is_rare(r));
    if (!back) continue;
    ++read;
    const Result<Rollout> tree = read_as_tree(text);
    REQUIRE(tree.ok());
    REQUIRE(to_json(*back) == to_json(*tree));
    REQUIRE(rollout_text(*back) == text);
    REQUIRE(verdict_text(back->verdict) == canonical_json(to_json(tree->verdict)));
  }
  CHECK(read > 1000);
  CHECK_FALSE(rollout_of_text(rollout_text(sample::broken_rollout(sample::task()))));
}

// One that the reader takes must be one that the strict parser takes, and say the same.
TEST_CASE("a text that nobody wrote is read as its tree, or not at all") {
  const std::vector<std::string> pieces = {"\"", "\\", "\\u0041", "\\u00", "\\/", ",", "}", "]", "[", "{", "0", "-", "9", "1e3", "18446744073709551615", " ", "null", "true", "\xff", "\n", ",\"task\":\"x\""};
  int64_t read = 0;
  for (uint64_t seed = 0; seed < 30'000; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed, "rollout_text/hostile");
    std::string text = rollout_text(random_rollout(rng));
    for (uint64_t i = rng.below(3) + 1; i > 0; --i) {
      const size_t at = rng.below(text.size()), length = rng.below(12);
      if (rng.below(3) == 0) text.erase(at, length);
      else if (rng.below(2)) text.insert(at, rng.pick(pieces));
      else text.insert(at, text.substr(rng.below(text.size()), length));
      if (text.empty()) break;
    }
    const std::optional<Rollout> back = rollout_of_text(text);
    if (!back) continue;
    ++read;
    const Result<Rollout> tree = read_as_tree(text);
    REQUIRE(tree.ok());
    REQUIRE(to_json(*back) == to_json(*tree));
  }
  CHECK(read > 300);
}

}  // namespace
}  // namespace assay
