#include "sandbox/backend.h"

#include "envs/base/json.h"

namespace assay {

Result<std::unique_ptr<Executor>> make_executor(const std::string& spec, ExecutorOptions options) {
  const size_t colon = spec.find(':');
  const std::string name = spec.empty() ? "native" : spec.substr(0, colon);
  if (colon != std::string::npos) options.argument = spec.substr(colon + 1);
  std::vector<std::string> known;
  for (const Backend& backend : backends::all()) {
    known.push_back(backend.name);
    if (backend.name != name) continue;
    const BackendCheck check = backend.check(options);
    if (check.works) return backend.create(options);
    std::string others;
    for (const Backend& other : backends::all())
      if (other.name != name && other.name != "external" && other.name != "none" && other.check(options).works) others += "--sandbox " + other.name + " works here; ";
    return make_error(Boundary::kSandbox, "the sandbox '" + name + "' does not work here: " + check.problem, "", others + check.hint);
  }
  return unknown_name("sandbox", name, known, "--sandbox");
}

}  // namespace assay
