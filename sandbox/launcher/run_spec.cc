#include "sandbox/launcher/run_spec.h"

namespace assay::launcher {

RunSpec run_spec_from(const Json& json, std::vector<Fd> fds) {
  RunSpec out;
  out.argv = json.at("argv");
  out.environment = json.at("environment");
  out.directory = json.at("directory");
  out.walls = Walls::from_bits(json.at("walls"));
  out.proxy = json.at("proxy");
  const Json& limits = json.at("limits");
  out.limits.wall_ms = limits.at("wall_ms");
  out.limits.cpu_ms = limits.at("cpu_ms");
  out.limits.memory_bytes = limits.at("memory_bytes");
  out.limits.processes = limits.at("processes");
  out.limits.cores = limits.at("cores");
  out.limits.file_bytes = limits.at("file_bytes");
  out.limits.open_files = limits.at("open_files");
  ASSAY_ASSERT(fds.size() == 4);
  out.in = std::move(fds[0]);
  out.out = std::move(fds[1]);
  out.err = std::move(fds[2]);
  out.control = std::move(fds[3]);
  return out;
}

}  // namespace assay::launcher
