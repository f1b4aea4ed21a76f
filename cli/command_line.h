// The command line as a value: the global options and every verb with its options, declared once, for parsing and for whatever
// describes it (help, completions, the manual page).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"

namespace CLI {
class App;
}

namespace assay {

class CommandLine {
 public:
  explicit CommandLine(std::atomic<bool>* cancelled);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  const Context& context() const { return context_; }
  CLI::App& app() { return *app_; }

  // Parses, runs and reports: the exit status of the program.
  int run(int argc, char** argv);
  // Whether words after the name of the program would be taken, without running anything.
  Status check(const std::vector<std::string>& words);

 private:
  int usage_error(const std::string& what);

  std::unique_ptr<CLI::App> app_;
  Context context_;
  bool version_ = false;
  std::map<CLI::App*, std::function<Result<int>()>> verbs_;
};

}  // namespace assay
