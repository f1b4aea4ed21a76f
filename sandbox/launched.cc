#include "sandbox/launched.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "envs/base/program.h"
#include "sandbox/capture.h"
#include "sandbox/proxy.h"

namespace assay {
namespace {

int64_t now_ms() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}

Result<std::string> launcher_path(const ExecutorOptions& options) {
  if (!options.launcher.empty()) return options.launcher;
  if (const auto path = sibling_program("assay-launcher")) return *path;
  return make_error(Boundary::kSandbox, "the program assay-launcher is not beside this one", "", "build the target assay-launcher, or put it there");
}

struct Streams {
  Fd in, out, err, control;
};

// A pipe nobody reads answers with EPIPE alone; the signal that goes with it is taken away.
ssize_t write_quietly(int fd, std::string_view bytes) {
  sigset_t pipe, before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const ssize_t wrote = write(fd, bytes.data(), bytes.size());
  const int error = errno;
  const timespec now{};
  if (wrote < 0 && error == EPIPE && !sigismember(&before, SIGPIPE)) sigtimedwait(&pipe, nullptr, &now);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return wrote;
}

class LaunchedProcess final : public Process {
 public:
  LaunchedProcess(std::shared_ptr<LauncherClient> launcher, const RunRequest& request, LaunchPlan plan, Streams ours, std::string upstream)
      : launcher_(std::move(launcher)), limits_(request.limits), plan_(std::move(plan)), registries_(request.registries), upstream_(std::move(upstream)),
        in_(std::move(ours.in)), out_(std::move(ours.out)), err_(std::move(ours.err)), control_(std::move(ours.control)),
        out_capture_(request.limits.kept_bytes, request.log.empty() ? "" : request.log + ".out.zst"),
        err_capture_(request.limits.kept_bytes, request.log.empty() ? "" : request.log + ".err.zst") {}

  ~LaunchedProcess() override {
    // Until nothing of the run lives, its workspace cannot serve another.
    if (!ended()) kill("killed");
    while (!ended() && take_event().ok()) {}
    if (plan_.after.empty()) return;
    (void)Program::start(plan_.after, {});
  }

  Status write(std::string_view bytes) override {
    while (!bytes.empty() && !ended() && in_) {
      const ssize_t wrote = write_quietly(in_.get(), bytes);
      if (wrote > 0) bytes.remove_prefix(static_cast<size_t>(wrote));
      else if (errno == EPIPE) in_.reset();   // it does not listen; what becomes of it says its end
      else if (errno == EAGAIN) ASSAY_TRY(pump(-1, POLLOUT));
      else if (errno != EINTR) return system_error("writing to a program");
    }
    return {};
  }

  Status close_input() override {
    in_.reset();
    return {};
  }

  Result<std::string> read_line(int64_t timeout_ms, int64_t limit) override {
    const int64_t deadline = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;
    size_t searched = 0;
    for (;;) {
      if (const size_t end = lines_.find('\n', searched); end != std::string::npos) {
        std::string line = lines_.substr(0, end);
        lines_.erase(0, end + 1);
        return line;
      }
      searched = lines_.size();
      if (static_cast<int64_t>(lines_.size()) > limit) return make_error(Boundary::kSandbox, "a line of the program has more than " + std::to_string(limit) + " bytes");
      const int64_t left = deadline == INT64_MAX ? -1 : deadline - now_ms();
      if (finished() || (deadline != INT64_MAX && left <= 0)) return std::string();
      ASSAY_TRY(pump(left, 0));
    }
  }

  bool ended() const override { return !end_.is_null(); }

  Status signal(int number) override { return ended() ? Status() : send_packet(control_.get(), {{"op", "signal"}, {"number", number}}); }

  Result<RunResult> finish(How how) override {
    keep_lines_ = false;
    if (how == How::kKill && !ended()) kill("killed");
    while (!finished()) ASSAY_TRY(pump(-1, 0));
    return result();
  }

 private:
  bool finished() const { return ended() && !out_ && !err_; }

  void kill(const char* reason) {
    // It may just have ended by itself.
    (void)send_packet(control_.get(), {{"op", "kill"}, {"reason", reason}}).ok();
  }

  // Waits for one thing to happen and takes it in. `in_events`: POLLOUT to be woken when the program reads.
  Status pump(int64_t timeout_ms, short in_events) {
    pollfd wait[] = {{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}, {ended() ? -1 : control_.get(), POLLIN, 0},
                     {in_events ? in_.get() : -1, in_events, 0}};
    if (poll(wait, 4, timeout_ms < 0 ? -1 : static_cast<int>(std::min<int64_t>(timeout_ms, 1 << 30))) < 0 && errno != EINTR) return system_error("poll");
    if (wait[0].revents) ASSAY_TRY(take(out_, out_capture_, true));
    if (wait[1].revents) ASSAY_TRY(take(err_, err_capture_, false));
    if (wait[2].revents) ASSAY_TRY(take_event());
    return {};
  }

  Status take(Fd& from, Capture& to, bool lines) {
    char space[1 << 16];
    const ssize_t got = read(from.get(), space, sizeof space);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (got < 0) return system_error("reading from a program");
    if (got == 0) {
      from.reset();
      return {};
    }
    to.add({space, static_cast<size_t>(got)});
    if (lines && keep_lines_) lines_.append(space, static_cast<size_t>(got));
    if (to.bytes() <= limits_.output_bytes || !plan_.walls.has(Wall::kOutput)) return {};
    if (!ended()) kill("output");
    from.reset();
    return {};
  }

  Status take_event() {
    ASSAY_ASSIGN(Packet packet, receive_packet(control_.get()));
    if (packet.body.is_null()) return make_error(Boundary::kSandbox, "the run's supervisor died", "", "assay doctor; was it killed for memory?");
    const std::string event = packet.body.value("event", "");
    if (event == "failed") return error_from(packet.body.at("error"));
    if (event == "proxy" && packet.fds.size() == 1) proxy_ = Proxy::start(std::move(packet.fds[0]), registries_, upstream_);
    if (event == "end") {
      end_ = std::move(packet.body);
      in_.reset();
      // Nothing of the run lives, so what is in the pipes is all there is; a test that let a child live must not be waited for.
      for (auto [fd, capture, lines] : {std::tuple(&out_, &out_capture_, true), std::tuple(&err_, &err_capture_, false)})
        while (*fd && poll_now(fd->get())) ASSAY_TRY(take(*fd, *capture, lines));
      out_.reset();
      err_.reset();
    }
    return {};
  }

  static bool poll_now(int fd) {
    pollfd wait{fd, POLLIN, 0};
    return poll(&wait, 1, 0) == 1;
  }

  Result<RunResult> result() {
    RunResult out;
    out.limit = end_.value("limit", "");
    out.end = !out.limit.empty() ? RunEnd::kLimit : end_.contains("signal") ? RunEnd::kSignalled : RunEnd::kExited;
    out.signal = end_.value("signal", 0);
    out.exit_code = end_.value("exit_code", 0);
    out.touched = end_.value("touched", std::vector<std::string>());
    out.wall_us = end_.value("wall_us", int64_t{0});
    out.cpu_us = end_.value("cpu_us", int64_t{0});
    out.peak_memory_bytes = end_.value("peak_memory_bytes", int64_t{0});
    out.written_bytes = end_.value("layer_bytes", int64_t{0});
    out.refused = end_.value("refused", std::vector<std::string>());
    if (proxy_) {
      for (std::string& each : proxy_->refused())
        if (out.refused.size() < 64) out.refused.push_back(std::move(each));
    }
    if (const int error = end_.value("cannot_execute", 0)) err_capture_.add(std::string(strerror(error)) + ": " + plan_.argv[0] + "\n");
    ASSAY_ASSIGN(out.out, out_capture_.finish());
    ASSAY_ASSIGN(out.err, err_capture_.finish());
    out.backend = plan_.backend;
    out.missing_walls = plan_.missing_walls;
    return out;
  }

  std::shared_ptr<LauncherClient> launcher_;
  const RunLimits limits_;
  const LaunchPlan plan_;
  const std::vector<std::string> registries_;
  const std::string upstream_;
  Fd in_, out_, err_, control_;
  Capture out_capture_, err_capture_;
  std::unique_ptr<Proxy> proxy_;
  std::string lines_;
  bool keep_lines_ = true;
  Json end_;   // null until it has ended
};

}  // namespace

Result<std::shared_ptr<LauncherClient>> LauncherClient::start(const ExecutorOptions& options) {
  ASSAY_ASSIGN(const std::string path, launcher_path(options));
  ASSAY_ASSIGN(auto pair, packet_pair());
  // Through a number that is surely free: if it stood on 3 already, dup2 would leave it close-on-exec.
  Fd theirs(fcntl(pair.second.get(), F_DUPFD_CLOEXEC, 100));
  Result<Program> program = Program::start({path}, {.descriptors = {{kRequestFd, theirs.get()}}});
  if (!program.ok()) return make_error(Boundary::kSandbox, "the launcher " + program.error().what, path, "build the target assay-launcher");
  auto out = std::make_shared<LauncherClient>();
  out->program_.emplace(std::move(program.value()));
  theirs.reset();
  pair.second.reset();
  out->socket_ = std::move(pair.first);
  out->path_ = path;
  ASSAY_ASSIGN(Packet hello, out->ask({{"op", "hello"}}));
  out->hello_ = std::move(hello.body);
  return out;
}

Result<Packet> LauncherClient::ask(const Json& body, const std::vector<int>& fds) {
  std::lock_guard lock(mutex_);
  ASSAY_TRY(send_packet(socket_.get(), body, fds));
  ASSAY_ASSIGN(Packet packet, receive_packet(socket_.get()));
  if (packet.body.is_null()) return make_error(Boundary::kSandbox, "the launcher died", "", "assay doctor; was it killed for memory?");
  if (packet.body.contains("error")) return error_from(packet.body["error"]);
  return packet;
}

std::vector<std::string> environment_of(const RunRequest& request) {
  std::map<std::string, std::string> all{{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, {"HOME", "/home/user"}, {"USER", "user"},
                                         {"LOGNAME", "user"}, {"LANG", "C.UTF-8"}, {"TMPDIR", "/tmp"}, {"TERM", "dumb"}};
  if (!request.registries.empty())
    for (const char* name : {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"}) all[name] = "http://127.0.0.1:" + std::to_string(kProxyPort);
  for (const auto& [name, value] : request.environment) all[name] = value;
  std::vector<std::string> out;
  for (const auto& [name, value] : all) out.push_back(name + "=" + value);
  return out;
}

Result<std::unique_ptr<Process>> launch(std::shared_ptr<LauncherClient> launcher, const RunRequest& request, LaunchPlan plan,
                                        const ExecutorOptions& options) {
  if (request.argv.empty()) return make_error(Boundary::kSandbox, "no program was named");
  const RunLimits& l = request.limits;
  for (int64_t each : {l.wall_ms, l.cpu_ms, l.memory_bytes, l.processes, l.cores, l.output_bytes, l.kept_bytes, l.file_bytes, l.disk_bytes, l.files, l.open_files})
    if (each <= 0) return make_error(Boundary::kSandbox, "a limit of a run is not positive");
  for (const std::string& each : plan.argv)
    if (each.find('\0') != std::string::npos) return make_error(Boundary::kSandbox, "an argument holds a NUL byte");
  ASSAY_ASSIGN(auto in, open_pipe(false));
  ASSAY_ASSIGN(auto out, open_pipe(true));
  ASSAY_ASSIGN(auto err, open_pipe(true));
  ASSAY_ASSIGN(auto control, packet_pair());
  const Json body{{"op", "run"},
                  {"argv", plan.argv},
                  {"environment", plan.environment},
                  {"directory", plan.directory},
                  {"walls", plan.walls.bits()},
                  {"proxy", !request.registries.empty()},
                  {"workspace", plan.workspace},
                  {"limits", {{"wall_ms", l.wall_ms}, {"cpu_ms", l.cpu_ms}, {"memory_bytes", l.memory_bytes}, {"processes", l.processes}, {"cores", l.cores},
                              {"file_bytes", l.file_bytes}, {"open_files", l.open_files}}}};
  ASSAY_TRY(launcher->ask(body, {in.second.get(), out.second.get(), err.second.get(), control.second.get()}));
  return std::unique_ptr<Process>(std::make_unique<LaunchedProcess>(
      std::move(launcher), request, std::move(plan), Streams{std::move(in.first), std::move(out.first), std::move(err.first), std::move(control.first)},
      options.upstream_proxy));
}

}  // namespace assay
