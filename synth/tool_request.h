// Calls that a program can make of a tool by what the tool declares to reveal; shared by all that learn through tools.
#pragma once

#include <set>

#include "envs/table.h"
#include "envs/tool.h"

namespace assay {

// A call, and the reveal it is made for.
struct ToolRequest {
  const ToolSpec* tool = nullptr;
  const Reveal* reveal = nullptr;
  Json arguments = Json::object();
};

// A parameter that takes a list of words of an enumeration: which pieces of information to return.
bool is_keyword_list(const Json& property);

// Whether a program can make this call: parameters besides those of `reveal.given` are keyword lists, or need not be given.
bool usable(const ToolSpec& tool, const Reveal& reveal);

// Whether the call's arguments say everything that the reveal is given.
bool applies(const Reveal& reveal, const Json& arguments);

// Asks, in the keyword lists that have no argument yet, for the words that reveal `columns` of the table.
void ask_for(const std::set<int>& columns, const TableSpec& spec, ToolRequest& request);

}  // namespace assay
