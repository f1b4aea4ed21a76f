#include "synth/agent/draft.h"

namespace assay {
namespace {

constexpr JsonLimits kLimits{.bytes = kDraftBytes, .depth = 48};
constexpr size_t kOperations = 1'000;
constexpr std::string_view kFence = "```";

// The inside of the last fenced block; a reply that is JSON and nothing else counts as one.
struct Block {
  std::string_view text;
  bool found = false, closed = false;
};

Block last_block(std::string_view reply) {
  Block block;
  for (size_t at = 0; (at = reply.find(kFence, at)) != std::string_view::npos;) {
    const size_t line = reply.find('\n', at);
    if (line == std::string_view::npos) break;   // a fence without anything after it opens nothing
    const size_t end = reply.find("\n```", line);
    block = {reply.substr(line + 1, end == std::string_view::npos ? end : end - line), true, end != std::string_view::npos};
    if (!block.closed) break;
    at = end + 1 + kFence.size();
  }
  const size_t first = reply.find_first_not_of(" \t\r\n");
  if (!block.found && first != std::string_view::npos && (reply[first] == '{' || reply[first] == '[')) block = {reply, true, true};
  return block;
}

std::string spaced(const OrderedJson& json) {
  if (!json.is_structured()) return json.dump();
  std::string out;
  for (auto it = json.begin(); it != json.end(); ++it)
    out += (out.empty() ? "" : ", ") + (json.is_object() ? OrderedJson(it.key()).dump() + ": " : "") + spaced(*it);
  return json.is_object() ? "{" + out + "}" : "[" + out + "]";
}

void append_readable(std::string& out, const OrderedJson& json, size_t indent, size_t used, size_t width) {
  const std::string flat = spaced(json);
  if (!json.is_structured() || json.empty() || used + flat.size() <= width) {
    out += flat;
    return;
  }
  out += json.is_object() ? "{" : "[";
  const std::string margin(indent + 2, ' ');
  for (auto it = json.begin(); it != json.end(); ++it) {
    out += it == json.begin() ? "\n" : ",\n";
    const std::string key = json.is_object() ? OrderedJson(it.key()).dump() + ": " : "";
    out += margin + key;
    append_readable(out, *it, indent + 2, margin.size() + key.size() + 1, width);
  }
  out += "\n" + std::string(indent, ' ') + (json.is_object() ? "}" : "]");
}

}  // namespace

std::string readable_json(const OrderedJson& json, size_t width) {
  std::string out;
  append_readable(out, json, 0, 0, width);
  return out + "\n";
}

bool Draft::brings_something(std::string_view reply) { return last_block(reply).found; }

std::string Draft::text() const { return readable_json(domain_); }

std::optional<Finding> Draft::take(std::string_view reply) {
  const Block block = last_block(reply);
  if (!block.found) return Finding{"no_domain", "the reply has no ```json block"};
  if (!block.closed) return Finding{"cut_off", "the block has no end: the reply was cut off. Send less at once, such as a JSON Patch"};
  if (block.text.size() > kDraftBytes) return Finding{"too_large", "the block is longer than " + std::to_string(kDraftBytes) + " bytes"};
  auto json = parse_ordered_json(block.text, "block", kLimits);
  if (!json.ok()) return Finding{"not_json", json.error().text()};
  if (json->is_array()) return patch(*json);
  if (!json->is_object()) return Finding{"not_json", "expected an object (a whole domain) or an array (a JSON Patch)"};
  domain_ = std::move(*json);
  return std::nullopt;
}

// One operation after the other, so that copies of copies are stopped early.
std::optional<Finding> Draft::patch(const OrderedJson& operations) {
  if (empty()) return Finding{"patch_failed", "there is no domain yet that could be patched; send it whole"};
  if (operations.size() > kOperations) return Finding{"patch_failed", "more than " + std::to_string(kOperations) + " operations; send the domain whole"};
  OrderedJson patched = domain_;
  for (size_t i = 0; i < operations.size(); ++i) {
    try {
      patched = patched.patch(OrderedJson::array({operations[i]}));
    } catch (const OrderedJson::exception& problem) {
      return Finding{"patch_failed", "operation " + std::to_string(i) + " of the JSON Patch does not apply (none was applied): " + problem.what()};
    }
    if (spaced(patched).size() > kDraftBytes) return Finding{"too_large", "the patched domain is longer than " + std::to_string(kDraftBytes) + " bytes"};
  }
  if (!patched.is_object()) return Finding{"patch_failed", "what is left is no object"};
  domain_ = std::move(patched);
  return std::nullopt;
}

}  // namespace assay
