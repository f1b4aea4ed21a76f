// Plays every attack against every wall (tests/sandbox/escape/attack.h).
#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "sandbox/backend.h"
#include "tests/sandbox/escape/attack.h"

using namespace assay;
using namespace assay::escape;

namespace {

std::string program_path() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "escape_inside").string();
}

const std::string& program() {
  static const std::string bytes = [] {
    std::ifstream in(program_path(), std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  }();
  return bytes;
}

Walls without(const std::vector<std::string>& names, const std::string& but = "") {
  Walls out = Walls::all();
  for (const std::string& name : names)
    if (name != but) out = out.without(wall_named(name).value());
  return out;
}

// In a process of its own, since some scenes change the process that makes them. An Outcome.
int play_here(const Attack& attack, Walls walls) {
  Scene scene;
  scene.arguments["self"] = program_path();
  if (attack.prepare) attack.prepare(scene);
  const auto executor = make_executor("native", {.walls = walls});
  if (!executor.ok()) return kBroken;
  WorkspaceOptions options;
  options.limits = attack.limits;
  options.limits.disk_bytes += static_cast<int64_t>(program().size());
  const auto workspace = (*executor)->workspace(options);
  if (!workspace.ok() || !(*workspace)->write("work/attack", program(), true).ok()) return kBroken;
  RunRequest request{.argv = {"./attack", attack.name}, .limits = attack.limits};
  for (const auto& [key, value] : scene.arguments) request.argv.push_back(key + "=" + value);
  const Result<RunResult> run = (*executor)->run(request, **workspace);
  if (run.ok() && run->end == RunEnd::kExited && (run->exit_code == kUnsupported || run->exit_code == kBroken || run->exit_code > kUnsupported)) {
    if (run->exit_code != kUnsupported) std::printf("    %s", run->err.text().c_str());
    return run->exit_code;
  }
  if (attack.judge) return attack.judge(scene, run, **workspace) ? kSucceeded : kStopped;
  if (!run.ok()) std::printf("    %s: %s\n", attack.name.c_str(), run.error().text().c_str());
  return run.ok() ? (run->succeeded() ? kSucceeded : kStopped) : kBroken;
}

int play(const Attack& attack, Walls walls) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int outcome = play_here(attack, walls);
    std::fflush(stdout);
    _exit(outcome);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : kBroken;
}

struct Finding {
  bool supported = true;
  std::vector<std::string> mismatches;
};

const char* text(int outcome) { return outcome == kSucceeded ? "succeeded" : outcome == kStopped ? "was stopped" : outcome == kUnsupported ? "is not possible here" : "broke"; }

Finding examine(const Attack& attack) {
  Finding out;
  const auto expect = [&](const std::string& when, Walls walls, int wanted) {
    const int outcome = play(attack, walls);
    if (outcome == kUnsupported && wanted == kSucceeded) out.supported = false;
    // What is not possible anyway is stopped, too.
    else if (outcome != wanted && !(wanted == kStopped && outcome == kUnsupported)) out.mismatches.push_back(when + " it " + text(outcome));
  };
  expect("with all walls out that stop it,", without(attack.walls), kSucceeded);
  if (!out.supported) return out;
  expect("behind every wall", Walls::all(), kStopped);
  if (attack.walls.size() > 1)
    for (const std::string& wall : attack.walls) expect("with only '" + wall + "' put back,", without(attack.walls, wall), kStopped);
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

const Attack& named(const std::string& name) {
  for (const auto& family : attacks::all())
    for (const Attack& attack : family)
      if (attack.name == name) return attack;
  FAIL("no attack " << name);
  throw 0;
}

bool works() {
  REQUIRE(program().size() > 1000);
  const auto executor = make_executor("native");
  if (!executor.ok()) std::printf("skipped: the escape suite: %s\n", executor.error().text().c_str());
  return executor.ok();
}

}  // namespace

TEST_CASE("every attack is stopped by every one of its walls, and by nothing else", "[escape]") {
  if (!works()) return;
  int held = 0, skipped = 0;
  std::set<std::string> names, used;
  for (const auto& family : attacks::all()) {
    for (const Attack& attack : family) {
      CHECK(names.insert(attack.name).second);
      const Finding finding = examine(attack);
      if (!finding.supported) {
        ++skipped;
        std::printf("skipped: attack '%s': this kernel does not have what it needs\n", attack.name.c_str());
        continue;
      }
      held += finding.mismatches.empty();
      used.insert(attack.walls.begin(), attack.walls.end());
      INFO(attack.name << ", declared to be stopped by: " << joined(attack.walls));
      for (const std::string& mismatch : finding.mismatches) {
        std::printf("    MISMATCH %s: %s\n", attack.name.c_str(), mismatch.c_str());
        CHECK(mismatch == "");
      }
      std::printf("attack '%s': stopped by each of: %s\n", attack.name.c_str(), joined(attack.walls).c_str());
    }
  }
  std::printf("%d attacks held and %d controls as declared, %d skipped\n", held, held, skipped);
  CHECK(held >= 60);
  // A wall that no attack tries is not known to stand.
  for (std::string_view wall : kWallNames) CHECK(used.count(std::string(wall)) == 1);
}

TEST_CASE("a wrong declaration is noticed", "[escape]") {
  if (!works()) return;
  Attack too_few = named("reads a file of the host that everybody may read");
  too_few.walls = {"mount"};
  CHECK(examine(too_few).mismatches.size() == 1);   // Landlock still stops the control
  Attack too_many = named("makes a user namespace");
  too_many.walls = {"seccomp", "uts"};
  CHECK(examine(too_many).mismatches.size() == 1);   // the host's name is no wall against it
  Attack harmless = named("who am I");
  harmless.inside = nullptr;
  harmless.name = "no such attack";
  CHECK_FALSE(examine(harmless).mismatches.empty());
}
