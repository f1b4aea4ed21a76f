#include "envs/executor.h"

namespace assay {

std::string StreamResult::text() const {
  const int64_t missing = bytes - static_cast<int64_t>(head.size() + tail.size());
  if (missing <= 0) return head + tail;
  return head + "\n[" + std::to_string(missing) + " bytes were left out here]\n" + tail;
}

std::string StreamResult::first_line() const { return head.substr(0, head.find('\n')); }

OrderedJson to_json(const RunResult& r) {
  OrderedJson out;
  if (r.end == RunEnd::kExited) out["exit_code"] = r.exit_code;
  if (r.end == RunEnd::kSignalled) out["signal"] = r.signal;
  if (r.end == RunEnd::kLimit) out["limit"] = r.limit;
  if (!r.touched.empty()) out["touched"] = r.touched;
  out["wall_us"] = r.wall_us;
  out["cpu_us"] = r.cpu_us;
  out["peak_memory_bytes"] = r.peak_memory_bytes;
  out["written_bytes"] = r.written_bytes;
  out["out"] = {{"bytes", r.out.bytes}, {"text", r.out.text()}};
  out["err"] = {{"bytes", r.err.bytes}, {"text", r.err.text()}};
  if (!r.refused.empty()) out["refused"] = r.refused;
  out["backend"] = r.backend;
  if (!r.missing_walls.empty()) out["missing_walls"] = r.missing_walls;
  return out;
}

Result<RunResult> Executor::run(const RunRequest& request, Workspace& workspace) {
  ASSAY_ASSIGN(const std::unique_ptr<Process> process, start(request, workspace));
  ASSAY_TRY(process->write(request.input));
  ASSAY_TRY(process->close_input());
  return process->finish(Process::How::kWait);
}

}  // namespace assay
