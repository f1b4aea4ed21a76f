#include "envs/sql_text.h"

#include <charconv>
#include <cmath>

namespace assay {
namespace {

void append_decimal(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char buffer[32];
  const std::string_view text(buffer, static_cast<size_t>(std::to_chars(buffer, buffer + sizeof buffer, value).ptr - buffer));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_json_cell(std::string& out, const Json& cell) {
  if (cell.is_string()) append_json_string(out, cell.get_ref<const std::string&>());
  else if (cell.is_number_float()) append_decimal(out, cell.get<double>());
  else if (cell.is_number_integer()) out += std::to_string(cell.get<int64_t>());
  else out += "null";
}

void EntityParameters::read(JsonReader& body, const Environment& environment) {
  const Json& entities = body.member_or_null("entities");
  if (entities.is_null()) return;
  if (!entities.is_object()) return body.fail("entities", "expected an object");
  for (const auto& [parameter, value] : entities.items()) {
    const auto table = value.find("table");
    if (table == value.end() || !table->is_string()) return body.fail("entities." + parameter, "expected {\"table\": name}");
    const int index = environment.tables.table_index(table->get_ref<const std::string&>());
    if (index < 0 || !environment.tables.tables[index].spec.is_entity())
      return body.fail("entities." + parameter, "no table of entities is named " + table->dump());
    tables_[parameter] = index;
  }
}

std::string EntityParameters::problem(const Tables& tables, const Json& arguments) const {
  for (const auto& [parameter, table] : tables_) {
    const auto it = arguments.find(parameter);
    if (it == arguments.end()) continue;
    const std::string& name = it->get_ref<const std::string&>();
    if (name.empty()) return "the argument '" + parameter + "' is empty";
    if (tables.resolve_name(table, name) < 0)
      return "no " + tables.tables[table].spec.label + " is named '" + name.substr(0, 200) + "'";
  }
  return "";
}

std::string given_text(const std::vector<std::string>& parameters, const Json& arguments) {
  std::string out;
  for (const std::string& parameter : parameters) {
    const auto it = arguments.find(parameter);
    if (it == arguments.end()) continue;
    const std::string value = it->is_string() ? "'" + it->get<std::string>() + "'" : canonical_json(*it);
    out += (out.empty() ? " for " : ", ") + parameter + " " + value;
  }
  return out;
}

}  // namespace assay
