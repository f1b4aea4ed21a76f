// What makes two environments, or two domains, different in kind: not names and rows, but tables, tools and rules.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "envs/environment.h"
#include "synth/domain.h"

namespace assay {

// Identity of an environment without its rows: its domain (which sets the rules), its schema and its tools as agents see them.
std::string structure_of(const Environment& environment);
// Identity of its rows alone.
std::string database_of(const Environment& environment);

// A domain without any name, label, unit or constant of its own: what it consists of, item by item, each a bag of words of ours.
struct Features {
  enum Of { kTables, kColumns, kTools, kRules, kAnswers, kGroups };
  using Item = std::vector<uint64_t>;   // hashes of words, ascending
  std::array<std::vector<Item>, kGroups> items;
};
// Tables: types of columns, digits, key, and the foreign-key graph around each. Columns: those of all tables together. Tools: effect,
// kind, types of parameters, what is revealed and what is written. Rules: templates, requests and the like, by operators and shape.
// Answers: archetypes and the shape of what they ask for.
Features features_of(const Domain& domain);

// 0 (nothing in common) to 1 (the same but for names). Items are matched one to one, the most alike first (twice the words in common
// over the sum of both, squared); a group counts twice what its matches come to over the number of items of both, and the groups are
// averaged by weight. Copies with another column in every table, or with tools and templates changed, come to 0.94 and more.
double similarity(const Features& a, const Features& b);
// From here on two domains count as one structure.
inline constexpr double kAlike = 0.85;

}  // namespace assay
