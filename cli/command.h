// Sub-commands: one file each in cli/commands/, which defines `Command make()`.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "envs/base/json.h"

namespace CLI {
class App;
}

namespace assay {

// What every verb gets. `--json` prints one object on standard output and moves all else to standard error.
struct Context {
  std::string store = "assay.db";
  bool json = false;
  std::string sandbox;     // how programs are isolated: a backend's name; empty: native
  uint64_t seed = 0;
  int jobs = 0;            // 0: one per core
  int64_t limit = -1;      // -1: no limit
  std::atomic<bool>* cancelled = nullptr;  // set by Ctrl-C; long verbs stop at the next item, flush and say how to go on

  // For people: to standard output, or to standard error with --json.
  void say(const std::string& line) const;
  // The result: printed as one line with --json, ignored otherwise.
  void result(const OrderedJson& object) const;
  bool stopped() const;    // Ctrl-C was pressed
  int threads() const;     // `jobs`, with 0 resolved
  // "assay VERB …" with this store named if it is not the default: a command to suggest.
  std::string command(const std::string& verb_and_options) const;
};

// One value on one line of standard output, flushed. Bytes that are not UTF-8 are replaced.
void write_json_line(const OrderedJson& object);
// {"boundary", "message", "try"?}.
OrderedJson to_json(const Error& error);

// Exit status: 0 done, 1 some of the work failed, 2 usage or bad input.
enum ExitStatus { kDone = 0, kSomeFailed = 1, kBadInput = 2 };

struct Command {
  std::string name;
  std::string summary;
  int order = 100;   // place in --help
  // Declares options on `app`; returns what runs when the verb is chosen.
  std::function<std::function<Result<int>()>(CLI::App& app, Context& context)> setup;
};

namespace commands {
std::span<const Command> all();  // generated from the folder
}

}  // namespace assay
