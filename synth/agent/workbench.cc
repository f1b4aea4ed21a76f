#include "synth/agent/workbench.h"

namespace assay {
namespace {

constexpr size_t kArgumentBytes = 64 << 10;

ToolSpec tool(const std::string& name, const std::string& description, const std::string& parameter, const std::string& about) {
  ToolSpec spec;
  spec.name = name;
  spec.description = description;
  spec.parameters = {{"type", "object"}, {"properties", {{parameter, {{"type", "string"}, {"description", about}}}}},
                     {"required", {parameter}}, {"additionalProperties", false}};
  return spec;
}

}  // namespace

std::vector<ToolSpec> Workbench::tools(const WorkbenchOptions& options) {
  std::vector<ToolSpec> out = {tool("bash", "Runs a command with bash in a sandbox without a network and returns what it prints. Files in /work stay from call to call.",
                                    "command", "The command line")};
  if (!options.documents.empty())
    out.push_back(tool("search", "Finds lines in the documents at hand (also at /documents in the sandbox).", "query", "Words that stand in the line, as they are written; upper and lower case are the same"));
  return out;
}

Result<std::unique_ptr<Workbench>> Workbench::open(Executor& executor, const WorkbenchOptions& options) {
  std::unique_ptr<Workbench> bench(new Workbench(executor, options));
  WorkspaceOptions workspace;
  workspace.limits = options.limits;
  if (!options.documents.empty()) {
    ASSAY_ASSIGN(const std::string layer, executor.add_layer(options.documents, "documents"));
    workspace.layers.push_back(layer);
  }
  ASSAY_ASSIGN(bench->workspace_, executor.workspace(workspace));
  return bench;
}

Result<Observation> Workbench::call(const ToolCall& call) {
  const bool shell = call.name == "bash", search = call.name == "search" && !options_.documents.empty();
  if (!shell && !search) return error_observation("there is no tool '" + call.name.substr(0, 64) + "'");
  const char* parameter = shell ? "command" : "query";
  const auto arguments = parse_json(call.arguments, "arguments", {.bytes = kArgumentBytes, .depth = 4});
  if (!arguments.ok()) return error_observation(arguments.error().text());
  if (!arguments->is_object() || arguments->size() != 1 || !arguments->contains(parameter) || !(*arguments)[parameter].is_string())
    return error_observation(std::string("expected {\"") + parameter + "\": TEXT}");
  const std::string text = (*arguments)[parameter].get<std::string>();
  if (text.find('\0') != std::string::npos) return error_observation("the text has a zero byte");
  if (shell) return run({"bash", "-c", text});
  return run({"grep", "-rniIF", "-m", "20", "--", text, "/documents"});
}

Result<Observation> Workbench::run(std::vector<std::string> argv) {
  RunRequest request;
  request.argv = std::move(argv);
  request.limits = options_.limits;
  ASSAY_ASSIGN(const RunResult result, executor_.run(request, *workspace_));
  OrderedJson out{{"output", result.out.text()}};
  if (result.err.bytes > 0) out["errors"] = result.err.text();
  if (result.end == RunEnd::kExited) out["exit_code"] = result.exit_code;
  if (result.end == RunEnd::kSignalled) out["signal"] = result.signal;
  if (result.end == RunEnd::kLimit) out["stopped_by_limit"] = result.limit;
  return Observation{out.dump(-1, ' ', false, OrderedJson::error_handler_t::replace), !result.succeeded()};
}

}  // namespace assay
