#include "envs/environment.h"

#include "envs/base/hash.h"

namespace assay {
namespace {
constexpr const char* kFormat = "assay-environment/1";
}

const ToolSpec* Environment::find_tool(std::string_view name) const {
  for (const ToolSpec& tool : tools)
    if (tool.name == name) return &tool;
  return nullptr;
}

Json to_json(const Environment& environment) {
  Json json = to_json(environment.tables);
  json["format"] = kFormat;
  json["domain"] = environment.domain;
  json["notes"] = environment.notes;
  json["tools"] = Json::array();
  for (const ToolSpec& tool : environment.tools) json["tools"].push_back(to_json(tool));
  return json;
}

Result<std::shared_ptr<const Environment>> finish_environment(Environment environment) {
  ASSAY_TRY(environment.tables.build_index());
  environment.id = json_identity(to_json(environment));
  return std::make_shared<const Environment>(std::move(environment));
}

Result<std::shared_ptr<const Environment>> environment_from_json(const Json& json, const std::string& file) {
  JsonReader r(json, file, "$");
  if (r.text("format") != kFormat) r.fail("format", std::string("expected ") + kFormat);
  Environment environment;
  environment.domain = r.text("domain");
  environment.notes = r.texts("notes");
  const Json& tools = r.array("tools");
  for (size_t i = 0; i < tools.size(); ++i) {
    ASSAY_ASSIGN(ToolSpec tool, tool_spec_from_json(tools[i], file, "$.tools[" + std::to_string(i) + "]"));
    environment.tools.push_back(std::move(tool));
  }
  const Json content = {{"tables", r.array("tables")}, {"rows", r.object("rows")}};
  ASSAY_TRY(r.finish());
  ASSAY_ASSIGN(environment.tables, tables_from_json(content, file));
  return finish_environment(std::move(environment));
}

}  // namespace assay
