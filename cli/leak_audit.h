// assay audit --leaks: is a fix, or a part of it, already in a directory?
#pragma once

#include <string>

#include "cli/command.h"
#include "cli/selection.h"

namespace assay {

struct LeakAudit {
  std::string directory;   // what is searched
  std::string patch;       // a file with the fix; empty: the gold and test patches of the selected task
  std::string base;        // the tree that the patch applies to; may be empty

  void declare(CLI::App& app);
  Result<int> run(TaskSelection& selection, const Context& context) const;
};

}  // namespace assay
