// assay-parquet: rows of JSON Lines as Apache Parquet, for datasets/parquet.h.
//
//   assay-parquet ROWS OUT    writes the rows of the file ROWS to OUT, and prints how many OUT holds
//   assay-parquet --version   prints "Apache Arrow 26.0.1"
//
// ROWS is read twice: all rows have a say in the types of the columns, and a file of Parquet begins with them. Memory: one group of
// rows. What OUT holds is read back from its footer. Exit status 0, or 1 with one line on standard error; OUT is then of no use.
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/util/config.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_reader.h>

#include <cstdio>
#include <fstream>
#include <functional>

#include "datasets/parquet/columns.h"

namespace assay {
namespace {

constexpr int64_t kGroupRows = 1000;
constexpr size_t kGroupBytes = size_t{64} << 20;   // of JSON

arrow::Status for_each_row(const std::string& path, const std::function<arrow::Status(const std::string&)>& take) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) ARROW_RETURN_NOT_OK(take(line));
  return in.eof() ? arrow::Status::OK() : arrow::Status::IOError("cannot read ", path);
}

arrow::Result<ColumnType> learned(const std::string& rows) {
  ColumnType type;
  type.kind = ColumnType::Kind::kStruct;
  ARROW_RETURN_NOT_OK(for_each_row(rows, [&](const std::string& line) {
    const Status status = learn(type, OrderedJson::parse(line), "");
    return status.ok() ? arrow::Status::OK() : arrow::Status::Invalid(status.error().text());
  }));
  return type;
}

arrow::Status write_rows(const std::string& rows, const ColumnType& type, const std::string& path) {
  const auto schema = arrow::schema(arrow_type(type)->fields());
  const auto properties = parquet::WriterProperties::Builder().compression(parquet::Compression::ZSTD)->build();
  ARROW_ASSIGN_OR_RAISE(auto out, arrow::io::FileOutputStream::Open(path));
  ARROW_ASSIGN_OR_RAISE(auto writer, parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), out, properties));
  ARROW_ASSIGN_OR_RAISE(auto builder, arrow::MakeBuilder(arrow::struct_(schema->fields())));
  size_t bytes = 0;
  const auto write_group = [&]() -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto columns, builder->Finish());
    ARROW_ASSIGN_OR_RAISE(const auto batch, arrow::RecordBatch::FromStructArray(columns));
    ARROW_ASSIGN_OR_RAISE(const auto table, arrow::Table::FromRecordBatches({batch}));
    bytes = 0;
    return writer->WriteTable(*table, table->num_rows());
  };
  ARROW_RETURN_NOT_OK(for_each_row(rows, [&](const std::string& line) -> arrow::Status {
    ARROW_RETURN_NOT_OK(append(*builder, type, OrderedJson::parse(line)));
    bytes += line.size();
    return builder->length() == kGroupRows || bytes > kGroupBytes ? write_group() : arrow::Status::OK();
  }));
  if (builder->length() > 0) ARROW_RETURN_NOT_OK(write_group());
  ARROW_RETURN_NOT_OK(writer->Close());
  return out->Close();
}

arrow::Status convert(const std::string& rows, const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const ColumnType type, learned(rows));
  ARROW_RETURN_NOT_OK(write_rows(rows, type, path));
  std::printf("%lld\n", static_cast<long long>(parquet::ParquetFileReader::OpenFile(path)->metadata()->num_rows()));
  return arrow::Status::OK();
}

int run(int count, char** arguments) {
  if (count == 2 && std::string(arguments[1]) == "--version") return std::puts("Apache Arrow " ARROW_VERSION_STRING) < 0;
  if (count != 3) {
    std::fputs("usage: assay-parquet ROWS OUT, or assay-parquet --version\n", stderr);
    return 1;
  }
  std::string problem;
  try {
    const arrow::Status status = convert(arguments[1], arguments[2]);
    if (status.ok()) return 0;
    problem = status.ToString();
  } catch (const std::exception& error) {
    problem = error.what();
  }
  std::fprintf(stderr, "%s\n", problem.c_str());
  return 1;
}

}  // namespace
}  // namespace assay

int main(int count, char** arguments) { return assay::run(count, arguments); }
