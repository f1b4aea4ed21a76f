#include "synth/operate/part.h"

#include <algorithm>

#include "envs/database.h"
#include "envs/toolset.h"

namespace assay::operate {
namespace {

constexpr size_t kMostRequests = 64, kMostCases = 32, kMostCalls = 16;

const ToolSpec* find_tool(const Domain& domain, const std::string& name) {
  for (const ToolSpec& tool : domain.tools)
    if (tool.name == name) return &tool;
  return nullptr;
}

std::string item(const std::string& path, size_t index) { return path + "[" + std::to_string(index) + "]"; }

// Every {name} of a text. A brace without its partner is an error.
Result<std::vector<std::string>> columns_in(const std::string& text, const std::string& where) {
  std::vector<std::string> out;
  for (size_t at = 0; (at = text.find_first_of("{}", at)) != std::string::npos;) {
    const size_t end = text.find_first_of("{}", at + 1);
    if (text[at] == '}' || end == std::string::npos || text[end] == '{')
      return input_error("a brace without its partner in '" + text.substr(0, 80) + "'", where);
    out.push_back(text.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return out;
}

class Reader {
 public:
  Reader(const Domain& domain, std::string file) : domain_(domain), file_(std::move(file)) {}

  Result<Part> read(const Json& json, const std::string& path) {
    ASSAY_ASSIGN(connection_, open_empty());
    JsonReader r(json, file_, path);
    part_.role = r.text("role");
    part_.policy = r.texts("policy");
    const Json &refuse = r.object("refuse"), &requests = r.object("requests"), &levels = r.object("levels");
    if (part_.policy.empty()) r.fail("policy", "expected at least one rule");
    ASSAY_TRY(r.finish());
    ASSAY_TRY(read_refuse(refuse, r.path_of("refuse")));
    if (requests.empty() || requests.size() > kMostRequests)
      return wrong(r.path_of("requests"), "expected 1 to " + std::to_string(kMostRequests) + " requests");
    for (const auto& [name, request] : requests.items()) ASSAY_TRY(read_request(name, request, r.path_of("requests") + "." + name));
    for (const auto& [name, level] : levels.items()) ASSAY_TRY(read_level(name, level, r.path_of("levels") + "." + name));
    for (int level = 1; level <= 5; ++level)
      if (!part_.levels.count(level)) return wrong(r.path_of("levels"), "level " + std::to_string(level) + " is missing");
    return std::move(part_);
  }

 private:
  Error wrong(const std::string& path, std::string what, std::string hint = "") const {
    return input_error(std::move(what), file_ + ": " + path, std::move(hint));
  }

  // The schema without a row, on which queries are tried.
  Result<std::unique_ptr<Connection>> open_empty() const {
    Tables tables;
    for (const TableSpec& spec : domain_.tables) tables.tables.push_back({spec, std::vector<std::vector<int64_t>>(spec.columns.size())});
    ASSAY_TRY(tables.build_index());
    ASSAY_ASSIGN(auto database, Database::build(tables));
    return Connection::open(std::move(database));
  }

  Status read_refuse(const Json& json, const std::string& path) {
    JsonReader r(json, file_, path);
    part_.refuse_tool = r.text("tool");
    part_.reason_parameter = r.text("reason");
    const Json& reasons = r.object("reasons");
    ASSAY_TRY(r.finish());
    const ToolSpec* tool = find_tool(domain_, part_.refuse_tool);
    if (!tool || tool->effect != ToolEffect::kWrite)
      return wrong(path + ".tool", "expected a tool that writes: a refusal that leaves no trace is the same as doing nothing");
    if (parameter_type(tool->parameters, part_.reason_parameter) != "string")
      return wrong(path + ".reason", "expected a string parameter of " + tool->name);
    if (reasons.empty()) return wrong(path + ".reasons", "expected at least one reason");
    for (const auto& [code, about] : reasons.items()) {
      if (!about.is_string()) return wrong(path + ".reasons." + code, "expected what the reason is for");
      if (std::string problem = argument_problem(only(tool->parameters, part_.reason_parameter), {{part_.reason_parameter, code}}); !problem.empty())
        return wrong(path + ".reasons." + code, tool->name + " does not take it: " + problem);
      part_.reasons.emplace_back(code, about.get<std::string>());
    }
    return {};
  }

  static Json only(const Json& schema, const std::string& parameter) {
    return {{"type", "object"}, {"properties", {{parameter, schema["properties"][parameter]}}}};
  }

  Status read_request(const std::string& name, const Json& json, const std::string& path) {
    JsonReader r(json, file_, path);
    Request request;
    request.name = name;
    request.say = r.texts("say");
    request.pick = r.text("pick");
    const std::vector<std::string> computed = r.texts_or("computed", {});
    const Json &lookups = r.has("lookups") ? r.array("lookups") : none_, &about = r.has("about") ? r.object("about") : nothing_;
    r.member_or_null("lookups"), r.member_or_null("about");
    const Json& cases = r.array("cases");
    if (request.say.empty()) r.fail("say", "expected at least one way to say it");
    if (cases.empty() || cases.size() > kMostCases) r.fail("cases", "expected 1 to " + std::to_string(kMostCases) + " cases");
    ASSAY_TRY(r.finish());
    ASSAY_ASSIGN(const auto query, connection_->prepare(request.pick, file_ + ": " + r.path_of("pick")));
    columns_ = query->columns();
    if (!query->parameters().empty()) return wrong(r.path_of("pick"), "a query without parameters is expected");
    for (size_t i = 0; i < columns_.size(); ++i)
      if (std::count(columns_.begin(), columns_.end(), columns_[i]) > 1) return wrong(r.path_of("pick"), "two columns are named '" + columns_[i] + "'");

    for (size_t i = 0; i < cases.size(); ++i) ASSAY_TRY(read_case(request, cases[i], about, item(r.path_of("cases"), i)));
    ASSAY_TRY(check_exclusive(request, r.path_of("cases")));
    for (const std::string& column : columns_)
      if (!request.facts.count(column)) request.parameters.push_back(column);
    for (size_t i = 0; i < request.say.size(); ++i) ASSAY_TRY(check_columns(request.say[i], request, item(r.path_of("say"), i)));
    for (const std::string& column : computed) {
      ASSAY_TRY(check_columns("{" + column + "}", request, r.path_of("computed")));
      request.computed.insert(column);
    }
    ASSAY_TRY(read_calls(lookups, ToolEffect::kRead, request.lookups, r.path_of("lookups")));
    ASSAY_TRY(check_parameters(request, r.path()));
    part_.requests.push_back(std::move(request));
    return {};
  }

  Status read_case(Request& request, const Json& json, const Json& about, const std::string& path) {
    JsonReader r(json, file_, path);
    Case one;
    const Json& facts = r.has("if") ? r.object("if") : nothing_;
    r.member_or_null("if");
    one.refuse = r.text_or("refuse", "");
    const bool acts = r.has("do");
    const Json& calls = acts ? r.array("do") : none_;
    if (acts == !one.refuse.empty()) r.fail("", "a case either does something or refuses", "\"do\" or \"refuse\"");
    if (acts && calls.empty()) r.fail("do", "expected at least one call");
    ASSAY_TRY(r.finish());
    for (const auto& [fact, value] : facts.items()) {
      if (std::find(columns_.begin(), columns_.end(), fact) == columns_.end()) return unknown_name("column", fact, columns_, file_ + ": " + path + ".if");
      const Json values = value.is_array() ? value : Json::array({value});
      for (const Json& each : values) {
        if (!each.is_boolean() && !each.is_number_integer() && !each.is_string())
          return wrong(path + ".if." + fact, "expected true, false, an integer, a text, or a list of these");
        one.facts[fact].push_back(each.is_boolean() ? Json(each.get<bool>() ? 1 : 0) : each);
      }
      if (one.facts[fact].empty()) return wrong(path + ".if." + fact, "expected at least one value");
      request.facts.insert(fact);
    }
    if (acts) {
      ASSAY_TRY(read_calls(calls, ToolEffect::kWrite, one.calls, path + ".do"));
      for (size_t i = 0; i < one.calls.size(); ++i)
        if (one.calls[i].tool == part_.refuse_tool) return wrong(item(path + ".do", i), "a refusal is written as \"refuse\"");
    } else {
      std::vector<std::string> known;
      for (const auto& [code, text] : part_.reasons) known.push_back(code);
      if (std::find(known.begin(), known.end(), one.refuse) == known.end()) return unknown_name("reason", one.refuse, known, file_ + ": " + path + ".refuse");
      Json arguments = about;
      arguments[part_.reason_parameter] = one.refuse;
      one.calls.push_back({part_.refuse_tool, std::move(arguments)});
    }
    one.name = std::to_string(request.cases.size()) + (acts ? ": act" : ": refuse " + one.refuse);
    request.cases.push_back(std::move(one));
    return {};
  }

  Status read_calls(const Json& calls, ToolEffect effect, std::vector<CallTemplate>& out, const std::string& path) const {
    if (calls.size() > kMostCalls) return wrong(path, "more than " + std::to_string(kMostCalls) + " calls");
    for (size_t i = 0; i < calls.size(); ++i) {
      JsonReader r(calls[i], file_, item(path, i));
      CallTemplate call{r.text("tool"), r.has("arguments") ? r.object("arguments") : nothing_};
      r.member_or_null("arguments");
      ASSAY_TRY(r.finish());
      const ToolSpec* tool = find_tool(domain_, call.tool);
      if (!tool || tool->effect != effect)
        return wrong(item(path, i) + ".tool", "no tool that " + std::string(effect == ToolEffect::kRead ? "reads" : "writes") + " is named '" + call.tool + "'");
      out.push_back(std::move(call));
    }
    return {};
  }

  // Two cases hold at once unless some fact has to be one thing for the first and another for the second.
  Status check_exclusive(const Request& request, const std::string& path) const {
    const auto apart = [](const Case& a, const Case& b) {
      return std::any_of(a.facts.begin(), a.facts.end(), [&](const auto& fact) {
        const auto other = b.facts.find(fact.first);
        return other != b.facts.end() && std::none_of(fact.second.begin(), fact.second.end(), [&](const Json& value) {
          return std::find(other->second.begin(), other->second.end(), value) != other->second.end();
        });
      });
    };
    for (size_t i = 0; i < request.cases.size(); ++i)
      for (size_t k = 0; k < i; ++k)
        if (!apart(request.cases[k], request.cases[i]))
          return wrong(item(path, i), "contradictory policy: this case and cases[" + std::to_string(k) + "] can hold at once, for no fact tells them apart",
                       "a fact in both with different values");
    return {};
  }

  // Every column a text names is a parameter: what is said must not tell how it is decided.
  Status check_columns(const std::string& text, const Request& request, const std::string& path) const {
    ASSAY_ASSIGN(const auto names, columns_in(text, file_ + ": " + path));
    for (const std::string& name : names) {
      if (request.facts.count(name)) return wrong(path, "'" + name + "' is a fact, which cases ask about: to say it would give the decision away");
      if (std::find(request.parameters.begin(), request.parameters.end(), name) == request.parameters.end())
        return unknown_name("column", name, request.parameters, file_ + ": " + path);
    }
    return {};
  }

  // Arguments in the terms of the tool: names and required ones here, types once there are values.
  Status check_parameters(const Request& request, const std::string& path) const {
    const auto check = [&](const CallTemplate& call, const std::string& where) -> Status {
      const Json& schema = find_tool(domain_, call.tool)->parameters;
      const Json properties = schema.value("properties", nothing_);
      std::vector<std::string> known;
      for (const auto& [name, value] : properties.items()) known.push_back(name);
      for (const auto& [name, value] : call.arguments.items()) {
        if (!properties.contains(name)) return unknown_name("argument", name, known, file_ + ": " + where);
        for (const Json& each : value.is_array() ? value : Json::array({value}))
          if (each.is_string()) ASSAY_TRY(check_columns(each.get<std::string>(), request, where));
      }
      for (const Json& name : schema.value("required", none_))
        if (!call.arguments.contains(name.get<std::string>())) return wrong(where, "the argument '" + name.get<std::string>() + "' of " + call.tool + " is missing");
      return {};
    };
    for (size_t i = 0; i < request.lookups.size(); ++i) ASSAY_TRY(check(request.lookups[i], item(path + ".lookups", i)));
    for (size_t c = 0; c < request.cases.size(); ++c)
      for (size_t i = 0; i < request.cases[c].calls.size(); ++i)
        ASSAY_TRY(check(request.cases[c].calls[i], item(path + ".cases", c) + (request.cases[c].refuse.empty() ? item(".do", i) : ".refuse")));
    return {};
  }

  Status read_level(const std::string& name, const Json& json, const std::string& path) {
    if (name.size() != 1 || name[0] < '1' || name[0] > '5') return wrong(path, "levels are \"1\" to \"5\"");
    JsonReader r(json, file_, path);
    Level level;
    const auto range = [&](const char* member, int64_t least, Range& out) {
      const Json& pair = r.member_or_null(member);
      if (pair.is_null()) return;
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_integer() || !pair[1].is_number_integer() || pair[0] > pair[1] || pair[0] < least)
        r.fail(member, "expected [least, most]");
      else out = {pair[0].get<int64_t>(), pair[1].get<int64_t>()};
    };
    level.requests = {1, 1};
    range("requests", 1, level.requests);
    range("refusals", 0, level.refusals);
    range("calls", 1, level.calls);
    if (level.requests.high > 16) r.fail("requests", "more than 16 requests");
    const std::vector<std::string> choose = r.texts_or("choose", {});
    ASSAY_TRY(r.finish());
    std::vector<std::string> known;
    for (const Request& request : part_.requests) known.push_back(request.name);
    for (const std::string& each : choose.empty() ? known : choose) {
      const auto found = std::find(known.begin(), known.end(), each);
      if (found == known.end()) return unknown_name("request", each, known, file_ + ": " + path + ".choose");
      level.choose.push_back(static_cast<size_t>(found - known.begin()));
    }
    part_.levels[name[0] - '0'] = std::move(level);
    return {};
  }

  const Json none_ = Json::array(), nothing_ = Json::object();
  const Domain& domain_;
  std::string file_;
  Part part_;
  std::unique_ptr<Connection> connection_;
  std::vector<std::string> columns_;   // of the request being read
};

}  // namespace

bool Case::holds(const Json& row) const {
  return std::all_of(facts.begin(), facts.end(), [&](const auto& fact) {
    return std::find(fact.second.begin(), fact.second.end(), row.at(fact.first)) != fact.second.end();
  });
}

Result<Part> read_part(const Domain& domain, const Json& json, const std::string& file, const std::string& path) {
  return Reader(domain, file).read(json, path);
}

std::string fill(const std::string& text, const Json& row) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t open = std::min(text.find('{', at), text.size());
    out += text.substr(at, open - at);
    if (open == text.size()) break;
    const size_t close = text.find('}', open);
    const Json& value = row.at(text.substr(open + 1, close - open - 1));
    out += value.is_string() ? value.get<std::string>() : value.dump();
    at = close + 1;
  }
  return out;
}

Json fill(const Json& json, const Json& row) {
  if (json.is_string()) {
    const std::string& text = json.get_ref<const std::string&>();
    const bool whole = text.size() > 2 && text[0] == '{' && text.find('}') == text.size() - 1;
    return whole ? row.at(text.substr(1, text.size() - 2)) : Json(fill(text, row));
  }
  if (!json.is_structured()) return json;
  Json out = json;
  for (auto it = out.begin(); it != out.end(); ++it) *it = fill(*it, row);
  return out;
}

}  // namespace assay::operate
