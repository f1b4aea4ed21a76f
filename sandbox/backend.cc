#include "sandbox/backend.h"

#include "envs/base/json.h"

namespace assay {
namespace {

// What isolates here, beside the backend `name`.
std::string instead_of(const std::string& name, const ExecutorOptions& options) {
  for (const Backend& other : backends::all())
    if (other.name != name && other.name != "external" && other.name != "none" && other.check(options).works()) return "--sandbox " + other.name + ", which works here";
  return "--sandbox external:COMMAND with a container or virtual machine of yours, since nothing else isolates here";
}

}  // namespace

Status try_out(Executor& executor) {
  ASSAY_ASSIGN(const auto workspace, executor.workspace({}));
  ASSAY_ASSIGN(const RunResult result, executor.run({.argv = {"true"}}, *workspace));
  if (!result.succeeded()) return make_error(Boundary::kSandbox, "'true' failed: " + (result.limit.empty() ? result.err.first_line() : "limit " + result.limit));
  return {};
}

Result<std::unique_ptr<Executor>> make_executor(const std::string& spec, ExecutorOptions options) {
  const size_t colon = spec.find(':');
  const std::string name = spec.empty() ? "native" : spec.substr(0, colon);
  if (colon != std::string::npos) options.argument = spec.substr(colon + 1);
  std::vector<std::string> known;
  for (const Backend& backend : backends::all()) {
    known.push_back(backend.name);
    if (backend.name != name) continue;
    const BackendCheck check = backend.check(options);
    if (check.works()) return backend.create(options);
    const Error& error = *check.problem;
    return make_error(Boundary::kSandbox, "the sandbox '" + name + "' does not work here: " + (error.where.empty() ? "" : error.where + ": ") + error.what, "",
                      (error.hint.empty() ? "" : error.hint + "; or ") + instead_of(name, options));
  }
  return unknown_name("sandbox", name, known, "--sandbox");
}

}  // namespace assay
