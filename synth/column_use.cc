#include "synth/column_use.h"

#include <algorithm>

namespace assay {
namespace {

constexpr size_t kLongestLabel = 32;

bool digits_at(std::string_view text, std::initializer_list<size_t> at) {
  return std::all_of(at.begin(), at.end(), [&](size_t i) { return text[i] >= '0' && text[i] <= '9'; });
}

int64_t number_at(std::string_view text, size_t begin, size_t count) {
  int64_t out = 0;
  for (char c : text.substr(begin, count)) out = out * 10 + (c - '0');
  return out;
}

// Days since 1970-01-01 of the proleptic Gregorian calendar, counted in eras of 400 years that begin in March.
int64_t days_of(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  const int64_t era = year / 400, of_era = year % 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

ColumnUse use_of(const Tables& tables, const Table& table, int column) {
  const ColumnSpec& spec = table.spec.columns[static_cast<size_t>(column)];
  std::vector<int64_t> values = table.columns[static_cast<size_t>(column)];
  std::erase_if(values, [](int64_t cell) { return cell == kNull; });
  const int64_t filled = static_cast<int64_t>(values.size());
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  ColumnUse out;
  out.distinct = static_cast<int64_t>(values.size());
  if (!values.empty() && spec.is_number()) out.low = values.front(), out.high = values.back();
  if (table.spec.is_entity() && column == table.spec.name_column()) {
    out.use = Use::kName;
  } else if (out.distinct < 2) {
    return out;
  } else if (spec.is_number()) {
    out.use = Use::kNumber;
  } else if (spec.type == ColumnType::kReference) {
    out.use = Use::kReference;
  } else {
    const auto text = [&](int64_t cell) { return tables.texts.text(static_cast<int32_t>(cell)); };
    out.form = text_form(text(values.front()));
    if (std::any_of(values.begin(), values.end(), [&](int64_t cell) { return text_form(text(cell)) != out.form; })) out.form = TextForm::kPlain;
    const bool labels = std::all_of(values.begin(), values.end(), [&](int64_t cell) { return text(cell).size() <= kLongestLabel; });
    if (out.form != TextForm::kPlain) out.use = Use::kTime;
    else if (labels && out.distinct == filled) out.use = Use::kLabel;
    else if (labels && out.distinct * 4 <= filled * 3) out.use = Use::kCategory;
  }
  return out;
}

}  // namespace

TextForm text_form(std::string_view text) {
  if (text.size() == 5 && text[2] == ':' && digits_at(text, {0, 1, 3, 4}) && number_at(text, 0, 2) < 24 && number_at(text, 3, 2) < 60) return TextForm::kClock;
  if (text.size() == 10 && text[4] == '-' && text[7] == '-' && digits_at(text, {0, 1, 2, 3, 5, 6, 8, 9}) && number_at(text, 5, 2) >= 1 &&
      number_at(text, 5, 2) <= 12 && number_at(text, 8, 2) >= 1 && number_at(text, 8, 2) <= 31)
    return TextForm::kDate;
  return TextForm::kPlain;
}

int64_t time_of(std::string_view text, TextForm form) {
  if (form == TextForm::kPlain || text_form(text) != form) return -1;
  return form == TextForm::kClock ? number_at(text, 0, 2) * 60 + number_at(text, 3, 2) : days_of(number_at(text, 0, 4), number_at(text, 5, 2), number_at(text, 8, 2));
}

std::vector<std::vector<ColumnUse>> column_uses(const Tables& tables) {
  std::vector<std::vector<ColumnUse>> out;
  for (const Table& table : tables.tables) {
    out.emplace_back();
    for (int column = 0; column < static_cast<int>(table.spec.columns.size()); ++column) out.back().push_back(use_of(tables, table, column));
  }
  return out;
}

}  // namespace assay
