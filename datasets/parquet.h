// Rows as Apache Parquet: columns typed by what the rows hold (datasets/column_type.h), integers in 64 bits, zstd. An optional
// component, over the C++ libraries that the Python package pyarrow carries (cmake/arrow.cmake).
#pragma once

#include <memory>
#include <string>

#include "datasets/row_sink.h"

namespace assay {

// "Apache Arrow 26.0.1", or an Error that says that there is none and what to try.
Result<std::string> parquet_library();

// Collects the rows as JSON Lines in `path`.rows, and makes columns of them at the end. Memory: the rows of one group.
Result<std::unique_ptr<RowSink>> parquet_file(const std::string& path);

}  // namespace assay
