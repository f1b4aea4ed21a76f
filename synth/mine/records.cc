#include "synth/mine/records.h"

#include <algorithm>
#include <fstream>

namespace assay {
namespace {

constexpr size_t kRecordBytes = size_t{64} << 20;

Result<Json> parse_object(std::string_view text, const std::string& where) {
  ASSAY_ASSIGN(Json json, parse_json(text, where, {.bytes = kRecordBytes}));
  if (!json.is_object()) return input_error("expected an object", where);
  return json;
}

}  // namespace

Result<std::vector<FileRecord>> read_records(const std::string& path) {
  ASSAY_ASSIGN(const std::string text, read_file(path));
  std::vector<FileRecord> out;
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return out;
  if (text[begin] == '[') {
    ASSAY_ASSIGN(const Json array, parse_json(text, path, {.bytes = size_t{1} << 30}));
    for (size_t i = 0; i < array.size(); ++i) {
      const std::string where = path + ": $[" + std::to_string(i) + "]";
      out.push_back({where, array[i].is_object() ? Result<Json>(array[i]) : Result<Json>(input_error("expected an object", where))});
    }
    return out;
  }
  int64_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const std::string where = path + ":" + std::to_string(number);
    out.push_back({where, parse_object(line, where)});
  }
  return out;
}

Json first_record(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(1 << 20, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  const size_t begin = text.find_first_not_of(" \t\r\n[");
  if (begin == std::string::npos) return nullptr;
  // The object that the text begins with: nothing else of it need be whole.
  int depth = 0;
  bool quoted = false;
  for (size_t i = begin; i < text.size(); ++i) {
    if (quoted) {
      if (text[i] == '\\') ++i;
      else quoted = text[i] != '"';
      continue;
    }
    quoted = text[i] == '"';
    depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
    if (depth == 0) {
      Result<Json> json = parse_object(std::string_view(text).substr(begin, i + 1 - begin), path);
      return json.ok() ? std::move(*json) : Json();
    }
  }
  return nullptr;
}

}  // namespace assay
