#include "envs/interpreter.h"

#include <algorithm>
#include <random>

#include "envs/base/json.h"
#include "envs/driver.h"

namespace assay {
namespace {

constexpr int64_t kReadyMs = 40'000;
constexpr const char* kPackages = "apt-get install python3-ipykernel python3-jupyter-client";
constexpr int kCannotExecute = 127;
// Of one reply: text in its longest spelling, and the images.
int64_t reply_bytes(const InterpreterLimits& limits) { return 6 * limits.text_bytes + limits.images * limits.image_bytes * 2 + (1 << 16); }

// Not for results: what a hostile kernel must not guess.
std::string unguessable() {
  std::random_device device;
  std::string out;
  for (int i = 0; i < 4; ++i) out += std::to_string(device()) + "-";
  return out;
}

CellResult::Status status_of(const std::string& name) {
  return name == "ok" ? CellResult::Status::kOk : name == "error" ? CellResult::Status::kError
         : name == "timeout" ? CellResult::Status::kTimeout : CellResult::Status::kDied;
}

Result<CellResult> result_from(const Json& reply) {
  JsonReader r(reply, "interpreter", "$");
  CellResult out;
  r.text("id");
  out.status = status_of(r.text("status"));
  out.text = r.text("text");
  out.state_lost = r.boolean_or("lost", false);
  out.wall_us = r.integer("wall_us");
  for (const Json& image : r.array("images")) out.images.push_back({image.value("mime", ""), image.value("data", "")});
  if (const Status read = r.finish(); !read.ok()) return make_error(Boundary::kSandbox, read.error().text());
  return out;
}

}  // namespace

Interpreter::Interpreter(Executor& executor, std::map<std::string, std::string> files, const InterpreterLimits& limits)
    : executor_(executor), files_(std::move(files)), limits_(limits) {}
Interpreter::~Interpreter() = default;

Status Interpreter::start() {
  if (!workspace_) {
    ASSAY_ASSIGN(workspace_, executor_.workspace({}));
    for (const auto& [name, content] : files_) ASSAY_TRY(workspace_->write("work/" + name, content));
  }
  // As an argument: no file of ours lies where the program's own are.
  RunRequest request{.argv = {"/usr/bin/python3", "-I", "-c", std::string(embedded_driver("driver.py"))}};
  // Numerical libraries start a thread for each processor, and each thread takes memory.
  request.environment = {{"OPENBLAS_NUM_THREADS", "1"}, {"OMP_NUM_THREADS", "1"}, {"MPLCONFIGDIR", "/tmp/matplotlib"}};
  request.limits.wall_ms = request.limits.cpu_ms = limits_.session_ms;
  request.limits.memory_bytes = limits_.memory_bytes;
  request.limits.output_bytes = int64_t{1} << 30;
  ASSAY_ASSIGN(driver_, executor_.start(request, *workspace_));
  ASSAY_ASSIGN(const std::string line, driver_->read_line(kReadyMs));
  if (line.empty()) return driver_died();
  const Result<Json> hello = parse_json(line, "interpreter");
  if (!hello.ok()) return make_error(Boundary::kSandbox, "the interpreter's first line is not JSON");
  if (const std::string broken = hello->value("broken", ""); !broken.empty())
    return make_error(Boundary::kSandbox, "the Python kernel cannot be started: " + broken, "", kPackages);
  const std::string numpy = hello->value("numpy", "");
  versions_ = "python " + hello->value("ready", "") + (numpy.empty() ? "" : "; numpy " + numpy);
  return {};
}

Error Interpreter::driver_died() {
  const Result<RunResult> end = driver_->finish(Process::How::kKill);
  driver_.reset();
  if (!end.ok()) return end.error();
  if (end->exit_code == kCannotExecute) return make_error(Boundary::kSandbox, "Python cannot be started: " + end->err.first_line(), "", kPackages);
  return make_error(Boundary::kSandbox, "the Python kernel's driver ended: " + to_json(*end).dump(-1, ' ', false, OrderedJson::error_handler_t::replace), "", "assay doctor");
}

Result<std::string> Interpreter::versions() {
  if (!driver_) ASSAY_TRY(start());
  return versions_;
}

Result<CellResult> Interpreter::run(const std::string& code) {
  if (!driver_) ASSAY_TRY(start());
  const std::string id = unguessable();
  const Json request{{"id", id}, {"op", "run"}, {"code", code}, {"timeout_ms", limits_.call_ms}, {"text_bytes", limits_.text_bytes},
                     {"images", limits_.images}, {"image_bytes", limits_.image_bytes}};
  ASSAY_TRY(driver_->write(request.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n"));
  ASSAY_ASSIGN(const std::string line, driver_->read_line(limits_.call_ms + kReadyMs, reply_bytes(limits_)));
  if (line.empty()) {
    // The program may kill what drives it, being of one user with it: its own doing, and its own loss.
    const Result<RunResult> end = driver_->finish(Process::How::kKill);
    driver_.reset();
    if (!end.ok()) return end.error();
    CellResult out{CellResult::Status::kDied, "the interpreter died", {}, true, 0};
    if (end->end == RunEnd::kLimit) out.text += " (limit: " + end->limit + ")";
    else if (std::find(end->touched.begin(), end->touched.end(), "memory") != end->touched.end()) out.text += " (limit: memory)";
    return out;
  }
  const Result<Json> reply = parse_json(line, "interpreter", {.bytes = static_cast<size_t>(reply_bytes(limits_))});
  if (!reply.ok() || !reply->is_object() || reply->value("id", "") != id) return make_error(Boundary::kSandbox, "the interpreter's reply is not to the question");
  return result_from(*reply);
}

Status Interpreter::replay(const std::vector<std::string>& cells, const std::vector<CellResult>& results) {
  ASSAY_ASSERT(cells.size() == results.size());
  for (size_t i = 0; i < cells.size(); ++i) {
    ASSAY_ASSIGN(const CellResult again, run(cells[i]));
    if (again.status != results[i].status || again.text != results[i].text)
      return make_error(Boundary::kTool, "cell " + std::to_string(i + 1) + " shows something else when it is run again", "", "cells that depend on time or chance cannot be replayed");
  }
  return {};
}

}  // namespace assay
