#include "envs/toolset.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "envs/plain_tools.h"
#include "envs/python_module.h"
#include "envs/state.h"
#include "envs/tool_kind.h"

namespace assay {
namespace {

constexpr JsonLimits kArgumentLimits{.bytes = 64 << 10, .depth = 16};
constexpr JsonLimits kAnswerLimits{.bytes = 1 << 20, .depth = 16};  // an answer has its own limit, in the episode
constexpr size_t kShownBytes = 80;

std::string shown(const Json& value) {
  std::string text = canonical_json(value);
  if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "…";
  return text;
}

std::string with_article(const std::string& type) {
  return (type == "integer" || type == "array" || type == "object" ? "an " : "a ") + type;
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

// `name` is how the value is spoken of: "info_keywords[2]".
std::string value_problem(const Json& schema, const Json& value, const std::string& name) {
  const auto wrong = [&](const std::string& expected) {
    return "argument '" + name + "': expected " + expected + ", found " + shown(value);
  };
  if (const auto type = schema.find("type"); type != schema.end() && !has_type(value, *type)) return wrong(with_article(*type));
  if (const auto allowed = schema.find("enum"); allowed != schema.end()) {
    std::string all;
    for (const Json& item : *allowed) {
      if (item == value) return "";
      all += (all.empty() ? "" : ", ") + canonical_json(item);
    }
    return wrong("one of " + all);
  }
  if (const auto items = schema.find("items"); items != schema.end() && value.is_array())
    for (size_t i = 0; i < value.size(); ++i)
      if (std::string problem = value_problem(*items, value[i], name + "[" + std::to_string(i) + "]"); !problem.empty())
        return problem;
  return "";
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

// What argument_problem cannot enforce must not stand in a schema, where an agent would read it as a promise.
Status check_value_schema(const Json& schema, const std::string& where, int depth) {
  const auto wrong = [&](std::string what) { return make_error(Boundary::kEnvironment, std::move(what), where); };
  if (!schema.is_object() || depth > 4) return wrong("expected a JSON Schema of few levels");
  static constexpr std::array<std::string_view, 5> kTypes = {"string", "integer", "number", "boolean", "array"};
  for (const auto& [key, value] : schema.items()) {
    if (key == "description") continue;
    if (key == "type") {
      if (!value.is_string() || std::find(kTypes.begin(), kTypes.end(), value.get_ref<const std::string&>()) == kTypes.end())
        return wrong("unknown type " + shown(value) + "; known: string, integer, number, boolean, array");
    } else if (key == "enum") {
      if (!value.is_array() || value.empty()) return wrong("enum: expected an array of values");
    } else if (key == "items") {
      ASSAY_TRY(check_value_schema(value, where + ".items", depth + 1));
    } else {
      return wrong("'" + key + "' is not understood; known: type, description, enum, items");
    }
  }
  if (!schema.contains("type")) return wrong("a type is missing");
  return {};
}

Status check_schema(const Json& schema, const std::string& where) {
  const auto wrong = [&](std::string what) { return make_error(Boundary::kEnvironment, std::move(what), where); };
  static const Json kNothing = Json::object();
  if (!schema.is_object() || schema.value("type", Json()) != "object") return wrong("expected a JSON Schema of type object");
  for (const auto& [key, value] : schema.items()) {
    if (key == "type" || key == "description") continue;
    const bool good = key == "properties" ? value.is_object()
                      : key == "required" ? value.is_array()
                                          : key == "additionalProperties" && value.is_boolean();
    if (!good) return wrong("'" + key + "' is not understood; known: type, properties, required, additionalProperties");
  }
  const auto it = schema.find("properties");
  const Json& properties = it == schema.end() ? kNothing : *it;
  for (const auto& [name, value] : properties.items()) ASSAY_TRY(check_value_schema(value, where + "." + name, 0));
  for (const Json& name : schema.value("required", Json::array()))
    if (!name.is_string() || !properties.contains(name.get_ref<const std::string&>()))
      return wrong("required: " + shown(name) + " is no property");
  return {};
}

// Of a tool, or of one that it is made from.
template <typename Predicate>
bool any_kind(const std::string& name, const Json& body, Predicate predicate) {
  if (const ToolKind* kind = find_tool_kind(name); kind && predicate(*kind)) return true;
  if (!body.is_object()) return false;
  const auto inside = [&](const Json& spec) { return spec.is_object() && spec.contains("body") && any_kind(spec.value("kind", ""), spec["body"], predicate); };
  const auto tool = body.find("tool"), tools = body.find("tools");
  return (tool != body.end() && inside(*tool)) || (tools != body.end() && tools->is_array() && std::any_of(tools->begin(), tools->end(), inside));
}

template <typename Predicate>
bool any_kind(const Environment& environment, Predicate predicate) {
  return std::any_of(environment.tools.begin(), environment.tools.end(), [&](const ToolSpec& spec) { return any_kind(spec.kind, spec.body, predicate); });
}

// The text of the module whose functions tools are; empty: none are.
Result<std::string> module_text(const Environment& environment) {
  std::string out;
  for (const ToolSpec& tool : plain_tools(environment.tools)) {
    const ToolKind* kind = find_tool_kind(tool.kind);
    if (!kind || !kind->in_module) continue;
    JsonReader r(tool.body, "environment " + environment.domain + ", tool " + tool.name, "$.body");
    const std::string text = r.text("module");
    if (text.size() > static_cast<size_t>(kModuleBytes)) r.fail("module", "longer than " + std::to_string(kModuleBytes) + " bytes");
    if (!out.empty() && text != out) r.fail("module", "another module than that of the tools before it; all are functions of one");
    ASSAY_TRY(r.finish());
    out = text;
  }
  return out;
}

std::vector<TouchedRow> touched_rows(const Json& told) {
  std::vector<TouchedRow> out;
  for (const Json& each : told) out.push_back({each.at(0), each.at(1), each.at(2)});
  return out;
}

}  // namespace

const ToolKind* find_tool_kind(const std::string& name) {
  for (const ToolKind& kind : tool_kinds::all())
    if (kind.name == name) return &kind;
  return nullptr;
}

Result<std::unique_ptr<BoundTool>> bind_tool(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  const ToolKind* kind = find_tool_kind(spec.kind);
  if (!kind) {
    std::vector<std::string> known;
    for (const ToolKind& each : tool_kinds::all()) known.push_back(each.name);
    return unknown_name("tool kind", spec.kind, known, where);
  }
  ASSAY_TRY(check_schema(spec.parameters, where + ": parameters"));
  if (kind->edits_tree && !context.tree) return make_error(Boundary::kEnvironment, "a tool of kind " + kind->name + " stands alone only: nothing can be made from it", where);
  return kind->bind(spec, environment, context);
}

Result<ToolSpec> inner_tool(const ToolSpec& spec, const std::string& where) {
  if (!spec.body.is_object() || !spec.body.contains("tool")) return make_error(Boundary::kEnvironment, "expected the tool that it is made from", where + ": $.body.tool");
  return tool_spec_from_json(spec.body["tool"], where, "$.body.tool");
}

bool keeps_state(const Environment& environment) {
  return any_kind(environment, [](const ToolKind& kind) { return kind.keeps_state; });
}

bool runs_programs(const Environment& environment) {
  return any_kind(environment, [](const ToolKind& kind) { return kind.runs_programs; });
}

// What was read before anything was written, by tool and arguments: solutions, golds and audits ask the same again and again.
class Readings {
 public:
  static std::string key(std::string_view tool, std::string_view arguments) { return std::string(tool).append(1, '\0').append(arguments); }
  const Observation* find(const std::string& key) const {
    const auto found = known_.find(key);
    return found == known_.end() ? nullptr : &found->second;
  }
  void add(std::string key, const Observation& seen) {
    const size_t bytes = key.size() + seen.text.size();
    if (bytes > kMostBytes / 16) return;
    if ((bytes_ += bytes) > kMostBytes) clear(), bytes_ = bytes;
    known_.emplace(std::move(key), seen);
  }
  void clear() {
    known_.clear();
    bytes_ = 0;
  }

 private:
  static constexpr size_t kMostBytes = 2 << 20;
  std::unordered_map<std::string, Observation> known_;
  size_t bytes_ = 0;
};

struct Toolset::State {
  struct Entry {
    const ToolSpec* spec;
    std::unique_ptr<BoundTool> tool;
    bool repeats = false;   // says the same to the same arguments until something is written

    Result<Observation> call(std::string_view arguments) const;
  };
  std::shared_ptr<const Environment> environment;
  ToolSession session;
  bool writes = false;
  std::unique_ptr<WorkTree> tree;   // null where no tool works in one
  std::unique_ptr<PythonModule> module;   // null where no tool is a function, or nothing may run programs
  std::unique_ptr<Connection> connection;
  std::unordered_map<std::string_view, Entry> tools;  // after the connection: their statements go first
  Readings readings;
  bool written = false;   // since the last reset: then nothing is read from `readings`, or put there
};

Result<Observation> Toolset::State::Entry::call(std::string_view arguments) const {
  const JsonLimits& limits = spec->effect == ToolEffect::kSubmit ? kAnswerLimits : kArgumentLimits;
  // Some endpoints write nothing where a tool takes nothing.
  auto parsed = parse_json(arguments.empty() ? "{}" : arguments, "arguments", limits);
  if (!parsed.ok()) return error_observation(parsed.error().text());
  if (std::string problem = argument_problem(spec->parameters, *parsed); !problem.empty()) return error_observation(problem);
  return tool->call(*parsed);
}

Toolset::Toolset(std::unique_ptr<State> state) : state_(std::move(state)) {}
Status Toolset::reverse_unordered(bool on) {
  state_->readings.clear();
  return state_->connection->reverse_unordered(on);
}

Connection& Toolset::connection() { return *state_->connection; }

Result<Json> Toolset::state() {
  if (state_->tree) {
    ASSAY_ASSIGN(TreePatch patch, state_->tree->patch());
    Json out{{"patch", std::move(patch.text)}};
    if (!patch.refused.empty()) out["refused"] = std::move(patch.refused);
    return out;
  }
  if (!state_->writes) return Json();
  if (state_->module) {
    ASSAY_ASSIGN(const ModuleResult told, state_->module->touched());
    if (!told.returned()) return make_error(Boundary::kTool, "the tools' module cannot tell what it has changed: " + told.problem(), "environment " + state_->environment->domain);
    ASSAY_ASSIGN(const Json rows, parse_json(told.value, "rows that were touched"));
    return state_change(state_->environment->tables, touched_rows(rows));
  }
  ASSAY_ASSIGN(const std::vector<TouchedRow> touched, state_->connection->touched());
  return state_change(state_->environment->tables, touched);
}

Status Toolset::reset() {
  for (auto& [name, entry] : state_->tools) entry.tool->reset();
  if (state_->tree) state_->tree->reset();
  if (state_->module) state_->module->restart();
  state_->written = false;
  return state_->connection->reset();
}

Toolset::~Toolset() = default;

Result<std::unique_ptr<Toolset>> Toolset::open(std::shared_ptr<const Environment> environment,
                                               std::shared_ptr<const Database> database, ToolSession session) {
  auto state = std::make_unique<State>();
  state->environment = std::move(environment);
  state->session = std::move(session);
  const std::vector<ToolSpec>& specs = state->environment->tools;
  state->writes = std::any_of(specs.begin(), specs.end(), [](const ToolSpec& spec) { return spec.effect == ToolEffect::kWrite; });
  ASSAY_ASSIGN(std::string module, module_text(*state->environment));
  if (!module.empty() && state->session.executor)
    state->module = std::make_unique<PythonModule>(*state->session.executor, std::move(module), ModuleOptions{.database = database->bytes()});
  ASSAY_ASSIGN(state->connection, Connection::open(std::move(database), {}, state->writes ? Access::kWrite : Access::kRead));
  if (any_kind(*state->environment, [](const ToolKind& kind) { return kind.edits_tree; }))
    state->tree = std::make_unique<WorkTree>(state->session.executor, std::move(state->session.tree));
  const ToolContext context{*state->connection, state->session.executor, &state->session.files, state->tree.get(), state->module.get()};
  for (const ToolSpec& spec : specs) {
    ASSAY_ASSIGN(auto tool, bind_tool(spec, *state->environment, context));
    const bool repeats = spec.effect == ToolEffect::kRead &&
                         !any_kind(spec.kind, spec.body, [](const ToolKind& kind) { return kind.keeps_state || kind.runs_programs || kind.edits_tree; });
    if (!state->tools.emplace(spec.name, State::Entry{&spec, std::move(tool), repeats}).second)
      return make_error(Boundary::kEnvironment, "two tools are named '" + spec.name + "'",
                        "environment " + state->environment->domain);
  }
  return std::unique_ptr<Toolset>(new Toolset(std::move(state)));
}

const std::vector<ToolSpec>& Toolset::specs() const { return state_->environment->tools; }

Result<Observation> Toolset::call(std::string_view tool, std::string_view arguments) {
  const auto found = state_->tools.find(tool);
  if (found == state_->tools.end()) {
    std::vector<std::string> known;
    for (const ToolSpec& spec : specs()) known.push_back(spec.name);
    return error_observation(unknown_name("tool", tool.substr(0, 200), known).text());
  }
  const State::Entry& entry = found->second;
  if (!entry.repeats || state_->written) {
    state_->written |= entry.spec->effect == ToolEffect::kWrite;
    return entry.call(arguments);
  }
  std::string key = Readings::key(tool, arguments);
  if (const Observation* known = state_->readings.find(key)) return *known;
  ASSAY_ASSIGN(Observation seen, entry.call(arguments));
  state_->readings.add(std::move(key), seen);
  return seen;
}

std::string argument_problem(const Json& schema, const Json& arguments) {
  if (!arguments.is_object()) return "the arguments must be a JSON object, found " + shown(arguments);
  static const Json kNothing = Json::object();
  const auto it = schema.find("properties");
  const Json& properties = it == schema.end() ? kNothing : *it;
  if (const auto required = schema.find("required"); required != schema.end())
    for (const Json& name : *required)
      if (!arguments.contains(name.get_ref<const std::string&>()))
        return "the argument '" + name.get<std::string>() + "' is missing";
  const auto open = schema.find("additionalProperties");
  for (const auto& [name, value] : arguments.items()) {
    const auto property = properties.find(name);
    if (property != properties.end()) {
      if (std::string problem = value_problem(*property, value, name); !problem.empty()) return problem;
    } else if (open != schema.end() && *open == false) {
      return unknown_name("argument", name.substr(0, 200), keys_of(properties)).text();
    }
  }
  return "";
}

}  // namespace assay
