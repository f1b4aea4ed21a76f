// Replaces one piece of a text file of the episode's tree, or writes a new file.
//
// Arguments: path, old, new. `old` must stand in the file exactly once; where it is empty the file must not exist yet.
#include "envs/tool_kind.h"
#include "envs/tree_file.h"

namespace assay::tool_kinds::edit_file {
namespace {

int64_t times(std::string_view text, std::string_view piece) {
  int64_t out = 0;
  for (size_t at = 0; (at = text.find(piece, at)) != std::string_view::npos; ++at) ++out;
  return out;
}

class EditFileTool final : public BoundTool {
 public:
  explicit EditFileTool(WorkTree& tree) : tree_(tree) {}

  Result<Observation> call(const Json& arguments) override {
    const std::string path = arguments.at("path").get<std::string>();
    const std::string old = arguments.at("old").get<std::string>(), now = arguments.at("new").get<std::string>();
    ASSAY_ASSIGN(TreeFile file, read_tree_file(tree_, path));
    if (old.empty()) {
      if (!file.missing) return error_observation(file.problem.empty() ? "'" + path + "' exists already; `old` must be a piece of it" : file.problem);
    } else {
      if (!file.problem.empty()) return error_observation(file.problem);
      const int64_t found = times(file.bytes, old);
      if (found != 1) return error_observation("`old` stands in '" + path + "' " + std::to_string(found) + " times, not once; nothing was changed");
      file.bytes.replace(file.bytes.find(old), old.size(), now);
    }
    ASSAY_ASSIGN(const std::string problem, write_tree_file(tree_, path, old.empty() ? now : file.bytes));
    if (!problem.empty()) return error_observation(problem);
    return Observation{old.empty() ? "[written]" : "[replaced]", false, {}};
  }

 private:
  WorkTree& tree_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  JsonReader r(spec.body, "environment " + environment.domain + ", tool " + spec.name, "$.body");
  for (const char* name : {"path", "old", "new"})
    if (parameter_type(spec.parameters, name) != "string") r.fail("", std::string("expected a string parameter '") + name + "'");
  ASSAY_TRY(r.finish());
  return std::unique_ptr<BoundTool>(std::make_unique<EditFileTool>(*context.tree));
}

}  // namespace

ToolKind make() { return {"edit_file", "replaces a piece of a file of the episode's tree", bind, true, true, true}; }

}  // namespace assay::tool_kinds::edit_file
