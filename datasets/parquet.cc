#include "datasets/parquet.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "envs/base/sibling_program.h"

extern char** environ;

namespace assay {
namespace {

constexpr size_t kSaidBytes = 4096;   // of what the program prints, which is a line

Error failure(const std::string& what, const std::string& where) { return make_error(Boundary::kStore, what, where, "free some space, or leave --parquet away"); }

Result<std::string> program_path(const std::string& program) {
  const std::optional<std::string> path = program.empty() ? sibling_program("assay-parquet") : program;
  if (path && ::access(path->c_str(), X_OK) == 0) return *path;
  return input_error("Parquet is written by the program assay-parquet, which is not there: this build found no Apache Arrow", program,
                     "JSON Lines, which every reader of Parquet here reads too; or pip install pyarrow, and build again with -DASSAY_PYARROW=FOLDER");
}

Result<pid_t> start(const std::vector<std::string>& command, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  std::vector<char*> argv;
  for (const std::string& each : command) argv.push_back(const_cast<char*>(each.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int code = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) return failure(std::string("cannot be started: ") + std::strerror(code), command[0]);
  return child;
}

// To the end of the pipe, keeping the beginning.
std::string read_all(int fd) {
  std::string said;
  std::array<char, kSaidBytes> block;
  for (ssize_t got = 1; got != 0;) {
    got = ::read(fd, block.data(), block.size());
    if (got < 0 && errno != EINTR) break;
    if (got > 0) said.append(block.data(), std::min(static_cast<size_t>(got), kSaidBytes - said.size()));
  }
  while (said.ends_with('\n')) said.pop_back();
  return said;
}

// Runs the program to its end: what it printed, or why it failed.
Result<std::string> run(const std::vector<std::string>& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failure(std::string("cannot make a pipe: ") + std::strerror(errno), command[0]);
  const Result<pid_t> child = start(command, ends[1]);
  ::close(ends[1]);
  const std::string said = child.ok() ? read_all(ends[0]) : "";
  ::close(ends[0]);
  if (!child.ok()) return child.error();
  int status = 0;
  while (::waitpid(*child, &status, 0) < 0 && errno == EINTR) {}
  if (WIFSIGNALED(status)) return failure("ended by signal " + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ")", command[0]);
  if (WEXITSTATUS(status) != 0) return failure(said.empty() ? "failed with exit status " + std::to_string(WEXITSTATUS(status)) : said, command[0]);
  return said;
}

class ParquetFile : public RowSink {
 public:
  ParquetFile(std::string program, const std::string& path)
      : program_(std::move(program)), path_(path), rows_path_(path + ".rows"), rows_(row_file(rows_path_, RowEncoding::kPlain)) {}
  ~ParquetFile() override { ::unlink(rows_path_.c_str()); }

  Status add(const OrderedJson& row) override {
    ++count_;
    return rows_->add(row);
  }

  Status finish() override {
    ASSAY_TRY(rows_->finish());
    ASSAY_ASSIGN(const std::string written, run({program_, rows_path_, path_}));
    if (written != std::to_string(count_)) return failure("wrote " + (written.empty() ? "nothing" : written) + " of " + std::to_string(count_) + " rows", program_);
    ::unlink(rows_path_.c_str());
    std::error_code error;
    bytes_ = static_cast<int64_t>(std::filesystem::file_size(path_, error));
    return error ? Status(failure("wrote no file: " + error.message(), path_)) : Status();
  }

  int64_t bytes() const override { return bytes_; }

 private:
  const std::string program_, path_, rows_path_;
  const std::unique_ptr<RowSink> rows_;
  int64_t count_ = 0, bytes_ = 0;
};

}  // namespace

Result<std::string> parquet_library(const std::string& program) {
  ASSAY_ASSIGN(const std::string path, program_path(program));
  return run({path, "--version"});
}

Result<std::unique_ptr<RowSink>> parquet_file(const std::string& path, const std::string& program) {
  ASSAY_ASSIGN(std::string found, program_path(program));
  return std::unique_ptr<RowSink>(std::make_unique<ParquetFile>(std::move(found), path));
}

}  // namespace assay
