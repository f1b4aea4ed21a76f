// JSON for everything that is ours: parsing with limits, canonical bytes, and a checked reader that names the JSON path.
// (Answers from outside are parsed in verifiers/ with simdjson.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "envs/base/status.h"

// Compiled once, in json.cc, and not in every file that holds a value: a fifth to a quarter of their time.
extern template class nlohmann::basic_json<>;
extern template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace assay {

using Json = nlohmann::json;                 // keys sorted: identities
using OrderedJson = nlohmann::ordered_json;  // keys in the order written: what models and people read

struct JsonLimits {
  size_t bytes = 64u << 20;
  size_t depth = 64;
  size_t ordered_members = 4096;  // of one object of parse_ordered_json, which looks its members up one by one
};

// Strict JSON: UTF-8, no comments, no duplicate keys, no NaN or Infinity, one value, within limits. `where` names the source in errors.
Result<Json> parse_json(std::string_view text, std::string_view where, const JsonLimits& limits = {});
// As strict, keeping the order of keys; integers beyond 64 bits are refused, where parse_json makes them floating-point numbers.
Result<OrderedJson> parse_ordered_json(std::string_view text, std::string_view where, const JsonLimits& limits = {});

// Sorted keys, no white space, UTF-8 as is, shortest round-trip numbers. Equal values give equal bytes.
std::string canonical_json(const Json& value);

// Whole file, or an error naming it; at most `limit_bytes`.
Result<std::string> read_file(const std::string& path, size_t limit_bytes = size_t{1} << 30);
Result<Json> read_json_file(const std::string& path, const JsonLimits& limits = {});
// Writes beside the target, syncs, renames: a reader sees the old file or the whole new one.
Status write_file(const std::string& path, std::string_view bytes);

// Reads an object's members with types checked; the first error is kept and names `file: path: what was expected`.
//
//   Reader r(json, "travel.json", "$.tables[0]");
//   spec.name = r.text("name");
//   spec.count = r.integer("count", {.minimum = 1, .fallback = 8});
//   ASSAY_TRY(r.finish());        // also reports unknown members, with the nearest known one
class JsonReader {
 public:
  struct IntegerRule {
    int64_t minimum = INT64_MIN;
    int64_t maximum = INT64_MAX;
    std::optional<int64_t> fallback = std::nullopt;
  };

  JsonReader(const Json& object, std::string file, std::string path);

  bool has(const char* name) const;
  std::string text(const char* name);
  std::string text_or(const char* name, std::string fallback);
  int64_t integer(const char* name);
  int64_t integer(const char* name, const IntegerRule& rule);
  double number(const char* name);
  double number_or(const char* name, double fallback);
  bool boolean_or(const char* name, bool fallback);
  std::vector<std::string> texts(const char* name);
  std::vector<std::string> texts_or(const char* name, std::vector<std::string> fallback);
  // The member itself (null Json when absent in the _or form); structure is the caller's to check.
  const Json& member(const char* name);
  const Json& object(const char* name);
  const Json& array(const char* name);
  const Json& member_or_null(const char* name);

  std::string path_of(const char* name) const { return path_ + "." + name; }
  const std::string& path() const { return path_; }
  const std::string& file() const { return file_; }

  // Records an error found by the caller at member `name` ("" for the object itself).
  void fail(const std::string& name, std::string what, std::string hint = "");
  bool failed() const { return error_.has_value(); }
  Status finish();

 private:
  const Json* find(const char* name);
  const Json& need(const char* name, const char* type, bool (Json::*test)() const noexcept);

  const Json& object_;
  std::string file_, path_;
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

// The closest of `known` to `name` by edit distance if it is near enough to be a typing mistake, else "".
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);
// "unknown <noun> 'x'; known: a, b, c" with a "did you mean" hint.
Error unknown_name(std::string_view noun, std::string_view name, const std::vector<std::string>& known,
                   std::string where = "");

}  // namespace assay
