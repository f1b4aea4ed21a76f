// What makes two environments, or two domains, different in kind: not names and rows, but tables, tools and rules.
#pragma once

#include <array>
#include <map>
#include <string>

#include "envs/environment.h"
#include "synth/domain.h"

namespace assay {

// Identity of an environment without its rows: its domain (which sets the rules), its schema and its tools as agents see them.
std::string structure_of(const Environment& environment);
// Identity of its rows alone.
std::string database_of(const Environment& environment);

// A domain without any name, label, unit or constant of its own: how often each feature occurs, by what it is a feature of.
struct Features {
  enum Of { kTables, kColumns, kTools, kRules, kAnswers, kGroups };
  std::array<std::map<std::string, int>, kGroups> counts;
};
// Tables: the foreign-key graph, each table by the types of its columns and of the tables around it. Columns: type, digits, part in
// the key. Tools: effect, kind, types of parameters, what is revealed and what is written. Rules: templates, requests and the like, by operators
// and shape. Answers: archetypes and the shape of what they ask for.
Features features_of(const Domain& domain);

// 0 (nothing in common) to 1 (the same but for names): per group twice what is common over the sum of both, averaged by weight.
double similarity(const Features& a, const Features& b);
// From here on two domains count as one structure.
inline constexpr double kAlike = 0.85;

}  // namespace assay
