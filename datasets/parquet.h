// Rows as Apache Parquet: columns typed by what the rows hold (datasets/column_type.h), zstd. An optional component: the program
// assay-parquet (datasets/parquet/), built where configuration finds Apache Arrow (cmake/arrow.cmake). `program` is its path; empty:
// beside this program, or one folder above.
#pragma once

#include <memory>
#include <string>

#include "datasets/row_sink.h"

namespace assay {

// "Apache Arrow 26.0.1", or an Error that says that there is none and what to try.
Result<std::string> parquet_library(const std::string& program = "");

// Collects the rows as JSON Lines in `path`.rows, and has the program make columns of them at the end. Errors are those of row_file, and
// of finish(): the program said why it failed, was ended, or wrote another number of rows. `path`.rows is gone with the object.
Result<std::unique_ptr<RowSink>> parquet_file(const std::string& path, const std::string& program = "");

}  // namespace assay
