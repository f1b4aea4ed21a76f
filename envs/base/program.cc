#include "envs/base/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/error.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/io.hpp>
#include <boost/process/search_path.hpp>
#include <filesystem>
#include <mutex>

namespace assay {
namespace {

namespace asio = boost::asio;
namespace process = boost::process;

constexpr size_t kOutputBytes = size_t{16} << 20;

// One stream of a program's, read to its end.
struct Reader {
  void read() {
    end.async_read_some(asio::buffer(block), [this](const boost::system::error_code& error, size_t got) {
      if (error) return;
      text->append(block.data(), std::min(got, kOutputBytes - text->size()));
      read();
    });
  }

  asio::posix::stream_descriptor end;
  std::string* text;
  std::array<char, 1 << 16> block{};
};

}  // namespace

struct Program::Process {
  process::child child;
  bool group = false;
};

Program::Program(std::unique_ptr<Process> process) : process_(std::move(process)) {}
Program::Program(Program&&) noexcept = default;

Result<Program> Program::start(const std::vector<std::string>& argv, const Options& options) {
  const std::string path = argv[0].find('/') == std::string::npos ? process::search_path(argv[0]).string() : argv[0];
  if (path.empty()) return input_error("there is no program '" + argv[0] + "' here", argv[0]);
  std::error_code error;
  // Boost's pipe for the child's errors is close-on-exec a moment after it is made: a child that another thread starts in between would
  // keep it, and this start would wait for that child's end.
  static std::mutex starting;
  std::unique_lock<std::mutex> alone(starting);
  process::child child(
      process::exe = path, process::args = std::vector<std::string>(argv.begin() + 1, argv.end()), process::std_in < process::null,
      process::extend::on_exec_setup =
          [&options](auto& executor) {
            bool set = !options.group || ::setpgid(0, 0) == 0;
            for (const auto& [theirs, ours] : options.descriptors) set = set && ::dup2(ours, theirs) == theirs;
            if (!set) executor.set_error(std::error_code(errno, std::generic_category()), "its descriptors");
          },
      error);
  alone.unlock();
  if (error) return make_error(Boundary::kInternal, "cannot be started: " + error.message(), argv[0]);
  return Program(std::make_unique<Process>(Process{std::move(child), options.group}));
}

Program::~Program() {
  if (process_ == nullptr || !process_->child.valid()) return;
  if (process_->group) ::kill(-process_->child.id(), SIGKILL);
  std::error_code error;
  process_->child.wait(error);
}

Result<int> Program::wait() {
  std::error_code error;
  process_->child.wait(error);
  if (error) return make_error(Boundary::kInternal, "its end was not told: " + error.message(), "");
  const int status = process_->child.native_exit_code();
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<std::pair<Fd, Fd>> open_pipe(bool ours_reads) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return make_error(Boundary::kInternal, "no pipe: " + std::generic_category().message(errno));
  Fd reading(ends[0]), writing(ends[1]);
  ::fcntl(ours_reads ? reading.get() : writing.get(), F_SETFL, O_NONBLOCK);
  return ours_reads ? std::pair(std::move(reading), std::move(writing)) : std::pair(std::move(writing), std::move(reading));
}

Result<ProgramResult> run_program(const std::vector<std::string>& argv) {
  ASSAY_ASSIGN(auto out, open_pipe(true));
  ASSAY_ASSIGN(auto err, open_pipe(true));
  ASSAY_ASSIGN(Program program, Program::start(argv, {.descriptors = {{STDOUT_FILENO, out.second.get()}, {STDERR_FILENO, err.second.get()}}}));
  out.second.reset();
  err.second.reset();
  ProgramResult result;
  asio::io_context io;
  Reader out_reader{{io, out.first.release()}, &result.out}, err_reader{{io, err.first.release()}, &result.err};
  out_reader.read();
  err_reader.read();
  io.run();
  ASSAY_ASSIGN(result.status, program.wait());
  return result;
}

std::optional<std::string> sibling_program(const std::string& name) {
  std::error_code error;
  const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", error);
  for (const std::filesystem::path& folder : {own.parent_path(), own.parent_path().parent_path()})
    if (const std::string path = (folder / name).string(); ::access(path.c_str(), X_OK) == 0) return path;
  return std::nullopt;
}

}  // namespace assay
