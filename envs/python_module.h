// A Python module that nobody trusts, in a sandboxed process of its own, whose functions are called over a pipe
// (envs/interpreter/functions.py). It has the standard library and what it is given; no file, no network, no other process.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "envs/executor.h"
#include "envs/tool.h"

namespace assay {

inline constexpr int64_t kModuleBytes = 256 << 10;   // of the text of a module

struct ModuleOptions {
  std::string_view database;          // an SQLite image (Database::bytes()), of which the module has a copy in memory; empty: none
  bool calls_alone = false;           // no call sees what another has done
  uint64_t hash_seed = 0;             // of the order of sets: what follows it differs from seed to seed (0 to 4294967295)
  int64_t call_ms = 10'000;           // of processor time that one call takes; it may last six times as long on the clock
  int64_t memory_bytes = 256 << 20;
  int64_t value_bytes = 256 << 10;    // of what one call returns, as JSON
};

struct ModuleCall {
  std::string function;
  std::vector<std::string> given;     // what comes before the values: "db", "random", "tools"
  Json values = Json::array();
  Json named = Json::object();
  uint64_t seed = 0;                  // of "random"
  bool writes = false;                // whether the database may be changed; what a call that raises has changed is undone
};

// What became of a call. Without a value there is a code: "rejected" (a ValueError: how a function refuses its arguments), "raised" (another
// exception), "not_json", "no_function"; and, which end the process, "does_not_load", "too_large", "too_many_calls", "timed_out", "out_of_memory", "died",
// "tried_files", "tried_network", "tried_processes", "tried_native" (it reached for what is not there).
struct ModuleResult {
  std::string value;   // JSON, as Python writes it
  std::string code, text;

  bool returned() const { return code.empty(); }
  std::string problem() const { return code + ": " + text; }
};

// Used by one thread. An Error is the sandbox's, or of whoever answers `tools`.
class PythonModule {
 public:
  using AnswerTool = std::function<Result<Observation>(const std::string& tool, const std::string& arguments)>;

  // Nothing is started before the first call. `executor` is borrowed.
  PythonModule(Executor& executor, std::string text, const ModuleOptions& options);
  ~PythonModule();

  // A module whose process has ended is started afresh, as if nothing had been called.
  Result<ModuleResult> call(const ModuleCall& call, const AnswerTool& tools = nullptr);
  // Rows of the database that differ from what they were: [[table, row before, row now] …], a row that is not there being [].
  Result<ModuleResult> touched();
  // Forgets all calls. What follows has the next hash seed.
  void restart();

 private:
  Result<ModuleResult> start();
  Result<ModuleResult> converse(const Json& request, const AnswerTool& tools);
  Result<ModuleResult> end(bool timed_out);

  Executor& executor_;
  const std::string text_, database_;
  ModuleOptions options_;
  std::unique_ptr<Workspace> workspace_;
  std::unique_ptr<Process> process_;
};

}  // namespace assay
