#include "verifiers/value_verifier.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "verifiers/bag.h"

namespace assay {
namespace {

constexpr JsonLimits kAnswerLimits{.bytes = 64 << 10, .depth = 16};
constexpr size_t kShown = 80;
constexpr double kNearMiss = 1e-3;   // how far outside of its tolerance a mutant lies, as a part of it

std::string trimmed(std::string_view text) {
  constexpr const char* kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  return begin == std::string_view::npos ? "" : std::string(text.substr(begin, text.find_last_not_of(kSpace) - begin + 1));
}

// As JSON writes integers, but for "-0".
bool is_integer_text(std::string_view text) {
  const bool negative = text.starts_with("-");
  if (negative) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos && (text[0] != '0' || (text.size() == 1 && !negative));
}

// The first kShown bytes, or a few less: no character of UTF-8 is cut in two.
std::string shortened(std::string text) {
  if (text.size() <= kShown) return text;
  size_t end = kShown;
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string folded(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

const std::string& type_of(const Json& spec) { return spec.at("type").get_ref<const std::string&>(); }
double tolerance_of(const Json& spec) {
  return std::max(spec.value("absolute", 0.0), spec.value("relative", 0.0) * std::fabs(spec.at("value").get<double>()));
}

Status check(const Json& spec, const std::string& where, const std::string& path, int depth) {
  JsonReader r(spec, where, path);
  if (depth > 8) r.fail("", "too many levels");
  const std::string type = spec.is_object() ? r.text("type") : "";
  std::vector<std::pair<std::string, const Json*>> below;
  if (type == "integer") {
    if (!is_integer_text(r.text("value"))) r.fail("value", "expected decimal digits");
  } else if (type == "number") {
    const double value = r.number("value"), absolute = r.number_or("absolute", 0), relative = r.number_or("relative", 0);
    const std::string why = r.text_or("why", "");
    if (!std::isfinite(value) || !(absolute >= 0) || !(relative >= 0) || !std::isfinite(absolute) || !(relative < 1)) r.fail("value", "expected finite numbers and tolerances of at least 0");
    if ((absolute > 0 || relative > 0) && why.empty()) r.fail("why", "a tolerance needs its reason");
  } else if (type == "text") {
    if (trimmed(r.text("value")).empty()) r.fail("value", "expected some text");
    r.boolean_or("fold_case", false);
  } else if (type == "boolean") {
    if (!r.member("value").is_boolean()) r.fail("value", "expected true or false");
  } else if (type == "list") {
    r.boolean_or("ordered", true);
    const Json& items = r.array("items");
    for (size_t i = 0; i < items.size(); ++i) below.emplace_back(path + ".items[" + std::to_string(i) + "]", &items[i]);
  } else if (type == "object") {
    const Json& fields = r.object("fields");
    if (fields.is_object())
      for (auto it = fields.begin(); it != fields.end(); ++it) below.emplace_back(path + ".fields." + it.key(), &it.value());
  } else if (spec.is_object()) {
    r.fail("type", "unknown type '" + type + "'", "integer, number, text, boolean, list or object");
  }
  ASSAY_TRY(r.finish());
  for (const auto& [name, each] : below) ASSAY_TRY(check(*each, where, name, depth + 1));
  return {};
}

bool matches_scalar(const Json& spec, const Json& answer) {
  const std::string& type = type_of(spec);
  if (type == "integer") return trimmed(answer.is_string() ? answer.get<std::string>() : answer.is_number_integer() ? answer.dump() : "") == spec.at("value").get<std::string>();
  if (type == "boolean") return answer.is_boolean() && answer == spec.at("value");
  if (type == "text") {
    if (!answer.is_string()) return false;
    const std::string given = trimmed(answer.get<std::string>()), wanted = trimmed(spec.at("value").get<std::string>());
    return spec.value("fold_case", false) ? folded(given) == folded(wanted) : given == wanted;
  }
  if (!answer.is_number()) return false;
  return std::fabs(answer.get<double>() - spec.at("value").get<double>()) <= tolerance_of(spec);
}

bool matches(const Json& spec, const Json& answer);

void examine(const Json& spec, const Json& answer, const std::string& name, std::vector<Check>& checks);

bool matches(const Json& spec, const Json& answer) {
  if (type_of(spec) != "list" && type_of(spec) != "object") return matches_scalar(spec, answer);
  std::vector<Check> checks;
  examine(spec, answer, "value", checks);
  return std::all_of(checks.begin(), checks.end(), [](const Check& c) { return c.passed; });
}

void examine(const Json& spec, const Json& answer, const std::string& name, std::vector<Check>& checks) {
  const auto add = [&](bool passed, std::string evidence) { checks.push_back({name, passed, std::move(evidence)}); };
  // What was given, never what was expected: a verdict may be shown to who gave it.
  const auto shown = [&] { return shortened(canonical_json(answer)); };
  const std::string& type = type_of(spec);
  if (type == "list") {
    const Json& items = spec.at("items");
    if (!answer.is_array() || answer.size() != items.size())
      return add(false, answer.is_array() ? "a list of " + std::to_string(answer.size()) + " items, not of as many as asked for" : "expected a list, found " + shown());
    if (!spec.value("ordered", true)) {
      const bool passed = same_bag(items.size(), [&](size_t i, size_t j) { return matches(items[i], answer[j]); });
      return add(passed, passed ? "" : "the items are not the expected ones");
    }
    for (size_t i = 0; i < items.size(); ++i) examine(items[i], answer[i], name + "[" + std::to_string(i) + "]", checks);
    if (items.empty()) add(true, "");
    return;
  }
  if (type == "object") {
    const Json& fields = spec.at("fields");
    if (!answer.is_object()) return add(false, "expected an object, found " + shown());
    for (auto it = answer.begin(); it != answer.end(); ++it)
      if (!fields.contains(it.key())) add(false, "the key '" + shortened(it.key()) + "' was not asked for");
    for (auto it = fields.begin(); it != fields.end(); ++it) {
      if (answer.contains(it.key())) examine(it.value(), answer.at(it.key()), name + "." + it.key(), checks);
      else checks.push_back({name + "." + it.key(), false, "missing"});
    }
    if (fields.empty()) add(answer.empty(), answer.empty() ? "" : "expected no keys");
    return;
  }
  const bool passed = matches_scalar(spec, answer);
  add(passed, passed ? "" : shown() + " is wrong");
}

// A number so large that JSON numbers lose digits is compared as it was written.
std::optional<Json> whole_integer(std::string_view answer) {
  if (answer.size() > kAnswerLimits.bytes) return std::nullopt;
  const std::string text = trimmed(answer);
  return is_integer_text(text) ? std::optional<Json>(text) : std::nullopt;
}

OrderedJson value_of(const Json& spec) {
  const std::string& type = type_of(spec);
  OrderedJson out;
  if (type == "list") {
    out = OrderedJson::array();
    for (const Json& item : spec.at("items")) out.push_back(value_of(item));
  } else if (type == "object") {
    out = OrderedJson::object();
    for (auto it = spec.at("fields").begin(); it != spec.at("fields").end(); ++it) out[it.key()] = value_of(it.value());
  } else if (type == "integer") {
    const std::string digits = spec.at("value");
    out = digits.size() <= 18 ? OrderedJson(std::strtoll(digits.c_str(), nullptr, 10)) : OrderedJson(digits);
  } else {
    out = spec.at("value");
  }
  return out;
}

// Every part of the value with a way to change it: `put` gives the whole answer with this part replaced.
void mutate(const Json& spec, const std::string& name, const std::function<std::string(const OrderedJson&)>& put, std::vector<ValueMutant>& out) {
  const auto add = [&](const char* branch, const OrderedJson& value) { out.push_back({name, branch, put(value)}); };
  const std::string& type = type_of(spec);
  const OrderedJson right = value_of(spec);
  if (type == "integer") {
    const std::string digits = spec.at("value");
    if (right.is_number()) {
      add("above", right.get<int64_t>() + 1);
      add("below", right.get<int64_t>() - 1);
    } else {
      add("other", digits.substr(0, digits.size() - 1) + (digits.back() == '0' ? "1" : "0"));
    }
    add("other", digits + "0");
    add("other type", OrderedJson::array({right}));
  } else if (type == "number") {
    const double value = spec.at("value"), tolerance = tolerance_of(spec);
    const double step = tolerance > 0 ? tolerance * (1 + kNearMiss) : std::max(std::fabs(value), 1e-300) * 1e-12;
    add("above", value + step + std::fabs(value) * 1e-15);
    add("below", value - step - std::fabs(value) * 1e-15);
    add("other type", "about");
    add("missing", nullptr);
  } else if (type == "text") {
    const std::string text = trimmed(spec.at("value").get<std::string>());
    add("other", text + "x");
    add("other", text + " " + text);
    add("other type", OrderedJson::array({text}));
  } else if (type == "boolean") {
    add("other", !spec.at("value").get<bool>());
    add("other type", spec.at("value").get<bool>() ? "true" : "false");
  } else if (type == "list") {
    const Json& items = spec.at("items");
    OrderedJson more = right;
    more.push_back(right.empty() ? OrderedJson(0) : right.back());
    add("extra", more);
    add("other type", OrderedJson::object());
    if (right.empty()) return;
    OrderedJson fewer = right;
    fewer.erase(fewer.size() - 1);
    add("missing", fewer);
    for (size_t i = 0; spec.value("ordered", true) && i + 1 < right.size(); ++i) {
      if (matches(items[i], Json(right[i + 1])) && matches(items[i + 1], Json(right[i]))) continue;
      OrderedJson swapped = right;
      std::swap(swapped[i], swapped[i + 1]);
      add("swapped", swapped);
      break;
    }
    // In a bag, a changed item may be another's value; the first and the last stand for all.
    for (size_t i : {size_t{0}, items.size() - 1}) {
      mutate(items[i], name + "[" + std::to_string(i) + "]", [&put, &right, i](const OrderedJson& value) {
        OrderedJson changed = right;
        changed[i] = value;
        return put(changed);
      }, out);
      if (items.size() == 1) break;
    }
  } else {
    OrderedJson more = right;
    more["unasked"] = 0;
    add("extra", more);
    for (auto it = spec.at("fields").begin(); it != spec.at("fields").end(); ++it) {
      OrderedJson fewer = right;
      fewer.erase(it.key());
      out.push_back({name + "." + it.key(), "missing", put(fewer)});
      mutate(it.value(), name + "." + it.key(), [&put, &right, key = it.key()](const OrderedJson& value) {
        OrderedJson changed = right;
        changed[key] = value;
        return put(changed);
      }, out);
    }
  }
}

// The value at the edges of its tolerances, and its bags the other way round.
OrderedJson varied(const Json& spec, double part) {
  const std::string& type = type_of(spec);
  OrderedJson out = value_of(spec);
  if (type == "number" && tolerance_of(spec) > 0) return spec.at("value").get<double>() + part * tolerance_of(spec);
  if (type == "integer") return spec.at("value");
  if (type == "text") return " " + out.get<std::string>() + "\n";
  if (type == "list") {
    for (size_t i = 0; i < out.size(); ++i) out[i] = varied(spec.at("items")[i], part);
    if (!spec.value("ordered", true)) std::reverse(out.begin(), out.end());
  }
  if (type == "object") {
    OrderedJson reversed = OrderedJson::object();
    for (auto it = spec.at("fields").rbegin(); it != spec.at("fields").rend(); ++it) reversed[it.key()] = varied(it.value(), part);
    return reversed;
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<ValueVerifier>> ValueVerifier::create(Json specification, const std::string& where) {
  ASSAY_TRY(check(specification, where, "$.expected", 0));
  return std::unique_ptr<ValueVerifier>(new ValueVerifier(std::move(specification)));
}

Result<Json> ValueVerifier::read(std::string_view answer) const {
  if (type_of(specification_) == "integer")
    if (const auto digits = whole_integer(answer)) return *digits;
  return parse_json(answer, "the answer", kAnswerLimits);
}

bool ValueVerifier::passes(const Outcome& outcome) const {
  const Result<Json> parsed = read(outcome.answer);
  return parsed.ok() && matches(specification_, *parsed);
}

Verdict ValueVerifier::judge(std::string_view answer) const {
  Verdict verdict;
  verdict.verifier = kValueVerifierName;
  const Result<Json> parsed = read(answer);
  verdict.checks.push_back({"shape", parsed.ok(), parsed.ok() ? "" : "expected one JSON value, with no code fence or words around it: " + parsed.error().text()});
  if (parsed.ok()) examine(specification_, *parsed, "value", verdict.checks);
  verdict.passed = std::all_of(verdict.checks.begin(), verdict.checks.end(), [](const Check& c) { return c.passed; });
  verdict.reward = verdict.passed ? 1 : 0;
  return verdict;
}

std::string value_text(const Json& specification) { return value_of(specification).dump(); }

std::vector<ValueMutant> value_mutants(const Json& specification) {
  std::vector<ValueMutant> out;
  mutate(specification, "value", [](const OrderedJson& value) { return value.dump(); }, out);
  return out;
}

std::vector<std::string> equal_forms(const Json& specification) {
  const OrderedJson right = value_of(specification);
  // A hair inside the edge: the sum of value and tolerance is rounded, too.
  return {right.dump(3), right.dump(-1, ' ', true), " \n\t" + right.dump() + "\r\n ", varied(specification, 1 - 1e-9).dump(), varied(specification, -1 + 1e-9).dump()};
}

}  // namespace assay
