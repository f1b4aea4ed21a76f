#include "envs/plain_tools.h"

#include <algorithm>
#include <map>

#include "envs/tool_kind.h"

namespace assay {
namespace {

// The specifications inside a tool's body, as JSON: of a menu several, of a look-up none.
std::vector<const Json*> inside(const Json& body) {
  std::vector<const Json*> out;
  if (!body.is_object()) return out;
  const auto tools = body.find("tools"), tool = body.find("tool");
  if (tools != body.end() && tools->is_array())
    for (const Json& each : *tools) out.push_back(&each);
  else if (tool != body.end()) out.push_back(&*tool);
  return out;
}

// Whether a tool of this kind stands anywhere inside.
bool has_inside(const Json& body, const std::string& kind) {
  const std::vector<const Json*> specs = inside(body);
  return std::any_of(specs.begin(), specs.end(), [&](const Json* spec) {
    return spec->is_object() && spec->contains("body") && (spec->value("kind", "") == kind || has_inside((*spec)["body"], kind));
  });
}

std::vector<ToolSpec> tools_inside(const ToolSpec& tool) {
  std::vector<ToolSpec> out;
  for (const Json* spec : inside(tool.body))
    if (auto read = tool_spec_from_json(*spec, tool.name, "$.body"); read.ok()) out.push_back(std::move(*read));
  return out;
}

// The kind that changed the tools last, or null.
const ToolKind* outermost(const std::vector<ToolSpec>& tools) {
  for (const ToolKind& kind : tool_kinds::all()) {
    if (!kind.undo || std::none_of(tools.begin(), tools.end(), [&](const ToolSpec& tool) { return tool.kind == kind.name; })) continue;
    if (std::none_of(tools.begin(), tools.end(), [&](const ToolSpec& tool) { return has_inside(tool.body, kind.name); })) return &kind;
  }
  return nullptr;
}

std::vector<ToolSpec> undone(const std::vector<ToolSpec>& tools, const ToolKind& kind) {
  std::vector<ToolSpec> out;
  const auto add = [&](ToolSpec tool) {
    if (std::none_of(out.begin(), out.end(), [&](const ToolSpec& other) { return other.name == tool.name; })) out.push_back(std::move(tool));
  };
  for (const ToolSpec& tool : tools) {
    if (tool.kind != kind.name) add(tool);
    else
      for (ToolSpec& inner : tools_inside(tool)) add(std::move(inner));
  }
  return out;
}

const ToolSpec* find_spec(const std::vector<ToolSpec>& tools, std::string_view name) {
  const auto found = std::find_if(tools.begin(), tools.end(), [&](const ToolSpec& tool) { return tool.name == name; });
  return found == tools.end() ? nullptr : &*found;
}

// Keeps every call that is made, and asks the same only once: what failed, and what something was written after, is asked again.
class Recorder final : public Tools {
 public:
  explicit Recorder(Tools& actual) : actual_(actual) {}
  const std::vector<ToolSpec>& specs() const override { return actual_.specs(); }

  Result<Observation> call(std::string_view tool, std::string_view arguments) override {
    const ToolSpec* spec = find_spec(specs(), tool);
    if (!spec || spec->effect == ToolEffect::kSubmit) return actual_.call(tool, arguments);
    std::pair<std::string, std::string> key{tool, arguments};
    if (const auto known = answers_.find(key); known != answers_.end()) return known->second;
    ASSAY_ASSIGN(Observation seen, actual_.call(tool, arguments));
    const std::string id = "call_" + std::to_string(++calls_);
    transcript_.push_back({Role::kAssistant, "", "", {{id, key.first, key.second}}, ""});
    transcript_.push_back({Role::kTool, seen.text, "", {}, id});
    if (spec->effect == ToolEffect::kWrite) answers_.clear();
    else if (!seen.error) answers_.emplace(std::move(key), seen);
    return seen;
  }

  Result<Json> state() override { return actual_.state(); }
  Status reset() override {
    transcript_.clear();
    answers_.clear();
    calls_ = 0;
    return actual_.reset();
  }

  const Conversation& transcript() const { return transcript_; }
  int64_t calls() const { return calls_; }

 private:
  Tools& actual_;
  Conversation transcript_;
  std::map<std::pair<std::string, std::string>, Observation> answers_;
  int64_t calls_ = 0;
};

// One kind undone.
class Layer final : public Tools {
 public:
  Layer(const ToolKind& kind, Tools& after) : kind_(kind), after_(after), specs_(undone(after.specs(), kind)) {
    for (const ToolSpec& changed : after.specs())
      if (changed.kind == kind.name)
        for (const ToolSpec& inner : tools_inside(changed)) made_[inner.name].push_back(&changed);
  }
  const std::vector<ToolSpec>& specs() const override { return specs_; }

  Result<Observation> call(std::string_view tool, std::string_view arguments) override {
    const auto made = made_.find(std::string(tool));
    if (made == made_.end()) return after_.call(tool, arguments);
    const auto asked = parse_json(arguments, "arguments");
    if (!asked.ok()) return error_observation(asked.error().text());
    const ToolSpec& spec = *find_spec(specs_, tool);
    if (const std::string problem = argument_problem(spec.parameters, *asked); !problem.empty()) return error_observation(problem);
    return kind_.undo({spec, *asked, made->second, after_});
  }

 private:
  const ToolKind& kind_;
  Tools& after_;
  std::vector<ToolSpec> specs_;
  std::map<std::string, std::vector<const ToolSpec*>> made_;   // from the tool of that name
};

}  // namespace

bool is_changed(const ToolSpec& tool) {
  const ToolKind* kind = find_tool_kind(tool.kind);
  return kind && kind->undo;
}

std::vector<ToolSpec> plain_tools(const std::vector<ToolSpec>& tools) {
  std::vector<ToolSpec> plain = tools;
  while (const ToolKind* kind = outermost(plain)) plain = undone(plain, *kind);
  return plain;
}

struct PlainTools::State {
  explicit State(Tools& actual) : recorder(actual), top(&actual) {
    while (const ToolKind* kind = outermost(top->specs())) {
      layers.push_back(std::make_unique<Layer>(*kind, layers.empty() ? static_cast<Tools&>(recorder) : *layers.back()));
      top = layers.back().get();
    }
  }
  Recorder recorder;
  std::vector<std::unique_ptr<Layer>> layers;   // each undoes what is left by the one before
  Tools* top;
};

PlainTools::PlainTools(Tools& actual) : state_(std::make_unique<State>(actual)) {}
PlainTools::~PlainTools() = default;
const std::vector<ToolSpec>& PlainTools::specs() const { return state_->top->specs(); }
Result<Observation> PlainTools::call(std::string_view tool, std::string_view arguments) { return state_->top->call(tool, arguments); }
Result<Json> PlainTools::state() { return state_->recorder.state(); }
Status PlainTools::reset() { return state_->recorder.reset(); }
bool PlainTools::changed() const { return !state_->layers.empty(); }
const Conversation& PlainTools::transcript() const { return state_->recorder.transcript(); }
int64_t PlainTools::calls() const { return state_->recorder.calls(); }

}  // namespace assay
