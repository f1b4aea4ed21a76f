#include "datasets/parquet/columns.h"

namespace assay {
namespace {

using Kind = ColumnType::Kind;

bool is_text(const ColumnType& type) {
  return type.kind == Kind::kNull || type.kind == Kind::kText || type.kind == Kind::kJson || (type.kind == Kind::kStruct && type.members.empty());
}

arrow::Status append_items(arrow::ListBuilder& builder, const ColumnType& type, const OrderedJson& value) {
  ARROW_RETURN_NOT_OK(builder.Append());
  for (const OrderedJson& item : value) ARROW_RETURN_NOT_OK(append(*builder.value_builder(), type.items[0], item));
  return arrow::Status::OK();
}

arrow::Status append_members(arrow::StructBuilder& builder, const ColumnType& type, const OrderedJson& value) {
  ARROW_RETURN_NOT_OK(builder.Append());
  for (size_t i = 0; i < type.members.size(); ++i) {
    const auto& [name, each] = type.members[i];
    const auto found = value.find(name);
    ARROW_RETURN_NOT_OK(append(*builder.field_builder(static_cast<int>(i)), each, found == value.end() ? OrderedJson() : *found));
  }
  return arrow::Status::OK();
}

}  // namespace

std::shared_ptr<arrow::DataType> arrow_type(const ColumnType& type) {
  if (is_text(type)) return arrow::utf8();
  switch (type.kind) {
    case Kind::kBool: return arrow::boolean();
    case Kind::kInteger: return arrow::int64();
    case Kind::kReal: return arrow::float64();
    case Kind::kList: return arrow::list(arrow_type(type.items[0]));
    default: break;
  }
  arrow::FieldVector fields;
  for (const auto& [name, each] : type.members) fields.push_back(arrow::field(name, arrow_type(each)));
  return arrow::struct_(fields);
}

arrow::Status append(arrow::ArrayBuilder& builder, const ColumnType& type, const OrderedJson& value) {
  if (value.is_null()) return builder.AppendNull();
  if (is_text(type)) return static_cast<arrow::StringBuilder&>(builder).Append(value.is_string() ? value.get_ref<const std::string&>() : value.dump());
  switch (type.kind) {
    case Kind::kBool: return static_cast<arrow::BooleanBuilder&>(builder).Append(value.get<bool>());
    case Kind::kInteger: return static_cast<arrow::Int64Builder&>(builder).Append(value.get<int64_t>());
    case Kind::kReal: return static_cast<arrow::DoubleBuilder&>(builder).Append(value.get<double>());
    case Kind::kList: return append_items(static_cast<arrow::ListBuilder&>(builder), type, value);
    default: return append_members(static_cast<arrow::StructBuilder&>(builder), type, value);
  }
}

}  // namespace assay
