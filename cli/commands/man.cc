// assay man: the manual page, for man(1): assay man | man -l -
#include <CLI/CLI.hpp>

#include "cli/command_line.h"
#include "cli/manual.h"
#include "envs/base/version.h"

namespace assay::commands::man {
namespace {

int run(const Context& context) {
  const std::string page = manual_page(table_of(CommandLine(nullptr).app()), build_info().version);
  if (context.json) context.result({{"page", page}});
  else std::fwrite(page.data(), 1, page.size(), stdout);
  return kDone;
}

}  // namespace

Command make() {
  return {"man", "Print the manual page: assay man | man -l -", 97, [](CLI::App&, Context& context) {
            return [&context]() -> Result<int> { return run(context); };
          }};
}

}  // namespace assay::commands::man
