#include "datasets/column_type.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace assay {
namespace {

using Kind = ColumnType::Kind;

Kind kind_of(const OrderedJson& value) {
  switch (value.type()) {
    case OrderedJson::value_t::boolean: return Kind::kBool;
    case OrderedJson::value_t::number_integer:
    case OrderedJson::value_t::number_unsigned: return Kind::kInteger;
    case OrderedJson::value_t::number_float: return Kind::kReal;
    case OrderedJson::value_t::string: return Kind::kText;
    case OrderedJson::value_t::array: return Kind::kList;
    case OrderedJson::value_t::object: return Kind::kStruct;
    default: return Kind::kNull;
  }
}

ColumnType& member(ColumnType& type, const std::string& name) {
  const auto found = std::find_if(type.members.begin(), type.members.end(), [&](const auto& each) { return each.first == name; });
  return found != type.members.end() ? found->second : type.members.emplace_back(name, ColumnType{is_open_member(name) ? Kind::kJson : Kind::kNull, {}, {}}).second;
}

}  // namespace

bool is_open_member(const std::string& name) {
  static constexpr std::array<std::string_view, 9> kOpen = {"arguments", "tools", "tool_definitions", "parameters", "response_format", "context", "config", "metrics", "info"};
  return std::find(kOpen.begin(), kOpen.end(), name) != kOpen.end();
}

Status learn(ColumnType& type, const OrderedJson& value, const std::string& path) {
  const Kind kind = kind_of(value);
  if (kind == Kind::kNull || type.kind == Kind::kJson) return {};
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) return input_error(value.dump() + " is more than 64 bits with a sign hold", path, "JSON Lines holds it");
  const bool numbers = (type.kind == Kind::kInteger || type.kind == Kind::kReal) && (kind == Kind::kInteger || kind == Kind::kReal);
  if (type.kind == Kind::kNull) type.kind = kind;
  else if (numbers) type.kind = std::max(type.kind, kind);
  else if (type.kind != kind) return input_error("the column is of type " + type_text(type) + " and of type " + std::string(value.type_name()) + " in another row", path, "JSON Lines holds both");
  if (kind == Kind::kList) {
    type.items.resize(1);
    for (const OrderedJson& item : value) ASSAY_TRY(learn(type.items[0], item, path + "[]"));
  }
  if (kind == Kind::kStruct)
    for (const auto& [name, each] : value.items()) ASSAY_TRY(learn(member(type, name), each, path.empty() ? name : path + "." + name));
  return {};
}

std::string type_text(const ColumnType& type) {
  static constexpr const char* kNames[] = {"null", "bool", "integer", "real", "text", "JSON"};
  if (type.kind == Kind::kList) return "list<" + type_text(type.items[0]) + ">";
  if (type.kind != Kind::kStruct) return kNames[static_cast<int>(type.kind)];
  std::string text;
  for (const auto& [name, each] : type.members) text += (text.empty() ? "" : ", ") + name + ": " + type_text(each);
  return "struct<" + text + ">";
}

}  // namespace assay
