// A command of the user's around the program: podman, Docker, gVisor, a Firecracker virtual machine.
//
//   external:docker run --rm -i --init --name {name} --network none -v {work}:/work -w {directory} {environment} debian:12 ;; docker rm -f {name}
//
// Words are separated by spaces. {work} is the workspace's /work on the host, {directory} where the program starts, {name} a name
// of this run alone, {environment} becomes `-e NAME=VALUE` for each variable, {memory_bytes}, {processes} and {cores} its limits;
// the program and its arguments follow. What stands after ";;" is run when the run has ended, to remove what it left.
#include <unistd.h>

#include <atomic>
#include <sstream>

#include "sandbox/plain_executor.h"

namespace assay::backends::external {
namespace {

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

std::string filled(std::string word, const std::map<std::string, std::string>& values) {
  for (const auto& [name, value] : values)
    for (size_t at = 0; (at = word.find("{" + name + "}", at)) != std::string::npos; at += value.size()) word.replace(at, name.size() + 2, value);
  return word;
}

struct Template {
  std::vector<std::string> run, clean;
};

Result<Template> parse(const std::string& argument) {
  const size_t split = argument.find(";;");
  Template out{words(argument.substr(0, split)), split == std::string::npos ? std::vector<std::string>() : words(argument.substr(split + 2))};
  if (out.run.empty())
    return make_error(Boundary::kSandbox, "external needs a command", "", "--sandbox 'external:docker run --rm -i --network none -v {work}:/work -w {directory} IMAGE'");
  return out;
}

Result<std::unique_ptr<Executor>> create(const ExecutorOptions& options) {
  ASSAY_ASSIGN(const auto launcher, LauncherClient::start(options));
  ASSAY_ASSIGN(Template parsed, parse(options.argument));
  PlainOptions plain;
  plain.backend = "external";
  plain.walls = plain_walls(launcher->hello()).without(Wall::kNoNewPrivs);   // the command may be a set-user-id program
  plain.missing = {"unknown: as good as the command '" + parsed.run[0] + "'"};
  plain.wrap = [parsed = std::move(parsed), runs = std::make_shared<std::atomic<int64_t>>(0)](const RunRequest& request, const std::string& root, LaunchPlan& plan) -> Status {
    const RunLimits& limits = request.limits;
    const std::map<std::string, std::string> values{{"work", root + "/work"}, {"directory", request.directory}, {"memory_bytes", std::to_string(limits.memory_bytes)},
                                                    {"processes", std::to_string(limits.processes)}, {"cores", std::to_string(limits.cores)},
                                                    {"name", "assay-" + std::to_string(getpid()) + "-" + std::to_string((*runs)++)}};
    std::vector<std::string> argv;
    for (const std::string& word : parsed.run) {
      if (word != "{environment}") {
        argv.push_back(filled(word, values));
        continue;
      }
      for (const std::string& variable : plan.environment) argv.insert(argv.end(), {"-e", variable});
    }
    argv.insert(argv.end(), plan.argv.begin(), plan.argv.end());
    plan.argv = std::move(argv);
    plan.directory = root;
    for (const std::string& word : parsed.clean) plan.after.push_back(filled(word, values));
    return {};
  };
  return make_plain_executor(options, std::move(plain));
}

BackendCheck check(const ExecutorOptions& options) {
  BackendCheck out;
  out.detail = "as good as its command";
  const auto parsed = parse(options.argument);
  if (!parsed.ok()) out.problem = parsed.error();
  return out;
}

}  // namespace

Backend make() { return {"external", "a command of yours around the program: podman, Docker, gVisor, Firecracker", 3, create, check}; }

}  // namespace assay::backends::external
