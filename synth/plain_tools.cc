#include "synth/plain_tools.h"

#include <algorithm>
#include <map>

namespace assay {
namespace {

// The tools inside `tool`: of a menu several.
std::vector<ToolSpec> inside(const ToolSpec& tool) {
  std::vector<ToolSpec> out;
  const Json none = Json::array();
  const Json specs = tool.body.contains("tools") ? tool.body["tools"] : tool.body.contains("tool") ? Json::array({tool.body["tool"]}) : none;
  for (const Json& spec : specs)
    if (auto inner = tool_spec_from_json(spec, tool.name, "$")) out.push_back(std::move(*inner));
  return out;
}

bool holds(const ToolSpec& tool, const std::string& name) {
  const auto tools = inside(tool);
  return std::any_of(tools.begin(), tools.end(), [&](const ToolSpec& inner) { return inner.name == name; });
}

std::vector<ToolSpec> undone(const std::vector<ToolSpec>& tools, const Variant& variant) {
  std::vector<ToolSpec> out;
  const auto add = [&](ToolSpec tool) {
    if (std::none_of(out.begin(), out.end(), [&](const ToolSpec& other) { return other.name == tool.name; })) out.push_back(std::move(tool));
  };
  for (const ToolSpec& tool : tools) {
    if (tool.kind != variant.kind || variant.kind.empty()) add(tool);
    else for (ToolSpec& inner : inside(tool)) add(std::move(inner));
  }
  return out;
}

// The variants that made these tools, the last applied first.
std::vector<const Variant*> applied(std::vector<ToolSpec> tools) {
  std::vector<const Variant*> sorted, out;
  for (const Variant& variant : variants::all())
    if (!variant.kind.empty()) sorted.push_back(&variant);
  std::sort(sorted.begin(), sorted.end(), [](const Variant* a, const Variant* b) { return a->order > b->order; });
  for (const Variant* variant : sorted) {
    if (std::none_of(tools.begin(), tools.end(), [&](const ToolSpec& tool) { return tool.kind == variant->kind; })) continue;
    out.push_back(variant);
    tools = undone(tools, *variant);
  }
  return out;
}

// Keeps every call that is made, and answers the same question only once.
class Recorder final : public Tools {
 public:
  explicit Recorder(Tools& actual) : actual_(actual) {}
  const std::vector<ToolSpec>& specs() const override { return actual_.specs(); }

  Result<Observation> call(std::string_view tool, std::string_view arguments) override {
    const auto& tools = specs();
    const auto spec = std::find_if(tools.begin(), tools.end(), [&](const ToolSpec& each) { return each.name == tool; });
    if (spec == tools.end() || spec->effect == ToolEffect::kSubmit) return actual_.call(tool, arguments);
    const std::pair<std::string, std::string> key{tool, arguments};
    if (auto known = answers_.find(key); known != answers_.end()) return known->second;
    ASSAY_ASSIGN(Observation seen, actual_.call(tool, arguments));
    Message asked, told;
    asked.role = Role::kAssistant;
    asked.tool_calls.push_back({"call_" + std::to_string(++calls), key.first, key.second});
    told.role = Role::kTool;
    told.text = seen.text;
    told.tool_call_id = asked.tool_calls[0].id;
    transcript.push_back(std::move(asked));
    transcript.push_back(std::move(told));
    if (spec->effect == ToolEffect::kWrite) answers_.clear();
    else if (!seen.error) answers_[key] = seen;
    return seen;
  }

  Conversation transcript;
  int64_t calls = 0;

 private:
  Tools& actual_;
  std::map<std::pair<std::string, std::string>, Observation> answers_;
};

// One variant undone.
class Layer final : public Tools {
 public:
  Layer(const Variant& variant, Tools& after) : variant_(variant), after_(after), specs_(undone(after.specs(), variant)) {
    for (const ToolSpec& tool : specs_)
      for (const ToolSpec& changed : after.specs())
        if (changed.kind == variant.kind && holds(changed, tool.name)) made_[tool.name].push_back(&changed);
  }
  const std::vector<ToolSpec>& specs() const override { return specs_; }

  Result<Observation> call(std::string_view tool, std::string_view arguments) override {
    const auto made = made_.find(std::string(tool));
    if (made == made_.end()) return after_.call(tool, arguments);
    ASSAY_ASSIGN(const Json asked, parse_json(arguments, "arguments"));
    const auto spec = std::find_if(specs_.begin(), specs_.end(), [&](const ToolSpec& each) { return each.name == tool; });
    return variant_.undo({*spec, asked, made->second, after_});
  }

 private:
  const Variant& variant_;
  Tools& after_;
  std::vector<ToolSpec> specs_;
  std::map<std::string, std::vector<const ToolSpec*>> made_;   // of a tool as it was
};

}  // namespace

std::vector<ToolSpec> plain_tools(const std::vector<ToolSpec>& tools) {
  std::vector<ToolSpec> plain = tools;
  for (const Variant* variant : applied(tools)) plain = undone(plain, *variant);
  return plain;
}

struct PlainTools::State {
  explicit State(Tools& actual) : recorder(actual), top(&actual) {
    for (const Variant* variant : applied(actual.specs())) {
      layers.push_back(std::make_unique<Layer>(*variant, layers.empty() ? static_cast<Tools&>(recorder) : *layers.back()));
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

Exploration PlainTools::played(Exploration exploration) const {
  if (state_->layers.empty()) return exploration;
  const auto last = std::find_if(exploration.transcript.rbegin(), exploration.transcript.rend(), [](const Message& message) { return message.role == Role::kAssistant; });
  Conversation transcript = state_->recorder.transcript;
  if (last != exploration.transcript.rend()) {   // the submission
    Message submission = *last;
    for (ToolCall& call : submission.tool_calls) call.id = "call_" + std::to_string(state_->recorder.calls + 1);
    transcript.push_back(std::move(submission));
  }
  exploration.transcript = std::move(transcript);
  exploration.calls = state_->recorder.calls + 1;
  return exploration;
}

Limits limits_over(const std::vector<ToolSpec>& tools) {
  Limits limits;
  if (applied(tools).empty()) return limits;
  limits.steps = 1'200;
  limits.calls = 1'600;
  return limits;
}

}  // namespace assay
