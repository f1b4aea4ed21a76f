// Sub-commands of `assay model`: one file each in cli/model/commands/, which defines `Command make()`.
#pragma once

#include "cli/command.h"

namespace assay::model_commands {
std::span<const Command> all();  // generated from the folder
}
