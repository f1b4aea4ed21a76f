// The walls around a confined program, by name. Each stands by itself: tests take out one after the other to show which
// attack it is that each one stops (tests/sandbox/escape/).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

enum class Wall : uint32_t {
  kMount,        // a root of its own, by overlayfs and pivot_root
  kReadOnly,     // the host's programs in it cannot be written
  kProc,         // the parts of /proc that speak of the whole machine are hidden or read-only
  kDev,          // a /dev with harmless devices only
  kMountFlags,   // no set-user-id programs and no devices on any file system inside
  kPid,          // a process namespace: others cannot be seen or signalled; the tree dies with its first process
  kNet,          // a network namespace with nothing but a loopback
  kIpc,          // System V objects and message queues of its own
  kUts,          // a host name of its own
  kCgroup,       // a cgroup namespace
  kUser,         // a user namespace: no right outside of it
  kUid,          // a user id that no other run and nobody on the host has
  kCapabilities, // none, not even in the bounding set
  kNoNewPrivs,   // set-user-id and file capabilities have no effect
  kSeccomp,      // system calls that a test suite needs, and no others
  kLandlock,     // writing outside of the workspace, abstract sockets and signals to others are refused once more
  kDescriptors,  // nothing that was open in the program that started it
  kSession,      // a session of its own, without a terminal
  kEnvironment,  // no variable of the host's
  kRlimits,      // core dumps, size of a file, open files
  kMemory,       // memory of the whole tree
  kProcesses,    // number of processes and threads
  kCpu,          // processor time of the whole tree
  kWall,         // time on the wall
  kDisk,         // bytes in the writable layer
  kFiles,        // number of files in the writable layer
  kOutput,       // bytes on standard output and error
  kReap,         // what the program leaves behind is killed at its end
  kCount
};

inline constexpr std::array<std::string_view, static_cast<size_t>(Wall::kCount)> kWallNames = {
    "mount", "read-only", "proc", "dev", "mount flags", "pid", "net", "ipc", "uts", "cgroup", "user", "uid", "capabilities",
    "no-new-privs", "seccomp", "landlock", "descriptors", "session", "environment", "rlimits", "memory", "processes", "cpu",
    "wall", "disk", "files", "output", "reap"};

class Walls {
 public:
  static Walls all() { return Walls((uint32_t{1} << static_cast<uint32_t>(Wall::kCount)) - 1); }
  static Walls none() { return Walls(0); }
  bool has(Wall wall) const { return bits_ >> static_cast<uint32_t>(wall) & 1; }
  Walls with(Wall wall) const { return Walls(bits_ | uint32_t{1} << static_cast<uint32_t>(wall)); }
  Walls without(Wall wall) const { return Walls(bits_ & ~(uint32_t{1} << static_cast<uint32_t>(wall))); }
  uint32_t bits() const { return bits_; }
  static Walls from_bits(uint32_t bits) { return Walls(bits & all().bits_); }
  std::vector<std::string> missing() const {
    std::vector<std::string> out;
    for (size_t i = 0; i < kWallNames.size(); ++i)
      if (!(bits_ >> i & 1)) out.emplace_back(kWallNames[i]);
    return out;
  }

 private:
  explicit Walls(uint32_t bits) : bits_(bits) {}
  uint32_t bits_;
};

inline std::optional<Wall> wall_named(std::string_view name) {
  for (size_t i = 0; i < kWallNames.size(); ++i)
    if (kWallNames[i] == name) return static_cast<Wall>(i);
  return std::nullopt;
}

}  // namespace assay
