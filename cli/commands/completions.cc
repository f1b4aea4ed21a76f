// assay completions SHELL: a script for the shell, on standard output.
#include <CLI/CLI.hpp>

#include "cli/command_line.h"
#include "cli/completions.h"

namespace assay::commands::completions {
namespace {

int run(const std::string& shell, const Context& context) {
  const VerbText table = table_of(CommandLine(nullptr).app());
  const std::string script = shell == "bash" ? bash_completions(table) : shell == "zsh" ? zsh_completions(table) : fish_completions(table);
  if (context.json) context.result({{"shell", shell}, {"script", script}});
  else std::fwrite(script.data(), 1, script.size(), stdout);
  return kDone;
}

}  // namespace

Command make() {
  return {"completions", "Print completions for a shell", 96, [](CLI::App& app, Context& context) {
            auto shell = std::make_shared<std::string>();
            app.add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
            return [shell, &context]() -> Result<int> { return run(*shell, context); };
          }};
}

}  // namespace assay::commands::completions
