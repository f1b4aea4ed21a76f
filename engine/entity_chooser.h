// The skeleton of policies that fill an answer's slots without reasoning: list what there is, choose, submit. Generic
// over domains: it knows the answer's shape and what tools declare they reveal, and reaches everything through tool
// calls. Tools that are made from others it plays as if it knew how (engine/plain_script.h).
//
// Fields are filled by depth of scope (first those without one, then those scoped by them, …), and within a depth in
// the order of groups, then of fields. A slot's candidates are the entities of its table (in its scope, if it has one)
// that no slot filled before names; all of them if none is left; and "" if the list is empty. With one table at one
// depth, as usual, this is the consistent random chooser of the certificate when `choose` draws uniformly.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/script.h"
#include "envs/task.h"

namespace assay {

struct Candidate {
  std::string name;
  std::optional<double> value;  // of the field's preferred column, when it was asked for and is there
};

// Which of the candidates (at least one, in the order listed) fills a slot of this field.
using Choose = std::function<size_t(const AnswerField& field, std::span<const Candidate* const> candidates)>;

struct ChooserOptions {
  // Of each list, so many candidates are looked up in a tool that reveals the field's preferred column.
  size_t lookups_per_list = 0;
};

// Ends with boundary kPolicy if the tools' declarations do not suffice or a list that they return cannot be read.
Script choose_entities(const TaskView& task, ChooserOptions options, Choose choose);

}  // namespace assay
