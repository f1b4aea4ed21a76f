// Several tools behind one: which of them answers is an argument.
//
// Body: {"tools": [spec …]}. Takes a string parameter "request", the name of one of them, and the arguments of that one.
#include <map>

#include "envs/tool_kind.h"
#include "envs/toolset.h"

namespace assay::tool_kinds::menu {
namespace {

struct Item {
  Json parameters;
  std::unique_ptr<BoundTool> tool;
};

class MenuTool final : public BoundTool {
 public:
  explicit MenuTool(std::map<std::string, Item> items) : items_(std::move(items)) {}

  Result<Observation> call(const Json& arguments) override {
    const std::string request = arguments.value("request", "");
    const auto item = items_.find(request);
    if (item == items_.end()) {
      std::vector<std::string> known;
      for (const auto& [name, each] : items_) known.push_back(name);
      return error_observation(unknown_name("request", request, known).text());
    }
    Json asked = arguments;
    asked.erase("request");
    if (const std::string problem = argument_problem(item->second.parameters, asked); !problem.empty())
      return error_observation("request '" + request + "': " + problem);
    return item->second.tool->call(asked);
  }

 private:
  std::map<std::string, Item> items_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  JsonReader r(spec.body, where, "$.body");
  const Json& tools = r.array("tools");
  if (parameter_type(spec.parameters, "request") != "string") r.fail("", "the parameter \"request\" is missing");
  ASSAY_TRY(r.finish());
  std::map<std::string, Item> items;
  for (size_t i = 0; i < tools.size(); ++i) {
    ASSAY_ASSIGN(const ToolSpec inner, tool_spec_from_json(tools[i], where, "$.body.tools[" + std::to_string(i) + "]"));
    ASSAY_ASSIGN(auto bound, bind_tool(inner, environment, context));
    items[inner.name] = {inner.parameters, std::move(bound)};
  }
  return std::unique_ptr<BoundTool>(std::make_unique<MenuTool>(std::move(items)));
}

Result<Observation> undo(const UndoneCall& call) {
  Json asked = call.arguments;
  asked["request"] = call.tool.name;
  return call.after.call(call.made[0]->name, asked.dump());
}

}  // namespace

ToolKind make() { return {.name = "menu", .summary = "several tools behind one, chosen by an argument", .bind = bind, .undo = undo}; }

}  // namespace assay::tool_kinds::menu
