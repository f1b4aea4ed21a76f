#include "envs/python_module.h"

#include <algorithm>
#include <csignal>

#include "envs/driver.h"

namespace assay {
namespace {

constexpr int64_t kStartMs = 30'000;
constexpr int64_t kPatience = 6;             // times the processor time of a call, on the clock of a machine with other work
constexpr int64_t kSessionMs = 60 * 60 * 1000;
constexpr int64_t kOutputBytes = 64 << 20;   // of all replies of one process; beyond that it is ended
constexpr int64_t kMostAsks = 1'000;         // that one call may put to its tools
constexpr const char* kDatabase = "work/database.sqlite";

bool ends_process(const std::string& code) { return !code.empty() && code != "rejected" && code != "raised" && code != "not_json" && code != "no_function"; }

bool has(const std::vector<std::string>& names, const char* name) { return std::find(names.begin(), names.end(), name) != names.end(); }

ModuleResult failed(std::string code, std::string text) { return {"", std::move(code), std::move(text)}; }

std::string line_of(const Json& request) { return request.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n"; }

}  // namespace

PythonModule::PythonModule(Executor& executor, std::string text, const ModuleOptions& options)
    : executor_(executor), text_(std::move(text)), database_(options.database), options_(options) {
  options_.database = database_;
}
PythonModule::~PythonModule() = default;

void PythonModule::restart() {
  process_.reset();
  ++options_.hash_seed;
}

Result<ModuleResult> PythonModule::start() {
  if (!workspace_) {
    ASSAY_ASSIGN(workspace_, executor_.workspace({}));
    if (!database_.empty()) ASSAY_TRY(workspace_->write(kDatabase, database_));
  }
  // Neither the folder it runs in nor packages are searched for modules. The driver is an argument: no file of ours lies there.
  RunRequest request{.argv = {"/usr/bin/python3", "-s", "-S", "-P", "-B", "-c", std::string(embedded_driver("functions.py"))}};
  request.environment = {{"PYTHONHASHSEED", std::to_string(options_.hash_seed)}};
  request.limits.wall_ms = request.limits.cpu_ms = kSessionMs;
  request.limits.memory_bytes = options_.memory_bytes;
  request.limits.processes = 16;
  request.limits.cores = 1;
  request.limits.output_bytes = kOutputBytes;
  request.limits.disk_bytes = request.limits.file_bytes = static_cast<int64_t>(database_.size()) + (1 << 20);
  ASSAY_ASSIGN(process_, executor_.start(request, *workspace_));
  const Json hello{{"module", text_}, {"database", database_.empty() ? "" : std::string("/") + kDatabase}, {"alone", options_.calls_alone}, {"most_bytes", options_.value_bytes}, {"cpu_s", static_cast<double>(options_.call_ms) / 1000}};
  ASSAY_TRY(process_->write(line_of(hello)));
  ASSAY_ASSIGN(const std::string line, process_->read_line(kStartMs + kPatience * options_.call_ms, 2 * kOutputBytes));
  if (line.empty()) return end(!process_->ended());
  const Result<Json> reply = parse_json(line, "a module's process");
  if (reply.ok() && reply->is_object() && reply->contains("ready")) return ModuleResult{};
  const bool told = reply.ok() && reply->is_object() && reply->value("code", Json()).is_string() && reply->value("text", Json()).is_string();
  ModuleResult out = told ? failed((*reply)["code"], (*reply)["text"]) : failed("does_not_load", "it speaks out of turn");
  process_.reset();
  return out;
}

// What a process without an answer came to.
Result<ModuleResult> PythonModule::end(bool timed_out) {
  const Result<RunResult> end = process_->finish(Process::How::kKill);
  process_.reset();
  if (!end.ok()) return end.error();
  if (end->limit == "output") return failed("too_large", "its output is larger than " + std::to_string(kOutputBytes) + " bytes");
  if (end->limit == "memory" || has(end->touched, "memory")) return failed("out_of_memory", "it takes more than " + std::to_string(options_.memory_bytes) + " bytes");
  if (has(end->touched, "processes")) return failed("tried_processes", "it starts more processes than it may");
  const bool overdrawn = end->end == RunEnd::kSignalled && end->signal == SIGPROF;
  if (timed_out || overdrawn || end->end == RunEnd::kLimit) return failed("timed_out", "no answer within " + std::to_string(options_.call_ms) + " ms of processor time");
  return failed("died", end->end == RunEnd::kSignalled ? "signal " + std::to_string(end->signal) : "exit status " + std::to_string(end->exit_code));
}

Result<ModuleResult> PythonModule::call(const ModuleCall& call, const AnswerTool& tools) {
  return converse({{"function", call.function}, {"given", call.given}, {"values", call.values}, {"named", call.named}, {"seed", call.seed}, {"write", call.writes}}, tools);
}

Result<ModuleResult> PythonModule::touched() {
  if (!process_) return ModuleResult{"[]", "", ""};
  return converse({{"touched", true}}, nullptr);
}

Result<ModuleResult> PythonModule::converse(const Json& request, const AnswerTool& tools) {
  if (!process_) {
    ASSAY_ASSIGN(ModuleResult started, start());
    if (!started.returned()) return started;
  }
  ASSAY_TRY(process_->write(line_of(request)));
  for (int64_t asked = 0;;) {
    ASSAY_ASSIGN(const std::string line, process_->read_line(kPatience * options_.call_ms, 2 * kOutputBytes));
    if (line.empty()) return end(!process_->ended());
    const Result<Json> reply = parse_json(line, "a module's process");
    if (!reply.ok() || !reply->is_object()) break;
    if (tools && reply->contains("ask") && (*reply)["ask"].is_string() && reply->contains("arguments")) {
      if (++asked > kMostAsks) {
        process_.reset();
        return failed("too_many_calls", "it calls tools more than " + std::to_string(kMostAsks) + " times");
      }
      ASSAY_ASSIGN(const Observation seen, tools((*reply)["ask"], (*reply)["arguments"].dump()));
      ASSAY_TRY(process_->write(line_of({{"observation", seen.text}, {"error", seen.error}})));
      continue;
    }
    for (const char* member : {"value", "code", "text"})
      if (reply->contains(member) && !(*reply)[member].is_string()) return failed("died", "it speaks out of turn");
    ModuleResult out{reply->value("value", ""), reply->value("code", ""), reply->value("text", "")};
    if (out.returned() && !parse_json(out.value, "a value").ok()) break;
    if (ends_process(out.code)) process_.reset();
    return out;
  }
  process_.reset();
  return failed("died", "it speaks out of turn");
}

}  // namespace assay
