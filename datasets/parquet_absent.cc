// The usual build (cmake/arrow.cmake).
#include "datasets/parquet.h"

namespace assay {

Result<std::string> parquet_library() {
  return input_error("this build has no Apache Arrow, which writes Parquet", "", "JSON Lines, which every reader of Parquet here reads too");
}

Result<std::unique_ptr<RowSink>> parquet_file(const std::string&) { return parquet_library().error(); }

}  // namespace assay
