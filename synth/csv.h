// Comma- and tab-separated files as people have them: RFC 4180 quoting (separators, quotes and line ends inside cells), a byte
// order mark, any line ends, rows of the wrong width, bytes that are not UTF-8.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "envs/database.h"

namespace assay {

struct CsvFile {
  RawTable table;                    // named after the file; the first row gives the column names; empty cells are absent
  std::vector<std::string> notes;    // what was dropped or replaced, with line numbers
};

// `where` names the file in errors and notes. Rows whose width is not the first row's are dropped, and said so. Fails on a quote
// that is never closed, an empty file, more than 1,024 columns, or a cell of more than 64 KiB.
Result<CsvFile> parse_csv(std::string_view text, char separator, const std::string& where);

// ',' or, if the first line has none, ';' or a tab.
char guess_separator(std::string_view text);

// The same table as if the first row were data: columns are then named "1", "2", ….
RawTable without_header(RawTable table);

// `text` with zero bytes and what is not UTF-8 replaced by U+FFFD; `replaced` counts the replacements.
std::string valid_utf8(std::string_view text, size_t& replaced);

}  // namespace assay
