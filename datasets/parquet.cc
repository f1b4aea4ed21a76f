#include "datasets/parquet.h"

#include <string.h>
#include <unistd.h>

#include <filesystem>

#include "envs/base/program.h"

namespace assay {
namespace {

constexpr size_t kSaidBytes = 4096;   // of what the program prints, which is a line

Error failure(const std::string& what, const std::string& where) { return make_error(Boundary::kStore, what, where, "free some space, or leave --parquet away"); }

Result<std::string> program_path(const std::string& program) {
  const std::optional<std::string> path = program.empty() ? sibling_program("assay-parquet") : program;
  if (path && ::access(path->c_str(), X_OK) == 0) return *path;
  return input_error("Parquet is written by the program assay-parquet, which is not there: this build found no Apache Arrow", program,
                     "JSON Lines, which every reader of Parquet here reads too; or pip install pyarrow, and build again with -DASSAY_PYARROW=FOLDER");
}

// Runs the program to its end: what it printed, or why it failed.
Result<std::string> run(const std::vector<std::string>& command) {
  ASSAY_ASSIGN(const ProgramResult ended, run_program(command));
  const std::string said = (ended.out + ended.err).substr(0, kSaidBytes);
  const std::string line = said.substr(0, said.find_last_not_of('\n') + 1);
  if (ended.status > 128) return failure("ended by signal " + std::to_string(ended.status - 128) + " (" + ::strsignal(ended.status - 128) + ")", command[0]);
  if (ended.status != 0) return failure(line.empty() ? "failed with exit status " + std::to_string(ended.status) : line, command[0]);
  return line;
}

class ParquetFile : public RowSink {
 public:
  ParquetFile(std::string program, const std::string& path)
      : program_(std::move(program)), path_(path), rows_path_(path + ".rows"), rows_(row_file(rows_path_, RowEncoding::kPlain)) {}
  ~ParquetFile() override { ::unlink(rows_path_.c_str()); }

  Status add(const OrderedJson& row) override {
    ++count_;
    return rows_->add(row);
  }

  Status finish() override {
    ASSAY_TRY(rows_->finish());
    ASSAY_ASSIGN(const std::string written, run({program_, rows_path_, path_}));
    if (written != std::to_string(count_)) return failure("wrote " + (written.empty() ? "nothing" : written) + " of " + std::to_string(count_) + " rows", program_);
    ::unlink(rows_path_.c_str());
    std::error_code error;
    bytes_ = static_cast<int64_t>(std::filesystem::file_size(path_, error));
    return error ? Status(failure("wrote no file: " + error.message(), path_)) : Status();
  }

  int64_t bytes() const override { return bytes_; }

 private:
  const std::string program_, path_, rows_path_;
  const std::unique_ptr<RowSink> rows_;
  int64_t count_ = 0, bytes_ = 0;
};

}  // namespace

Result<std::string> parquet_library(const std::string& program) {
  ASSAY_ASSIGN(const std::string path, program_path(program));
  return run({path, "--version"});
}

Result<std::unique_ptr<RowSink>> parquet_file(const std::string& path, const std::string& program) {
  ASSAY_ASSIGN(std::string found, program_path(program));
  return std::unique_ptr<RowSink>(std::make_unique<ParquetFile>(std::move(found), path));
}

}  // namespace assay
