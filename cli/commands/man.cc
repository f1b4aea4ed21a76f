// assay man: the manual page, for man(1): assay man | man -l -
#include <CLI/CLI.hpp>

#include "cli/command_line.h"
#include "cli/manual.h"
#include "envs/base/version.h"

namespace assay::commands::man {
namespace {

int run(bool schema, const Context& context) {
  if (schema) {
    const std::string_view text = output_schemas().front().text;
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kDone;
  }
  const std::string page = manual_page(table_of(CommandLine(nullptr).app()), build_info().version);
  if (context.json) context.result({{"page", page}});
  else std::fwrite(page.data(), 1, page.size(), stdout);
  return kDone;
}

}  // namespace

Command make() {
  return {"man", "Print the manual page: assay man | man -l -", 97, [](CLI::App& app, Context& context) {
            auto schema = std::make_shared<bool>(false);
            app.add_flag("--schema", *schema, "Print a JSON Schema of what every verb prints with --json");
            return [schema, &context]() -> Result<int> { return run(*schema, context); };
          }};
}

}  // namespace assay::commands::man
