// Running programs that nobody trusts. Declared here so that tools and verifiers run programs without knowing how;
// implemented in sandbox/.
//
// An Error (boundary kSandbox) means that the machinery failed: no program is to blame, and no reward may follow from it.
// Whatever a program did, even to its own end, is a RunResult.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/json.h"

namespace assay {

// Bounds of one run, all of its processes together unless said otherwise. None may be zero.
struct RunLimits {
  int64_t wall_ms = 60'000;
  int64_t cpu_ms = 120'000;
  int64_t memory_bytes = int64_t{1} << 30;   // files in the workspace's upper layer count, too
  int64_t processes = 128;                   // threads count
  int64_t cores = 2;                         // of processor time a second
  int64_t output_bytes = 16 << 20;           // of one stream; more ends the run
  int64_t kept_bytes = 64 << 10;             // of one stream: half from its head, half from its tail
  int64_t file_bytes = 256 << 20;            // of one file
  int64_t disk_bytes = 512 << 20;            // of the workspace's upper layer
  int64_t files = 100'000;                   // in the workspace's upper layer
  int64_t open_files = 1024;                 // of one process
};

struct RunRequest {
  std::vector<std::string> argv;                     // argv[0] is looked up in PATH
  std::map<std::string, std::string> environment;    // beside PATH, HOME, USER, LANG, TMPDIR; nothing of the host's is passed on
  std::string directory = "/work";                   // inside
  std::string input;                                 // standard input of run(); at its end comes end-of-file
  RunLimits limits;
  std::vector<std::string> registries;               // host names that may be reached, through a proxy; none: no network
  std::string log;                                   // base path for full logs: PATH.out.zst and PATH.err.zst; empty: none kept
};

struct StreamResult {
  std::string head, tail;   // the whole stream is in `head` where it fits into kept_bytes
  int64_t bytes = 0;
  // Head, a line that says how much is missing, tail.
  std::string text() const;
  std::string first_line() const;   // without its end
};

enum class RunEnd { kExited, kSignalled, kLimit };

struct RunResult {
  RunEnd end = RunEnd::kExited;
  int exit_code = 0;                      // kExited
  int signal = 0;                         // kSignalled
  std::string limit;                      // kLimit: "wall", "cpu", "memory", "output"
  std::vector<std::string> touched;       // limits that refused something without ending the run: "processes", "disk", "files", …
  int64_t wall_us = 0, cpu_us = 0;
  int64_t peak_memory_bytes = 0;
  int64_t written_bytes = 0;              // by which the workspace grew
  StreamResult out, err;
  std::vector<std::string> refused;       // connection attempts, "203.0.113.7:443" or "example.org:443", each once, at most 64
  std::string backend;                    // "native", …
  std::vector<std::string> missing_walls; // protections this run did not have; a backend without isolation names them all

  bool succeeded() const { return end == RunEnd::kExited && exit_code == 0; }
};

OrderedJson to_json(const RunResult& result);

// A tree of files that survives runs: read-only layers with one writable layer on top. Used by one thread at a time, and by
// one run at a time. Destroying it discards the writable layer.
class Workspace {
 public:
  virtual ~Workspace() = default;

  struct Change {
    enum class Kind { kAdded, kChanged, kRemoved } kind = Kind::kAdded;
    std::string path;          // from the root, without a leading slash: "work/answer.txt"
    char type = 'f';           // 'f' file, 'd' directory, 'l' link, 'o' other
    int64_t bytes = 0;
    bool executable = false;
  };
  // What the writable layer (and frozen ones since the workspace was made) changed, sorted by path.
  virtual Result<std::vector<Change>> changes() = 0;
  // The bytes of a regular file as a run would see it, never through a link; at most `limit`, more is an error.
  virtual Result<std::string> read(const std::string& path, int64_t limit) = 0;
  virtual Status write(const std::string& path, std::string_view bytes, bool executable = false) = 0;
  // An independent copy of the present state, for milliseconds whatever its size.
  virtual Result<std::unique_ptr<Workspace>> fork() = 0;
};

// A program that is running, talked to over its standard streams. Destroying it kills the whole tree and waits until it is gone.
class Process {
 public:
  virtual ~Process() = default;
  virtual Status write(std::string_view bytes) = 0;
  virtual Status close_input() = 0;
  // One line of standard output without its end, or nothing when the program ended or `timeout_ms` passed (see ended()).
  // A line longer than `limit` bytes is an error.
  virtual Result<std::string> read_line(int64_t timeout_ms, int64_t limit = 16 << 20) = 0;
  virtual bool ended() const = 0;
  virtual Status signal(int number) = 0;     // to the program itself, not its children
  // Waits for the end, or ends it (`kill`), and says what happened.
  enum class How { kWait, kKill };
  virtual Result<RunResult> finish(How how) = 0;
};

struct WorkspaceOptions {
  std::vector<std::string> layers;    // identities from add_layer(), lowest first
  bool host_programs = true;          // the host's /usr, read-only; false: the layers bring their own
  RunLimits limits;                   // disk_bytes and files bound the writable layer
};

// Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual std::string backend() const = 0;
  // Copies a directory of the host into a read-only layer, in which it lies below `inside` ("work", or "" for a whole root).
  // Returns the layer's identity: a hash of names, kinds, contents and executable bits. The same tree is kept once.
  virtual Result<std::string> add_layer(const std::string& directory, const std::string& inside) = 0;
  // Freezes what a workspace changed at and below `paths` ("work/deps"; none: anywhere) since it was made into a layer, which
  // above the workspace's own layers shows the same files again, and none where one was removed. Sockets and pipes are
  // not kept; times of files are, without being part of the identity. The workspace goes on unchanged.
  virtual Result<std::string> keep(Workspace& workspace, const std::vector<std::string>& paths) = 0;
  virtual Result<std::unique_ptr<Workspace>> workspace(const WorkspaceOptions& options) = 0;
  virtual Result<std::unique_ptr<Process>> start(const RunRequest& request, Workspace& workspace) = 0;
  // start, hand over the input, finish.
  Result<RunResult> run(const RunRequest& request, Workspace& workspace);
};

}  // namespace assay
