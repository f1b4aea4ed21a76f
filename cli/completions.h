// Scripts by which shells complete what is typed: verbs and options by name, files wherever a value is expected.
#pragma once

#include <string>

#include "cli/command_table.h"

namespace assay {

std::string bash_completions(const VerbText& table);
std::string zsh_completions(const VerbText& table);
std::string fish_completions(const VerbText& table);

}  // namespace assay
