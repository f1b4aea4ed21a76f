#include "engine/grammar/json_language.h"

#include <algorithm>
#include <array>
#include <optional>

namespace assay {
namespace {

constexpr int64_t kMostDigits = 18, kMostDepth = 16, kFreeDepth = 3;
constexpr int64_t kLargestInteger = 999'999'999'999'999'999;
constexpr std::array<std::string_view, 7> kTypes = {"string", "integer", "number", "boolean", "null", "array", "object"};
constexpr std::array<std::string_view, 5> kPassedOver = {"$schema", "title", "description", "default", "examples"};
constexpr std::array<std::string_view, 13> kUnderstood = {"type", "enum", "const", "properties", "required", "additionalProperties", "items",
                                                          "minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"};

template <size_t count>
bool among(const std::array<std::string_view, count>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> type_names(const Json& type) {
  std::vector<std::string> names;
  for (const Json& name : type.is_array() ? type : Json::array({type})) names.push_back(name.is_string() ? name.get<std::string>() : name.dump());
  return names;
}

bool has_type(const Json& value, std::string_view type) {
  if (type == "integer") return value.is_number_integer();
  return type == "number" ? value.is_number() : type == std::string_view(value.type_name());
}

// Writes the language of one schema.
class Compiler {
 public:
  explicit Compiler(Languages& languages) : l_(languages) {}

  Result<Language> value(const Json& schema, const std::string& where, int64_t depth = 0) {
    if (depth > kMostDepth) return input_error("a schema of more than " + std::to_string(kMostDepth) + " levels", where);
    ASSAY_TRY(check(schema, where));
    if (const auto values = listed(schema)) {
      std::vector<Language> choices;
      for (const Json& each : *values) choices.push_back(l_.literal(canonical_json(each)));
      return l_.any_of(choices);
    }
    if (!schema.contains("type")) return free_value(kFreeDepth);
    std::vector<Language> choices;
    for (const std::string& type : type_names(schema["type"])) {
      ASSAY_ASSIGN(const Language choice, of_type(type, schema, where, depth));
      choices.push_back(choice);
    }
    return l_.any_of(choices);
  }

  Result<Language> raw_string(const Json& schema, const std::string& where) {
    ASSAY_TRY(check(schema, where));
    if (const auto values = listed(schema)) {
      std::vector<Language> choices;
      for (const Json& each : *values)
        if (each.is_string()) choices.push_back(l_.literal(each.get_ref<const std::string&>()));
      return l_.any_of(choices);
    }
    if (schema.contains("type")) {
      const std::vector<std::string> types = type_names(schema["type"]);
      if (std::find(types.begin(), types.end(), "string") == types.end()) return Languages::nothing();
    }
    ASSAY_ASSIGN(const Bounds lengths, bounds(schema, "minLength", "maxLength", where));
    return utf8_characters(l_, lengths.least, lengths.most);
  }

  // The values that enum or const leave, those of the wrong type left out.
  static std::optional<std::vector<Json>> listed(const Json& schema) {
    if (!schema.contains("enum") && !schema.contains("const")) return std::nullopt;
    const Json all = schema.contains("enum") ? schema["enum"] : Json::array({schema["const"]});
    const std::vector<std::string> types = schema.contains("type") ? type_names(schema["type"]) : std::vector<std::string>();
    std::vector<Json> values;
    for (const Json& each : all) {
      const bool typed = types.empty() || std::any_of(types.begin(), types.end(), [&](const std::string& type) { return has_type(each, type); });
      if (typed && (!schema.contains("const") || schema["const"] == each)) values.push_back(each);
    }
    return values;
  }

 private:
  struct Bounds {
    uint64_t least = 0, most = Languages::kUnbounded;
  };

  static Status check(const Json& schema, const std::string& where) {
    if (!schema.is_object()) return input_error("expected a JSON Schema, which is an object", where);
    for (const auto& [key, value] : schema.items())
      if (!among(kUnderstood, key) && !among(kPassedOver, key))
        return input_error("the keyword \"" + key + "\" is not understood, so it could not be kept to", where, "a schema without it");
    const bool says_values = schema.contains("enum") || schema.contains("const");
    for (const auto& [key, value] : schema.items())
      if (!says_values && !schema.contains("type") && among(kUnderstood, key)) return input_error("\"" + key + "\" without a \"type\"", where, "the type that it is about");
    for (const std::string& name : schema.contains("type") ? type_names(schema["type"]) : std::vector<std::string>())
      if (!among(kTypes, name)) return unknown_name("type", name, {kTypes.begin(), kTypes.end()}, where);
    if (const auto values = schema.find("enum"); values != schema.end() && (!values->is_array() || values->empty()))
      return input_error("expected a list of values", where + ".enum");
    if (const auto values = listed(schema); values && values->empty()) return input_error("no value satisfies type, enum and const together", where);
    return {};
  }

  static Result<Bounds> bounds(const Json& schema, const char* least, const char* most, const std::string& where) {
    Bounds found;
    for (const auto& [name, bound] : {std::pair(least, &found.least), std::pair(most, &found.most)}) {
      if (!schema.contains(name)) continue;
      if (!schema[name].is_number_unsigned() || schema[name] > kMostRepetitions)
        return input_error("expected a number from 0 to " + std::to_string(kMostRepetitions), where + "." + name);
      *bound = schema[name].get<uint64_t>();
    }
    if (found.least > found.most) return input_error(std::string(least) + " is more than " + most, where);
    return found;
  }

  Result<Language> of_type(const std::string& type, const Json& schema, const std::string& where, int64_t depth) {
    if (type == "integer") return integer(schema, where);
    if (type == "array") return array(schema, where, depth);
    if (type == "object") return object(schema, where, depth);
    if (type == "number" && (schema.contains("minimum") || schema.contains("maximum")))
      return input_error("bounds of a number that is no integer are not understood, so they could not be kept to", where, "\"type\": \"integer\", or no bounds");
    if (type != "string") return scalar(type);
    ASSAY_ASSIGN(const Bounds lengths, bounds(schema, "minLength", "maxLength", where));
    return quoted(lengths.least, lengths.most);
  }

  Language scalar(const std::string& type) {
    if (type == "null") return l_.literal("null");
    if (type == "boolean") return l_.any_of({l_.literal("true"), l_.literal("false")});
    const Language fraction = l_.sequence({l_.literal("."), digits(1, kMostDigits)});
    const Language sign = l_.optional(l_.any_of({l_.literal("+"), l_.literal("-")}));
    const Language exponent = l_.sequence({l_.any_of({l_.literal("e"), l_.literal("E")}), sign, digits(1, 2)});
    return l_.sequence({l_.optional(l_.literal("-")), natural(), l_.optional(fraction), l_.optional(exponent)});
  }

  Language digits(uint64_t least, uint64_t most) { return l_.repeat(l_.byte('0', '9'), least, most); }
  Language natural() { return l_.any_of({l_.literal("0"), l_.sequence({l_.byte('1', '9'), digits(0, kMostDigits - 1)})}); }

  Result<Language> integer(const Json& schema, const std::string& where) {
    std::array<int64_t, 2> range = {-kLargestInteger, kLargestInteger};
    for (size_t i = 0; i < 2; ++i) {
      const char* name = i == 0 ? "minimum" : "maximum";
      if (!schema.contains(name)) continue;
      const Json& bound = schema[name];
      if (!bound.is_number_integer() || bound < -kLargestInteger || bound > kLargestInteger)
        return input_error("expected an integer of at most 18 digits", where + "." + name);
      range[i] = bound.get<int64_t>();
    }
    const auto [low, high] = range;
    if (low > high) return input_error("minimum is more than maximum", where);
    std::vector<Language> choices;
    if (low < 0) choices.push_back(l_.sequence({l_.literal("-"), naturals(std::max<int64_t>(1, -high), -low)}));
    if (high >= 0) choices.push_back(naturals(std::max<int64_t>(0, low), high));
    return l_.any_of(choices);
  }

  // From low to high, 0 <= low.
  Language naturals(int64_t low, int64_t high) {
    if (low > high) return Languages::nothing();
    std::vector<Language> choices;
    for (int64_t first = low; first <= high;) {
      const std::string from = std::to_string(first), nines(from.size(), '9');
      const int64_t last = std::min(high, static_cast<int64_t>(std::stoll(nines)));
      choices.push_back(between(from, std::to_string(last)));
      first = last + 1;
    }
    return l_.any_of(choices);
  }

  // Digits between two strings of equal length.
  Language between(std::string_view low, std::string_view high) {
    if (low.empty()) return Languages::empty();
    const std::string zeros(low.size(), '0'), nines(low.size(), '9');
    if (low == zeros && high == nines) return digits(low.size(), low.size());
    const auto led = [&](char digit, std::string_view from, std::string_view to) { return l_.sequence({l_.literal({&digit, 1}), between(from, to)}); };
    const std::string_view low_rest = low.substr(1), high_rest = high.substr(1), zeros_rest = std::string_view(zeros).substr(1), nines_rest = std::string_view(nines).substr(1);
    if (low[0] == high[0]) return led(low[0], low_rest, high_rest);
    std::vector<Language> choices = {led(low[0], low_rest, nines_rest), led(high[0], zeros_rest, high_rest)};
    for (char digit = static_cast<char>(low[0] + 1); digit < high[0]; ++digit) choices.push_back(led(digit, zeros_rest, nines_rest));
    return l_.any_of(choices);
  }

  // A string in quotes of so many characters.
  Language quoted(uint64_t least, uint64_t most) {
    const auto letters = [&](std::string_view of) {
      std::bitset<256> set;
      for (const char each : of) set.set(static_cast<uint8_t>(each));
      return l_.byte_of(set);
    };
    const Language hex = letters("0123456789ABCDEFabcdef");
    const auto code = [&](std::string_view first, std::string_view second) { return l_.sequence({l_.literal("\\u"), letters(first), letters(second), hex, hex}); };
    const Language plain = l_.all_of({utf8_characters(l_, 1, 1), l_.complement(l_.any_of({l_.byte(0, 0x1F), l_.literal("\""), l_.literal("\\")}))});
    const Language character = l_.any_of({plain, l_.sequence({l_.literal("\\"), letters("\"\\/bfnrt")}),
                                          code("0123456789ABCEFabcef", "0123456789ABCDEFabcdef"), code("Dd", "01234567"),
                                          l_.sequence({code("Dd", "89ABab"), code("Dd", "CDEFcdef")})});
    return l_.sequence({l_.literal("\""), l_.repeat(character, least, most), l_.literal("\"")});
  }

  Language comma() { return l_.sequence({l_.literal(","), l_.optional(l_.literal(" "))}); }

  Language list_of(Language item, uint64_t least, uint64_t most) {
    std::vector<Language> choices;
    if (least == 0) choices.push_back(l_.literal("[]"));
    if (most > 0) {
      const Language further = l_.repeat(l_.sequence({comma(), item}), least - (least > 0), most == Languages::kUnbounded ? most : most - 1);
      choices.push_back(l_.sequence({l_.literal("["), item, further, l_.literal("]")}));
    }
    return l_.any_of(choices);
  }

  Result<Language> array(const Json& schema, const std::string& where, int64_t depth) {
    ASSAY_ASSIGN(const Bounds count, bounds(schema, "minItems", "maxItems", where));
    Language item = free_value(kFreeDepth - 1);
    if (schema.contains("items")) {
      ASSAY_ASSIGN(item, value(schema["items"], where + ".items", depth + 1));
    }
    return list_of(item, count.least, count.most);
  }

  Language member(const std::string& name, Language value) {
    return l_.sequence({l_.literal(canonical_json(name)), l_.literal(":"), l_.optional(l_.literal(" ")), value});
  }

  Result<Language> object(const Json& schema, const std::string& where, int64_t depth) {
    if (schema.contains("additionalProperties") && !schema["additionalProperties"].is_boolean())
      return input_error("expected true or false", where + ".additionalProperties");
    if (!schema.contains("properties") && schema.value("required", Json::array()).empty()) return free_object(kFreeDepth);
    const Json properties = schema.value("properties", Json::object()), required = schema.value("required", Json::array());
    if (!properties.is_object() || properties.size() > Languages::kMaxMembers)
      return input_error("expected an object of at most " + std::to_string(Languages::kMaxMembers) + " properties", where + ".properties");
    std::vector<Language> members;
    uint64_t needed = 0;
    for (const auto& [name, property] : properties.items()) {
      ASSAY_ASSIGN(const Language each, value(property, where + "." + name, depth + 1));
      if (std::find(required.begin(), required.end(), Json(name)) != required.end()) needed |= uint64_t{1} << members.size();
      members.push_back(member(name, each));
    }
    for (const Json& name : required)
      if (!name.is_string() || !properties.contains(name.get_ref<const std::string&>())) return input_error("required: " + name.dump() + " is no property", where);
    return l_.sequence({l_.literal("{"), l_.in_any_order(members, needed, comma()), l_.literal("}")});
  }

  Language free_object(int64_t levels) {
    const Language only = l_.sequence({quoted(0, Languages::kUnbounded), l_.literal(":"), l_.optional(l_.literal(" ")), free_value(levels - 1)});
    return l_.sequence({l_.literal("{"), l_.optional(only), l_.literal("}")});
  }

  Language free_value(int64_t levels) {
    std::vector<Language> choices = {scalar("null"), scalar("boolean"), scalar("number"), quoted(0, Languages::kUnbounded)};
    if (levels > 0) {
      choices.push_back(list_of(free_value(levels - 1), 0, Languages::kUnbounded));
      choices.push_back(free_object(levels));
    }
    return l_.any_of(choices);
  }

  static constexpr int64_t kMostRepetitions = 4096;

  Languages& l_;
};

}  // namespace

Language utf8_characters(Languages& l, uint64_t least, uint64_t most) {
  const Language next = l.byte(0x80, 0xBF);
  return l.repeat(l.any_of({l.byte(0, 0x7F), l.sequence({l.byte(0xC2, 0xDF), next}), l.sequence({l.byte(0xE0, 0xE0), l.byte(0xA0, 0xBF), next}),
                            l.sequence({l.byte(0xE1, 0xEC), next, next}), l.sequence({l.byte(0xED, 0xED), l.byte(0x80, 0x9F), next}),
                            l.sequence({l.byte(0xEE, 0xEF), next, next}), l.sequence({l.byte(0xF0, 0xF0), l.byte(0x90, 0xBF), next, next}),
                            l.sequence({l.byte(0xF1, 0xF3), next, next, next}), l.sequence({l.byte(0xF4, 0xF4), l.byte(0x80, 0x8F), next, next})}),
                  least, most);
}

Result<Language> json_language(Languages& languages, const Json& schema, const std::string& where) { return Compiler(languages).value(schema, where); }

Result<Language> raw_string_language(Languages& languages, const Json& schema, const std::string& where) {
  return Compiler(languages).raw_string(schema, where);
}

Json without_strings(const Json& schema) {
  Json rest = schema;
  if (const auto values = Compiler::listed(schema)) {
    rest.erase("const");
    rest["enum"] = Json::array();
    for (const Json& each : *values)
      if (!each.is_string()) rest["enum"].push_back(each);
    return rest["enum"].empty() ? Json() : rest;
  }
  rest["type"] = Json::array();
  for (const std::string_view type : kTypes) {
    const std::vector<std::string> allowed = schema.contains("type") ? type_names(schema["type"]) : std::vector<std::string>(kTypes.begin(), kTypes.end());
    if (type != "string" && std::find(allowed.begin(), allowed.end(), type) != allowed.end()) rest["type"].push_back(type);
  }
  return rest["type"].empty() ? Json() : rest;
}

}  // namespace assay
