#include "verifiers/report_json.h"

#include "envs/base/utf8.h"
#include "verifiers/untrusted_text.h"

namespace assay {
namespace {

constexpr size_t kDepth = 64;
constexpr size_t kBytes = 64 << 20;      // of a document; simdjson sets aside fourteen times as much
constexpr size_t kLineBytes = 4 << 20;

// Where malformed UTF-8 is, U+FFFD.
std::string well_formed(std::string_view text) {
  std::string out;
  out.reserve(text.size() + simdjson::SIMDJSON_PADDING);
  while (true) {
    const size_t good = well_formed_bytes(text);
    out.append(text.substr(0, good));
    if (good == text.size()) return out;
    out.append("\xEF\xBF\xBD");
    text.remove_prefix(good + 1);
  }
}

size_t first_document(std::string_view text) {
  if (text.starts_with('{') || text.starts_with('[')) return 0;
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    if (at + 1 < text.size() && (text[at + 1] == '{' || text[at + 1] == '[')) return at + 1;
  return text.size();
}

struct Extent {
  size_t bytes = 0;       // up to the end of the document, or of the last value that ends with a bracket
  std::string closing;    // the brackets that are open there
};

Extent extent_of(std::string_view text) {
  Extent extent;
  std::string open;   // the brackets that close what is open
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at)
        if (text[at] == '\\') ++at;
    } else if (c == '{' || c == '[') {
      if (open.size() == kDepth) return extent;
      open.push_back(c == '{' ? '}' : ']');
    } else if (c == '}' || c == ']') {
      if (open.empty() || open.back() != c) return extent;
      open.pop_back();
      extent = {at + 1, open};
      if (open.empty()) return extent;
    }
  }
  return extent;
}

}  // namespace

bool JsonDocument::parse(std::string text) {
  text_ = std::move(text);
  text_.reserve(text_.size() + simdjson::SIMDJSON_PADDING);
  JsonElement root;
  if (parser_.allocate(text_.size(), kDepth) || parser_.parse(text_.data(), text_.size(), false).get(root)) return false;
  root_ = root;
  return true;
}

JsonDocument::JsonDocument(std::string_view text) {
  text.remove_prefix(first_document(text));
  if (text.empty()) return;
  whole_ = text.size() <= kBytes;
  text = text.substr(0, kBytes);
  if (parse(well_formed(text))) return;
  const Extent extent = extent_of(text);
  whole_ = extent.closing.empty() && extent.bytes > 0;
  const std::string closing(extent.closing.rbegin(), extent.closing.rend());
  if (extent.bytes == 0 || !parse(well_formed(text.substr(0, extent.bytes)) + closing)) whole_ = false;
}

JsonLines::JsonLines(std::string_view text, std::string_view opening) : text_(text), opening_(opening) {
  text_.reserve(text_.size() + simdjson::SIMDJSON_PADDING);
  rest_ = text_;
}

bool JsonLines::parse(std::string_view text) {
  JsonElement object;
  if (parser_.parse(text.data(), text.size(), false).get(object) || !object.is_object()) return false;
  object_ = object;
  return true;
}

// What is left of a line that is no single object: several glued together, or bytes that are no UTF-8.
bool JsonLines::next_glued() {
  const size_t from = glued_.find(opening_);
  if (from == std::string_view::npos) return false;
  glued_.remove_prefix(from);
  const Extent extent = extent_of(glued_);
  if (extent.bytes == 0 || !extent.closing.empty()) {
    cut_off_ = rest_.empty();
    return false;
  }
  line_ = glued_.substr(0, extent.bytes);
  glued_.remove_prefix(extent.bytes);
  scratch_ = well_formed(line_);
  scratch_.reserve(scratch_.size() + simdjson::SIMDJSON_PADDING);
  parse(scratch_);
  return true;
}

bool JsonLines::next() {
  object_.reset();
  if (!glued_.empty()) {
    if (next_glued()) return true;
    glued_ = {};
  }
  if (rest_.empty()) return false;
  const size_t feed = rest_.find('\n');
  const bool ended = feed != std::string_view::npos;
  line_ = rest_.substr(0, feed);
  rest_.remove_prefix(ended ? feed + 1 : rest_.size());
  const size_t from = line_.find(opening_);
  if (from == std::string_view::npos) {
    cut_off_ = !ended && line_.starts_with('{');
  } else if (line_.remove_prefix(from); line_.size() <= kLineBytes && !parse(line_)) {
    glued_ = line_;
    if (!next_glued()) glued_ = {};
  }
  return true;
}

std::string_view text_member(JsonElement object, std::string_view name) {
  std::string_view text;
  return object[name].get(text) ? std::string_view() : text;
}

std::optional<int64_t> integer_member(JsonElement object, std::string_view name) {
  int64_t value = 0;
  if (object[name].get(value)) return {};
  return value;
}

std::optional<simdjson::dom::array> array_member(JsonElement object, std::string_view name) {
  simdjson::dom::array array;
  if (object[name].get(array)) return {};
  return array;
}

}  // namespace assay
