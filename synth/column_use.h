// What the columns of an environment are good for in a question or a condition, told from their types and their cells.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "envs/table.h"

namespace assay {

// What all texts of a column look like.
enum class TextForm { kPlain, kClock, kDate };   // "HH:MM", "YYYY-MM-DD"
TextForm text_form(std::string_view text);
// Minutes since midnight, or days since 1970-01-01; -1 for a text of another form.
int64_t time_of(std::string_view text, TextForm form);

enum class Use {
  kNone,        // free text, or one value only
  kName,        // the name of an entity
  kCategory,    // a text that rows share
  kLabel,       // a text that no two rows share: a code
  kNumber,
  kTime,        // a text of the form kClock or kDate
  kReference,
};
struct ColumnUse {
  Use use = Use::kNone;
  TextForm form = TextForm::kPlain;
  int64_t distinct = 0;        // values that occur
  int64_t low = 0, high = 0;   // of numbers that occur, scaled like cells
};

// [table][column].
std::vector<std::vector<ColumnUse>> column_uses(const Tables& tables);

}  // namespace assay
