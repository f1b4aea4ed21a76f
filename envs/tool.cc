#include "envs/tool.h"

namespace assay {
namespace {

constexpr const char* kEffects[] = {"read", "write", "submit"};

Json to_json(const Reveal& reveal) {
  Json json{{"table", reveal.table}, {"given", reveal.given}, {"columns", reveal.columns}, {"complete", reveal.complete}};
  if (!reveal.counts.empty()) json["counts"] = reveal.counts;
  return json;
}

std::map<std::string, std::string> text_map(JsonReader& r, const char* name) {
  std::map<std::string, std::string> out;
  if (!r.has(name)) return out;
  for (const auto& [key, value] : r.object(name).items()) {
    if (!value.is_string()) {
      r.fail(std::string(name) + "." + key, "expected a string");
      return {};
    }
    out[key] = value.get<std::string>();
  }
  return out;
}

Result<Reveal> reveal_from_json(const Json& json, const std::string& file, const std::string& path) {
  JsonReader r(json, file, path);
  Reveal reveal;
  reveal.table = r.text("table");
  reveal.given = text_map(r, "given");
  reveal.columns = text_map(r, "columns");
  reveal.complete = r.boolean_or("complete", false);
  reveal.counts = r.text_or("counts", "");
  if (!reveal.counts.empty() && (reveal.complete || !reveal.columns.empty())) r.fail("counts", "what counts rows reveals no columns of them");
  r.member_or_null("given");
  r.member_or_null("columns");
  ASSAY_TRY(r.finish());
  return reveal;
}

}  // namespace

OrderedJson public_tool_json(const ToolSpec& tool) {
  OrderedJson function;
  function["name"] = tool.name;
  function["description"] = tool.description;
  function["parameters"] = OrderedJson(tool.parameters);
  return {{"type", "function"}, {"function", std::move(function)}};
}

Json to_json(const ToolSpec& tool) {
  Json reveals = Json::array();
  for (const Reveal& reveal : tool.reveals) reveals.push_back(to_json(reveal));
  return {{"name", tool.name},     {"description", tool.description}, {"kind", tool.kind}, {"parameters", tool.parameters},
          {"effect", kEffects[static_cast<int>(tool.effect)]}, {"body", tool.body}, {"reveals", std::move(reveals)}};
}

Result<ToolSpec> tool_spec_from_json(const Json& json, const std::string& file, const std::string& path) {
  JsonReader r(json, file, path);
  ToolSpec tool;
  tool.name = r.text("name");
  tool.description = r.text("description");
  tool.kind = r.text_or("kind", "sql");
  tool.parameters = r.object("parameters");
  const std::string effect = r.text_or("effect", "read");
  if (effect == "write") tool.effect = ToolEffect::kWrite;
  else if (effect == "submit") tool.effect = ToolEffect::kSubmit;
  else if (effect != "read") r.fail("effect", "unknown effect '" + effect + "'", "read, write or submit");
  tool.body = r.member_or_null("body");
  if (r.has("reveals")) {
    const Json& reveals = r.array("reveals");
    for (size_t i = 0; i < reveals.size(); ++i) {
      ASSAY_ASSIGN(Reveal reveal, reveal_from_json(reveals[i], file, path + ".reveals[" + std::to_string(i) + "]"));
      tool.reveals.push_back(std::move(reveal));
    }
  }
  r.member_or_null("reveals");
  ASSAY_TRY(r.finish());
  return tool;
}

std::string parameter_type(const Json& parameters, const std::string& name) {
  const Json* at = &parameters;
  for (const std::string& key : {std::string("properties"), name, std::string("type")}) {
    const auto it = at->find(key);  // end() if it is no object
    if (it == at->end()) return "";
    at = &*it;
  }
  return at->is_string() ? at->get<std::string>() : "";
}

Observation error_observation(std::string_view what) { return {canonical_json({{"error", what}}), true}; }

}  // namespace assay
