#include "synth/variant.h"

#include <algorithm>
#include <set>

#include "envs/base/rng.h"
#include "envs/plain_tools.h"

namespace assay {
namespace {

bool exclude(const Variant& a, const Variant& b) {
  return a.name == b.name || std::count(a.excludes.begin(), a.excludes.end(), b.name) || std::count(b.excludes.begin(), b.excludes.end(), a.name);
}

}  // namespace

Result<const Variant*> find_variant(const std::string& name) {
  std::vector<std::string> known;
  for (const Variant& variant : variants::all()) {
    if (variant.name == name) return &variant;
    known.push_back(variant.name);
  }
  return unknown_name("variant", name, known, "--variant");
}

Status apply_variants(const std::vector<std::string>& names, const Tables& tables, std::vector<ToolSpec>& tools) {
  std::vector<const Variant*> chosen;
  for (const std::string& name : names) {
    ASSAY_ASSIGN(const Variant* variant, find_variant(name));
    for (const Variant* other : chosen)
      if (exclude(*variant, *other)) return input_error("the variants '" + other->name + "' and '" + name + "' exclude each other", "--variant");
    chosen.push_back(variant);
  }
  std::sort(chosen.begin(), chosen.end(), [](const Variant* a, const Variant* b) { return a->order < b->order; });
  for (const Variant* variant : chosen)
    if (!variant->apply(tools, tables)) return input_error("the variant '" + variant->name + "' finds nothing to change in these tools", "--variant");
  // What the tool inside reveals, a changed one does not in the same words.
  for (ToolSpec& tool : tools)
    if (is_changed(tool)) tool.reveals.clear();
  return {};
}

std::vector<std::string> draw_variants(const std::vector<ToolSpec>& tools, const Tables& tables, const std::string& domain, uint64_t seed, int64_t number) {
  Rng rng(seed, "variants/" + domain, static_cast<uint64_t>(number));
  std::vector<std::string> shuffled, names;
  for (const Variant& variant : variants::all()) shuffled.push_back(variant.name);
  rng.shuffle(shuffled);
  static const std::vector<size_t> kCounts = {0, 0, 1, 1, 1, 2, 2, 3};
  const size_t count = rng.pick(kCounts);
  for (const std::string& name : shuffled) {
    if (names.size() == count) break;
    names.push_back(name);
    if (std::vector<ToolSpec> changed = tools; !apply_variants(names, tables, changed).ok()) names.pop_back();
  }
  std::sort(names.begin(), names.end());
  return names;
}

Limits limits_over(const std::vector<ToolSpec>& tools) {
  Limits limits;
  if (std::none_of(tools.begin(), tools.end(), is_changed)) return limits;
  limits.steps = 1'200;
  limits.calls = 1'600;
  return limits;
}

const Reveal* only_reveal(const ToolSpec& tool) {
  return tool.effect == ToolEffect::kRead && tool.reveals.size() == 1 && tool.reveals[0].counts.empty() ? &tool.reveals[0] : nullptr;
}

bool returns_list(const ToolSpec& tool) {
  if (tool.kind == "sql") return tool.body.value("returns", "") == "values" || tool.body.value("returns", "") == "records";
  static const std::set<std::string> kSameShape = {"part", "numbered", "converted", "spelled", "outdated", "partial"};
  if (!kSameShape.count(tool.kind) || !tool.body.contains("tool")) return false;
  const auto inner = tool_spec_from_json(tool.body["tool"], tool.name, "$");
  return inner.ok() && returns_list(*inner);
}

ToolSpec made_from(const ToolSpec& tool, const std::string& kind, Json body) {
  ToolSpec made = tool;
  made.kind = kind;
  made.body = std::move(body);
  made.body["tool"] = to_json(tool);
  return made;
}

}  // namespace assay
