// JSON in a text that nobody vouches for, read with simdjson. Linear.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

namespace assay {

using JsonElement = simdjson::dom::element;

// One document of at most 64 MiB, the first that begins a line; what stands before and after it is overlooked. One that was cut off is closed after
// its last whole value, and malformed UTF-8 is replaced.
class JsonDocument {
 public:
  explicit JsonDocument(std::string_view text);

  const std::optional<JsonElement>& root() const { return root_; }   // nothing where there is no document
  bool whole() const { return whole_; }

 private:
  bool parse(std::string text);

  simdjson::dom::parser parser_;
  std::string text_;
  std::optional<JsonElement> root_;
  bool whole_ = false;
};

// One object of at most 4 MiB a line, among lines of other kinds.
class JsonLines {
 public:
  // An object begins with `opening`, '{"Time":': where a line holds other text too, it begins there.
  JsonLines(std::string_view text, std::string_view opening);

  bool next();                                                // false where there is no further line
  const std::optional<JsonElement>& object() const { return object_; }   // until next(); nothing where the line holds none
  std::string_view line() const { return line_; }             // until next(); raw
  bool cut_off() const { return cut_off_; }                   // the last line began an object and did not end it

 private:
  bool parse(std::string_view text);
  bool next_glued();

  simdjson::dom::parser parser_;
  std::string text_, scratch_;
  std::string_view rest_, line_, glued_, opening_;
  std::optional<JsonElement> object_;
  bool cut_off_ = false;
};

// Members by name; empty where they are missing or of another type.
std::string_view text_member(JsonElement object, std::string_view name);
std::optional<int64_t> integer_member(JsonElement object, std::string_view name);
std::optional<simdjson::dom::array> array_member(JsonElement object, std::string_view name);

}  // namespace assay
