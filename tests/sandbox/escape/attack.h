// Attacks on the sandbox: each a small program that runs inside, the victim it is after, and the walls that stop it.
//
// The set of walls is exact. With all of them taken out, and every other wall staying, the attack succeeds, so the probe is
// known to work; with any one of them put back, it fails. Victims are the test's own; bombs are bounded.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "envs/executor.h"
#include "sandbox/walls.h"

namespace assay::escape {

using Arguments = std::map<std::string, std::string>;

// How the program inside ends.
enum Outcome { kSucceeded = 0, kStopped = 1, kBroken = 2, kUnsupported = 3 };

// What the test makes on the host before an attack, and looks at afterwards. Everything is removed at the end.
class Scene {
 public:
  Scene();
  ~Scene();

  std::string file(int mode, const std::string& text = "secret");   // its path, in a folder that everybody may enter
  std::string file_in(const std::string& folder, int mode);          // in a folder of the system's, for which there is no other place
  int process();                                                     // sleeps, as root
  int tcp(bool six = false);                                         // port of a listener on the loopback
  int udp();
  std::string abstract_socket();
  std::string path_socket();
  std::string fifo();
  int shared_memory(), semaphore(), message_queue();                 // System V keys
  std::string posix_queue();
  int descriptor();                                                  // an inherited one on a secret file
  std::string cgroup();                                              // path of its pids.max, which says 10
  std::string device();                                              // a harmless node in the host's /dev
  std::string set_user_id_program(const std::string& program);       // a copy below /usr/local, owned by root
  std::string terminal();                                            // makes a terminal the controlling one of this process

  bool reached() const;              // somebody has connected or sent something
  bool alive(int process) const;
  std::string text_of(const std::string& path) const;
  std::string terminal_text() const;

  Arguments arguments;               // for the program inside; filled by the attack's prepare()

 private:
  struct State;
  State* state_;
};

struct Attack {
  std::string name;
  std::vector<std::string> walls;                                       // by name; all of them must be out for it to succeed
  std::function<int(const Arguments&)> inside;                          // an Outcome
  std::function<void(Scene&)> prepare;
  // Whether it succeeded, by the victim's state. Without it the program's own outcome counts.
  std::function<bool(Scene&, const Result<RunResult>&, Workspace&)> judge;
  RunLimits limits = {.wall_ms = 10'000};
};

namespace attacks {
std::span<const std::vector<Attack>> all();   // generated from attacks/
}

}  // namespace assay::escape
