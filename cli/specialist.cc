#include "cli/specialist.h"

#include <map>

#include "synth/problem.h"

namespace assay {
namespace {

// "assay 0.1.0; …; problem prime_gaps 1" -> "number theory".
std::string family_of(const std::string& versions) {
  const std::string mark = "; problem ";
  const size_t at = versions.find(mark);
  if (at == std::string::npos) return "";
  const size_t begin = at + mark.size();
  const std::string name = versions.substr(begin, versions.find(' ', begin) - begin);
  for (const Problem& problem : problems::all())
    if (problem.name == name) return problem.family;
  return "";
}

}  // namespace

const std::vector<std::pair<std::string, std::string>>& specialists() {
  static const std::vector<std::pair<std::string, std::string>> all = {
      {"mathematics", "compute: number theory, combinatorics, linear algebra, optimisation, statistics"},
      {"programming", "compute: simulation, tables"},
      {"logic", "compute: logic"},
      {"general_agent", "select, schedule, operate: plans and requests to be carried out with tools"},
      {"agentic_coding", "repair: mined changes, judged by tests"},
      {"agentic_search", "query: questions to be answered from what tools tell"}};
  return all;
}

std::string specialist_of(const Task& task, const Certificate& certificate) {
  static const std::map<std::string, std::string> by_archetype = {{"select", "general_agent"}, {"schedule", "general_agent"}, {"operate", "general_agent"},
                                                                  {"repair", "agentic_coding"}, {"query", "agentic_search"}};
  static const std::map<std::string, std::string> by_family = {
      {"number theory", "mathematics"}, {"combinatorics", "mathematics"}, {"linear algebra", "mathematics"}, {"optimisation", "mathematics"},
      {"statistics", "mathematics"},    {"simulation", "programming"},    {"tables", "programming"},         {"logic", "logic"}};
  const auto& names = task.archetype == "compute" ? by_family : by_archetype;
  const auto found = names.find(task.archetype == "compute" ? family_of(certificate.versions) : task.archetype);
  return found == names.end() ? "" : found->second;
}

}  // namespace assay
