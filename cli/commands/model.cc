// assay model: the embedded engine by hand, step by step; its sub-commands stand in cli/model/commands/.
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/model/model_commands.h"

namespace assay::commands::model {

Command make() {
  return {"model", "Checkpoints, tokens, prompts and logits of the embedded engine, by hand", 105, [](CLI::App& app, Context& context) {
            std::vector<std::pair<CLI::App*, std::function<Result<int>()>>> verbs;
            for (const Command& command : model_commands::all()) {
              CLI::App* verb = app.add_subcommand(command.name, command.summary);
              verb->fallthrough();
              verbs.emplace_back(verb, command.setup(*verb, context));
            }
            app.require_subcommand(1);
            return [verbs] {
              for (const auto& [verb, run] : verbs)
                if (verb->parsed()) return run();
              return Result<int>(input_error("which one?", "model", "assay model --help"));
            };
          }};
}

}  // namespace assay::commands::model
