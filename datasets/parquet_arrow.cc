#include "datasets/parquet.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/util/config.h>
#include <parquet/arrow/writer.h>
#include <unistd.h>

#include <fstream>

#include "datasets/column_type.h"

namespace assay {
namespace {

using Kind = ColumnType::Kind;

constexpr int64_t kGroupRows = 1000;
constexpr size_t kGroupBytes = size_t{64} << 20;   // of JSON

std::shared_ptr<arrow::DataType> arrow_type(const ColumnType& type) {
  switch (type.kind) {
    case Kind::kBool: return arrow::boolean();
    case Kind::kInteger: return arrow::int64();
    case Kind::kReal: return arrow::float64();
    case Kind::kList: return arrow::list(arrow_type(type.items[0]));
    case Kind::kStruct: {
      arrow::FieldVector fields;
      for (const auto& [name, each] : type.members) fields.push_back(arrow::field(name, arrow_type(each)));
      return arrow::struct_(fields);
    }
    default: return arrow::utf8();   // what was null in every row, too
  }
}

arrow::Status append(arrow::ArrayBuilder& builder, const ColumnType& type, const OrderedJson& value);

arrow::Status append_members(arrow::StructBuilder& builder, const ColumnType& type, const OrderedJson& value) {
  ARROW_RETURN_NOT_OK(builder.Append());
  for (size_t i = 0; i < type.members.size(); ++i) {
    const auto& [name, each] = type.members[i];
    const auto found = value.find(name);
    ARROW_RETURN_NOT_OK(append(*builder.field_builder(static_cast<int>(i)), each, found == value.end() ? OrderedJson() : *found));
  }
  return arrow::Status::OK();
}

arrow::Status append(arrow::ArrayBuilder& builder, const ColumnType& type, const OrderedJson& value) {
  if (value.is_null()) return builder.AppendNull();
  switch (type.kind) {
    case Kind::kBool: return static_cast<arrow::BooleanBuilder&>(builder).Append(value.get<bool>());
    case Kind::kInteger: return static_cast<arrow::Int64Builder&>(builder).Append(value.get<int64_t>());
    case Kind::kReal: return static_cast<arrow::DoubleBuilder&>(builder).Append(value.get<double>());
    case Kind::kText: return static_cast<arrow::StringBuilder&>(builder).Append(value.get_ref<const std::string&>());
    case Kind::kStruct: return append_members(static_cast<arrow::StructBuilder&>(builder), type, value);
    case Kind::kList: {
      auto& list = static_cast<arrow::ListBuilder&>(builder);
      ARROW_RETURN_NOT_OK(list.Append());
      for (const OrderedJson& item : value) ARROW_RETURN_NOT_OK(append(*list.value_builder(), type.items[0], item));
      return arrow::Status::OK();
    }
    default: return static_cast<arrow::StringBuilder&>(builder).Append(value.is_string() ? value.get<std::string>() : value.dump());
  }
}

// The rows of a file of JSON Lines as columns of another.
arrow::Status convert(const std::string& rows, const ColumnType& type, const std::string& path) {
  const auto schema = arrow::schema(arrow_type(type)->fields());
  ARROW_ASSIGN_OR_RAISE(auto out, arrow::io::FileOutputStream::Open(path));
  const auto properties = parquet::WriterProperties::Builder().compression(parquet::Compression::ZSTD)->build();
  ARROW_ASSIGN_OR_RAISE(auto writer, parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), out, properties));
  ARROW_ASSIGN_OR_RAISE(auto builder, arrow::MakeBuilder(arrow::struct_(schema->fields())));
  std::ifstream in(rows);
  size_t bytes = 0;
  const auto write_group = [&]() -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto columns, builder->Finish());
    ARROW_ASSIGN_OR_RAISE(const auto batch, arrow::RecordBatch::FromStructArray(columns));
    bytes = 0;
    return writer->WriteRecordBatch(*batch);
  };
  for (std::string line; std::getline(in, line);) {
    ARROW_RETURN_NOT_OK(append(*builder, type, OrderedJson::parse(line)));
    bytes += line.size();
    if (builder->length() == kGroupRows || bytes > kGroupBytes) ARROW_RETURN_NOT_OK(write_group());
  }
  if (!in.eof()) return arrow::Status::IOError("cannot read ", rows);
  if (builder->length() > 0) ARROW_RETURN_NOT_OK(write_group());
  ARROW_RETURN_NOT_OK(writer->Close());
  return out->Close();
}

class ParquetFile : public RowSink {
 public:
  explicit ParquetFile(const std::string& path) : path_(path), rows_path_(path + ".rows"), rows_(row_file(rows_path_, RowEncoding::kPlain)) { type_.kind = Kind::kStruct; }
  ~ParquetFile() override { ::unlink(rows_path_.c_str()); }

  Status add(const OrderedJson& row) override {
    ASSAY_TRY(learn(type_, row, ""));
    return rows_->add(row);
  }

  Status finish() override {
    ASSAY_TRY(rows_->finish());
    try {
      const arrow::Status status = convert(rows_path_, type_, path_);
      if (!status.ok()) return make_error(Boundary::kStore, status.ToString(), path_, "JSON Lines, or another disk");
    } catch (const std::exception& error) {
      return make_error(Boundary::kStore, error.what(), path_, "JSON Lines, or another disk");
    }
    std::ifstream written(path_, std::ios::ate | std::ios::binary);
    bytes_ = static_cast<int64_t>(written.tellg());
    return {};
  }

  int64_t bytes() const override { return bytes_; }

 private:
  const std::string path_, rows_path_;
  std::unique_ptr<RowSink> rows_;
  ColumnType type_;
  int64_t bytes_ = 0;
};

}  // namespace

Result<std::string> parquet_library() { return std::string("Apache Arrow " ARROW_VERSION_STRING); }

Result<std::unique_ptr<RowSink>> parquet_file(const std::string& path) { return std::unique_ptr<RowSink>(std::make_unique<ParquetFile>(path)); }

}  // namespace assay
