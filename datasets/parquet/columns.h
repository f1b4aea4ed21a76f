// Rows (JSON objects) as Arrow's columns: integers in 64 bits, reals as doubles, JSON as text, what a row has not as null.
#pragma once

#include <arrow/api.h>

#include "datasets/column_type.h"

namespace assay {

// An object without a member in any row has no columns: it is JSON, as text. So is what was null in every row.
std::shared_ptr<arrow::DataType> arrow_type(const ColumnType& type);

// `type` has learned `value`, and `builder` builds arrow_type(type).
arrow::Status append(arrow::ArrayBuilder& builder, const ColumnType& type, const OrderedJson& value);

}  // namespace assay
