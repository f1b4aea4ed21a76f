// assay env: environments over standard input and output, as JSON lines (cli/env_server.h has the protocol).
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstring>

#include "cli/command.h"
#include "cli/env_server.h"
#include "cli/lines.h"
#include "cli/selection.h"

namespace assay::commands::env {
namespace {

Status write_line(std::string line) {
  line += '\n';
  if (std::fwrite(line.data(), 1, line.size(), stdout) == line.size() && std::fflush(stdout) == 0) return {};
  return make_error(Boundary::kInternal, std::strerror(errno), "standard output");
}

Result<int> run(const TaskSelection& selection, const Context& context) {
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kMustExist, system_clock()));
  ASSAY_ASSIGN(std::vector<TaskRow> tasks, select_tasks(*store, selection, context.limit));
  DatabaseCache databases(*store, context.sandbox);
  EnvServer server(databases, std::move(tasks));
  LineReader lines(stdin, EnvServer::kLineBytes, context.cancelled);
  std::string line;
  while (!context.stopped()) {
    const LineReader::Outcome outcome = lines.next(line);
    if (outcome == LineReader::Outcome::kEnd) break;
    if (outcome == LineReader::Outcome::kFailed)
      return make_error(Boundary::kInternal, std::strerror(errno), "standard input");
    if (outcome == LineReader::Outcome::kTooLong) {
      ASSAY_TRY(write_line(server.refuse_long_line()));
    } else if (line.find_first_not_of(" \t") != std::string::npos) {
      ASSAY_TRY(write_line(server.answer(line)));
    }
  }
  return static_cast<int>(kDone);
}

}  // namespace

Command make() {
  return {"env", "Environments as JSON lines on standard input and output", 50, [](CLI::App& app, Context& context) {
            auto selection = std::make_shared<TaskSelection>();
            selection->declare(app);
            return [selection, &context] { return run(*selection, context); };
          }};
}

}  // namespace assay::commands::env
