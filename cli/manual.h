// The manual page, in man(7).
#pragma once

#include <string>

#include "cli/command_table.h"

namespace assay {

std::string manual_page(const VerbText& table, const std::string& version);

}  // namespace assay
