#include "sandbox/launcher/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "sandbox/launcher/files.h"
#include "sandbox/protocol.h"

namespace assay::launcher {
namespace {

constexpr int64_t kPeriodUs = 100'000;

// Mounted hierarchies: controller ("" for version 2) -> {mount point, root within the hierarchy}.
std::map<std::string, std::pair<std::string, std::string>> mounted() {
  std::map<std::string, std::pair<std::string, std::string>> out;
  std::istringstream lines(get("/proc/self/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, device, root, point, word, type, source, options;
    words >> id >> parent >> device >> root >> point;
    while (words >> word && word != "-") {}
    words >> type >> source >> options;
    if (type == "cgroup2") out.try_emplace("", point, root);
    if (type != "cgroup") continue;
    std::istringstream names(options);
    for (std::string name; std::getline(names, name, ',');) out.try_emplace(name, point, root);
  }
  return out;
}

// Where this process stands: controller ("" for version 2) -> path within the hierarchy.
std::map<std::string, std::string> own_paths() {
  std::map<std::string, std::string> out;
  std::istringstream lines(get("/proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::istringstream names(line.substr(first + 1, second - first - 1));
    const std::string path = line.substr(second + 1);
    if (second == first + 1) out[""] = path;
    for (std::string name; std::getline(names, name, ',');) out[name] = path;
  }
  return out;
}

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// The directory in which groups of `controller` can be made.
std::string place(const std::string& controller) {
  const auto mounts = mounted();
  const auto mount = mounts.find(controller);
  if (mount == mounts.end()) return "";
  std::string path = own_paths()[controller];
  const std::string& root = mount->second.second;
  if (root != "/" && path.starts_with(root)) path = path.substr(root.size());
  const std::string full = mount->second.first + (path == "/" ? "" : path);
  return exists(full) ? full : mount->second.first;
}

// The nearest directory above `from` whose children get these controllers: there, no process may stand.
std::string place_v2(const std::string& point, std::string from) {
  for (;;) {
    std::istringstream words(get(from + "/cgroup.subtree_control"));
    int found = 0;
    for (std::string word; words >> word;) found += word == "memory" || word == "pids" || word == "cpu";
    if (found == 3 || put(from + "/cgroup.subtree_control", "+memory +pids +cpu")) return from;
    if (from.size() <= point.size()) return "";
    from = from.substr(0, from.rfind('/'));
  }
}

std::string start_time(pid_t process) {
  const std::string stat = get("/proc/" + std::to_string(process) + "/stat");
  const size_t paren = stat.rfind(')');
  if (paren == std::string::npos) return "";
  std::istringstream words(stat.substr(paren + 2));
  std::string word;
  for (int i = 0; i < 20; ++i) words >> word;
  return word;
}

// Process ids are told apart by the namespace they are of: launchers in containers share these directories.
uint64_t process_namespace() {
  struct stat info {};
  return stat("/proc/self/ns/pid", &info) == 0 ? info.st_ino : 0;
}

std::vector<std::string> entries(const std::string& directory) {
  std::vector<std::string> out;
  if (DIR* open = opendir(directory.c_str())) {
    while (const dirent* each = readdir(open)) out.emplace_back(each->d_name);
    closedir(open);
  }
  return out;
}

void kill_members(const std::string& directory) {
  if (put(directory + "/cgroup.kill", "1")) return;
  std::istringstream lines(get(directory + "/cgroup.procs"));
  for (std::string line; std::getline(lines, line);)
    if (const int process = std::atoi(line.c_str()); process > 0) ::kill(process, SIGKILL);
}

bool remove_directory(const std::string& directory) {
  // A process that has just died may still count for a moment.
  for (int i = 0; i < 200; ++i) {
    if (rmdir(directory.c_str()) == 0 || errno == ENOENT) return true;
    if (errno != EBUSY) return false;
    usleep(i < 20 ? 200 : 5'000);
  }
  return false;
}

}  // namespace

CgroupRoots CgroupRoots::find() {
  CgroupRoots out;
  out.prefix = "assay-" + std::to_string(process_namespace()) + "-" + std::to_string(getpid()) + "-" + start_time(getpid()) + "-";
  const auto mounts = mounted();
  if (mounts.count("memory") && mounts.count("pids") && mounts.count("cpu")) {
    out.version = 1;
    out.memory = place("memory");
    out.processes = place("pids");
    out.cpu = place("cpu");
    out.cpuacct = mounts.count("cpuacct") ? place("cpuacct") : "";
  } else if (const auto two = mounts.find(""); two != mounts.end()) {
    const std::string found = place_v2(two->second.first, place(""));
    if (!found.empty()) {
      out.version = 2;
      out.memory = out.processes = out.cpu = out.cpuacct = found;
    } else {
      out.problem = make_error(Boundary::kSandbox, "no cgroup of version 2 here or above hands on memory, pids and cpu", two->second.first,
                               "move the processes of the container's root cgroup into a cgroup below it, or let the service have Delegate=yes");
    }
  } else {
    out.problem = make_error(Boundary::kSandbox, "no cgroups: neither version 2 nor version 1 with memory, pids and cpu is mounted", "", "mount -t cgroup2 none /sys/fs/cgroup");
  }
  for (const std::string& root : {out.memory, out.processes, out.cpu})
    if (!out.problem && access(root.c_str(), W_OK) != 0) out.problem = system_error("cgroups cannot be made", root, "a container must have /sys/fs/cgroup writable");
  if (out.problem) out.version = 0;
  return out;
}

int CgroupRoots::sweep() const {
  std::vector<std::string> roots{memory, processes, cpu, cpuacct};
  std::sort(roots.begin(), roots.end());
  roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
  int removed = 0;
  for (const std::string& root : roots) {
    if (root.empty()) continue;
    for (const std::string& name : entries(root)) {
      int process = 0, length = 0;
      unsigned long long start = 0, space = 0;
      if (std::sscanf(name.c_str(), "assay-%llu-%d-%llu-%n", &space, &process, &start, &length) < 3 || length == 0) continue;
      if (space != process_namespace()) continue;   // its launcher's number means nothing here: it may well live
      if (start_time(process) == std::to_string(start)) continue;   // its launcher lives
      kill_members(root + "/" + name);
      removed += remove_directory(root + "/" + name);
    }
  }
  return removed;
}

Result<Cgroup> Cgroup::create(const CgroupRoots& roots, int64_t number, const RunLimits& limits, Walls walls) {
  Cgroup out;
  out.version_ = roots.version;
  const std::string name = "/" + roots.prefix + std::to_string(number);
  const auto make = [&](const std::string& root) -> Result<std::string> {
    const std::string directory = root + name;
    if (std::find(out.directories_.begin(), out.directories_.end(), directory) != out.directories_.end()) return directory;
    if (mkdir(directory.c_str(), 0755) != 0) return system_error("the cgroup cannot be made", directory, errno == ENOSPC || errno == EAGAIN ? "fewer runs at once: cgroups are used up" : "assay doctor");
    out.directories_.push_back(directory);
    return directory;
  };
  const auto set = [&](const std::string& path, int64_t value) -> Status {
    if (!put(path, std::to_string(value))) return system_error("the limit cannot be set", path, "assay doctor");
    return {};
  };
  ASSAY_ASSIGN(out.memory_, make(roots.memory));
  ASSAY_ASSIGN(out.processes_, make(roots.processes));
  ASSAY_ASSIGN(out.cpu_, make(roots.cpu));
  if (!roots.cpuacct.empty()) {
    ASSAY_ASSIGN(out.cpuacct_, make(roots.cpuacct));
  }
  const bool two = roots.version == 2;
  if (walls.has(Wall::kMemory)) {
    ASSAY_TRY(set(out.memory_ + (two ? "/memory.max" : "/memory.limit_in_bytes"), limits.memory_bytes));
    // Swap would only let the limit be passed slowly; machines without it lack these files.
    put(out.memory_ + (two ? "/memory.swap.max" : "/memory.memsw.limit_in_bytes"), two ? "0" : std::to_string(limits.memory_bytes));
  }
  // One for the run's own init.
  if (walls.has(Wall::kProcesses)) ASSAY_TRY(set(out.processes_ + "/pids.max", limits.processes + 1));
  if (walls.has(Wall::kCpu)) {
    if (two) {
      if (!put(out.cpu_ + "/cpu.max", std::to_string(limits.cores * kPeriodUs) + " " + std::to_string(kPeriodUs)))
        return system_error("the limit cannot be set", out.cpu_ + "/cpu.max", "assay doctor");
    } else {
      ASSAY_TRY(set(out.cpu_ + "/cpu.cfs_quota_us", limits.cores * kPeriodUs));
    }
  }
  return out;
}

Status Cgroup::enter() const {
  if (version_ == 2) return {};
  for (const std::string& directory : directories_)
    if (!put(directory + "/tasks", "0")) return system_error("a process cannot be put into its cgroup", directory);
  return {};
}

Result<int> Cgroup::open_for_clone() const {
  if (version_ != 2) return -1;
  const int fd = open(directories_.front().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error("the cgroup cannot be opened", directories_.front());
  return fd;
}

int64_t Cgroup::cpu_us() const {
  if (cpuacct_.empty()) return -1;
  if (version_ == 2) return number_in(cpuacct_ + "/cpu.stat", "usage_usec");
  const int64_t ns = number_in(cpuacct_ + "/cpuacct.usage");
  return ns < 0 ? -1 : ns / 1000;
}

CgroupUsage Cgroup::usage() const {
  CgroupUsage out;
  out.cpu_us = cpu_us();
  const bool two = version_ == 2;
  out.peak_memory_bytes = number_in(memory_ + (two ? "/memory.peak" : "/memory.max_usage_in_bytes"));
  out.out_of_memory = number_in(memory_ + (two ? "/memory.events" : "/memory.oom_control"), "oom_kill") > 0;
  out.out_of_processes = number_in(processes_ + "/pids.events", "max") > 0;
  return out;
}

void Cgroup::kill() const {
  for (const std::string& directory : directories_) kill_members(directory);
}

bool Cgroup::remove() {
  bool good = true;
  for (const std::string& directory : directories_) good &= remove_directory(directory);
  directories_.clear();
  return good;
}

}  // namespace assay::launcher
