// Canaries: two tests that run along with the others, one that must pass and one that must fail. Their names are drawn anew for
// every run from ordinary words. Whatever makes a failing test pass, hides tests or invents a report must tell them from the
// others to stay unseen. They are worth most in the process of the tests that count, so they go into or beside a test file of the
// plan's (TestCommand::beside). One file a framework in verifiers/canaries/, which defines `CanaryWriter make()`.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "envs/base/rng.h"
#include "verifiers/test_plan.h"

namespace assay {

struct Canary {
  std::string passes, fails;                     // what their ids end with, whatever the parser puts before it
  std::map<std::string, std::string> files;      // path from kTestDirectory, or absolute -> its bytes; none of these exists yet
  std::map<std::string, std::string> appended;   // path of an existing test file -> what is put at its end
  TestCommand command;                           // which runs them along
};

struct CanaryWriter {
  std::string name;      // "pytest"
  std::string summary;   // how they run along, and what a command must look like for it
  std::function<Result<Canary>(const TestCommand& command, Rng rng)> write;   // fails for a command it cannot join
};

namespace canaries {
std::span<const CanaryWriter> all();  // generated from the folder
}

Result<const CanaryWriter*> find_canary_writer(std::string_view name);

// The canary that the command asks for; a pure function of both arguments. Files are laid out before the command runs, and where the
// writer says so (its summary), before the plan's build.
Result<Canary> make_canary(const TestCommand& command, uint64_t seed);

}  // namespace assay
