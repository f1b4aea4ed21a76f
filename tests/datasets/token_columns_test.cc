// Each format that carries tokens, at random, against the turns themselves, read one token at a time (slow_reference).
#include "datasets/token_columns.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "datasets/format.h"
#include "tests/datasets/random_turns.h"

namespace assay {
namespace {

using Experts = std::vector<uint16_t>;   // of one token, all layers

struct Token {
  int32_t id = 0;
  bool sampled = false;   // in this sequence's own turns
  float log_probability = 0;
  std::vector<int32_t> kept;
  std::optional<Experts> experts;
};

// One list of tokens for each sequence in which something was sampled.
std::vector<std::vector<Token>> slow_reference(const Rollout& rollout) {
  std::vector<std::vector<Token>> all(1);
  for (const TokenTurn& turn : rollout.turns) {
    std::vector<Token> tokens = all.back();
    if (turn.shared < static_cast<int64_t>(tokens.size())) {
      tokens.resize(static_cast<size_t>(turn.shared));
      for (Token& token : tokens) token.sampled = false, token.log_probability = 0, token.kept.clear();
      all.emplace_back();
    }
    for (int32_t id : turn.prompt) tokens.push_back({id, false, 0, {}, {}});
    size_t kept = 0;
    for (size_t i = 0; i < turn.sampled.size(); ++i) {
      Token token{turn.sampled[i], true, turn.log_probabilities[i], {}, {}};
      for (int32_t k = 0; k < turn.kept_counts[i]; ++k) token.kept.push_back(turn.kept[kept++]);
      tokens.push_back(token);
    }
    const size_t row = static_cast<size_t>(turn.expert_layers * turn.experts_per_token);
    for (size_t i = 0; row > 0 && i * row < turn.experts.size(); ++i) {
      std::optional<Experts>& at = tokens.at(static_cast<size_t>(turn.experts_from) + i).experts;
      if (!at) at = Experts(turn.experts.begin() + static_cast<int64_t>(i * row), turn.experts.begin() + static_cast<int64_t>((i + 1) * row));
    }
    all.back() = tokens;
  }
  std::erase_if(all, [](const auto& tokens) { return std::none_of(tokens.begin(), tokens.end(), [](const Token& token) { return token.sampled; }); });
  return all;
}

Experts flat(const OrderedJson& layers) {
  Experts out;
  for (const OrderedJson& layer : layers)
    for (const OrderedJson& expert : layer) out.push_back(expert.get<uint16_t>());
  return out;
}

struct Case {
  Rollout rollout;
  std::vector<TokenSequence> sequences;
  std::vector<std::vector<Token>> reference;
  std::shared_ptr<const Environment> environment = sample::environment();
  Task task = sample::task();
  Certificate certificate = sample::certificate(task);
  PublicTools tools = public_tools(*environment);

  ExportItem item(size_t sequence) const {
    ExportItem made{task, *environment, certificate, tools};
    made.rollout = &rollout;
    made.sequences = sequences;
    made.sequence = &sequences.at(sequence);
    return made;
  }
};

void each_case(const std::function<void(const Case&)>& check) {
  Rng rng(Catch::rngSeed(), "token_columns");
  for (int i = 0; i < 300; ++i) {
    Case made;
    made.rollout = sample::random_turns(rng, {.layers = i % 4 == 0 ? 0 : 3, .experts = i % 3 == 0 ? 16 : 400});
    made.sequences = token_sequences(made.rollout).value();
    made.reference = slow_reference(made.rollout);
    REQUIRE(made.sequences.size() == made.reference.size());
    if (!made.sequences.empty()) check(made);
  }
}

OrderedJson row_of(const char* format, const ExportItem& item) { return (*find_format(format))->row(item).value(); }

// Of a sequence of which some row was not recorded, none is given.
bool recorded(const std::vector<Token>& tokens) {
  return std::all_of(tokens.begin(), tokens.end() - 1, [](const Token& token) { return token.experts.has_value(); });
}

struct Columns {
  const char *format, *prompt, *response, *mask, *log_probabilities, *experts;
  bool last_row;   // of the experts
};

TEST_CASE("tokens, masks, log-probabilities and experts are aligned as each trainer reads them") {
  for (const Columns& names : {Columns{"verl_rollouts", "prompt_ids", "response_ids", "response_mask", "response_logprobs", "routed_experts", true},
                               Columns{"skyrl_rollouts", "prompt_token_ids", "response_ids", "loss_masks", "rollout_logprobs", "rollout_expert_indices", true},
                               Columns{"slime_rollouts", nullptr, "tokens", "loss_mask", "rollout_log_probs", "rollout_routed_experts", false}}) {
    INFO(names.format);
    each_case([&](const Case& made) {
      for (size_t s = 0; s < made.sequences.size(); ++s) {
        const OrderedJson row = row_of(names.format, made.item(s));
        const std::vector<Token>& tokens = made.reference[s];
        OrderedJson ids = names.prompt ? row.at(names.prompt) : OrderedJson::array();
        for (const OrderedJson& id : row.at(names.response)) ids.push_back(id);
        REQUIRE(ids.size() == tokens.size());
        const OrderedJson& mask = row.at(names.mask);
        const size_t prompt = tokens.size() - mask.size();
        if (names.prompt) CHECK(row.at(names.prompt).size() == prompt);
        else CHECK(row.at("response_length") == mask.size());
        CHECK(tokens[prompt].sampled);
        for (size_t i = 0; i < tokens.size(); ++i) {
          CHECK(ids[i] == tokens[i].id);
          if (i < prompt) CHECK_FALSE(tokens[i].sampled);
          if (i < prompt) continue;
          CHECK(mask[i - prompt] == (tokens[i].sampled ? 1 : 0));
          CHECK(row.at(names.log_probabilities)[i - prompt].get<float>() == tokens[i].log_probability);
        }
        CHECK(row.contains(names.experts) == recorded(tokens));
        if (!recorded(tokens)) continue;
        const OrderedJson& experts = row.at(names.experts);
        REQUIRE(experts.size() == tokens.size() - (names.last_row ? 0 : 1));
        for (size_t i = 0; i + 1 < tokens.size(); ++i) CHECK(flat(experts[i]) == *tokens[i].experts);
        if (names.last_row) CHECK(experts.back() == experts[experts.size() - 2]);
      }
    });
  }
}

TEST_CASE("slime's kept sets are those of the response, by offsets") {
  each_case([](const Case& made) {
    for (size_t s = 0; s < made.sequences.size(); ++s) {
      const OrderedJson row = row_of("slime_rollouts", made.item(s));
      if (!row.contains("rollout_top_p_offsets")) continue;
      const std::vector<Token>& tokens = made.reference[s];
      const OrderedJson &offsets = row.at("rollout_top_p_offsets"), &ids = row.at("rollout_top_p_token_ids");
      const size_t response = row.at("response_length");
      REQUIRE(offsets.size() == response + 1);
      CHECK(offsets.front() == 0);
      CHECK(offsets.back() == ids.size());
      for (size_t i = 0; i < response; ++i) {
        std::vector<int32_t> set;
        for (size_t k = offsets[i]; k < offsets[i + 1]; ++k) set.push_back(ids[k]);
        CHECK(set == tokens[tokens.size() - response + i].kept);
      }
    }
  });
}

std::string decoded(const std::string& text) {
  static const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<uint32_t>(digits.find(c));
    if ((held += 6) >= 8) out += static_cast<char>(bits >> (held -= 8) & 255);
  }
  return out;
}

int64_t element(const OrderedJson& array, size_t index) {
  const std::string bytes = decoded(array.at("data")), dtype = array.at("dtype");
  const size_t size = dtype == "uint8" ? 1 : dtype == "uint16" ? 2 : 4;
  int64_t value = 0;
  for (size_t k = 0; k < size; ++k) value |= static_cast<int64_t>(static_cast<uint8_t>(bytes.at(index * size + k))) << (8 * k);
  return value;
}

TEST_CASE("a path through a verifiers trace is a sequence, and its arrays have a row for each token") {
  each_case([](const Case& made) {
    const OrderedJson row = row_of("verifiers", made.item(0));
    const OrderedJson& trace = row.at("traces")[0];
    const OrderedJson& nodes = trace.at("nodes");
    std::vector<bool> leaf(nodes.size(), true);
    for (const OrderedJson& node : nodes)
      if (node.contains("parent")) leaf[node.at("parent").get<size_t>()] = false;
    size_t branch = 0;
    for (size_t at = 0; at < nodes.size(); ++at) {
      if (!leaf[at]) continue;
      std::vector<size_t> path{at};
      while (nodes[path.back()].contains("parent")) path.push_back(nodes[path.back()].at("parent"));
      std::reverse(path.begin(), path.end());
      std::vector<Token> tokens;
      for (size_t node : path) {
        if (!nodes[node].contains("token_ids")) continue;
        size_t sampled = 0;
        for (size_t i = 0; i < nodes[node].at("token_ids").size(); ++i) {
          const bool is_sampled = nodes[node].at("mask")[i];
          tokens.push_back({nodes[node].at("token_ids")[i], is_sampled, is_sampled ? nodes[node].at("logprobs")[sampled++].get<float>() : 0, {}, {}});
        }
        CHECK(sampled == nodes[node].at("logprobs").size());
      }
      if (std::none_of(tokens.begin(), tokens.end(), [](const Token& token) { return token.sampled; })) continue;
      const std::vector<Token>& expected = made.reference.at(branch);
      REQUIRE(tokens.size() == expected.size());
      for (size_t i = 0; i < tokens.size(); ++i) {
        CHECK(tokens[i].id == expected[i].id);
        CHECK(tokens[i].sampled == expected[i].sampled);
        CHECK(tokens[i].log_probability == expected[i].log_probability);
      }
      const OrderedJson& arrays = trace.at("info").at("branches")[branch];
      const OrderedJson &experts = arrays.at("routed_experts"), &kept = arrays.at("sampling_mask");
      CHECK(experts.is_null() != recorded(expected));
      if (!experts.is_null()) {
        REQUIRE(experts.at("shape")[0] == tokens.size());
        for (size_t i = 0; i < tokens.size(); ++i)
          for (size_t k = 0; k < 6; ++k) CHECK(element(experts, i * 6 + k) == expected[std::min(i, tokens.size() - 2)].experts->at(k));
      }
      size_t id = 0;
      for (size_t i = 0; !kept.is_null() && i < tokens.size(); ++i) {
        REQUIRE(element(kept.at("counts"), i) == static_cast<int64_t>(expected[i].kept.size()));
        for (int32_t token : expected[i].kept) CHECK(element(kept.at("ids"), id++) == token);
      }
      ++branch;
    }
    CHECK(branch == made.reference.size());
  });
}

TEST_CASE("each turn of NeMo-Gym and ATIF carries its whole prompt and what it sampled") {
  each_case([](const Case& made) {
    const OrderedJson nemo = row_of("nemo_gym_rollouts", made.item(0)), atif = row_of("atif", made.item(0));
    std::vector<OrderedJson> items, steps;
    for (const OrderedJson& item : nemo.at("response").at("output"))
      if (item.contains("generation_token_ids")) items.push_back(item);
    for (const OrderedJson& step : atif.at("steps"))
      if (step.contains("metrics")) steps.push_back(step.at("metrics"));
    size_t turn = 0;
    for (size_t s = 0; s < made.sequences.size(); ++s) {
      const std::vector<Token>& tokens = made.reference[s];
      for (const TurnSpan& span : made.sequences[s].turns) {
        const OrderedJson &item = items.at(turn), &step = steps.at(turn);
        ++turn;
        REQUIRE(static_cast<int64_t>(item.at("prompt_token_ids").size()) == span.sampled);
        CHECK(item.at("prompt_token_ids") == step.at("prompt_token_ids"));
        CHECK(item.at("generation_token_ids") == step.at("completion_token_ids"));
        for (int64_t i = 0; i < span.end; ++i) {
          const Token& token = tokens[static_cast<size_t>(i)];
          CHECK((i < span.sampled ? item.at("prompt_token_ids")[static_cast<size_t>(i)] : item.at("generation_token_ids")[static_cast<size_t>(i - span.sampled)]) == token.id);
          if (i >= span.sampled) CHECK(item.at("generation_log_probs")[static_cast<size_t>(i - span.sampled)].get<float>() == token.log_probability);
          if (recorded(tokens) && token.experts) CHECK(flat(item.at("routed_experts")[static_cast<size_t>(i)]) == *token.experts);
        }
        CHECK(item.contains("routed_experts") == recorded(tokens));
        if (recorded(tokens)) {
          CHECK(static_cast<int64_t>(item.at("routed_experts").size()) == span.end);
          const OrderedJson& extra = step.at("extra");
          const int64_t from = extra.at("routed_experts_from");
          CHECK(extra.at("routed_experts").at("shape")[0] == span.end - 1 - from);
          for (int64_t i = from; i < span.end - 1; ++i)
            for (size_t k = 0; k < 6; ++k) CHECK(element(extra.at("routed_experts"), static_cast<size_t>(i - from) * 6 + k) == tokens[static_cast<size_t>(i)].experts->at(k));
        }
      }
    }
    CHECK(turn == items.size());
    CHECK(turn == steps.size());
  });
}

}  // namespace
}  // namespace assay
