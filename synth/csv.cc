#include "synth/csv.h"

#include <algorithm>

namespace assay {
namespace {

constexpr size_t kColumnLimit = 1024, kCellBytes = 64 << 10, kLinesNamed = 5;

class Parser {
 public:
  Parser(std::string_view text, char separator, const std::string& where) : text_(text), separator_(separator), where_(where) {}

  Result<CsvFile> parse() {
    CsvFile file;
    while (at_ < text_.size()) {
      const size_t first_line = line_;
      ASSAY_ASSIGN(std::vector<std::string> cells, row());
      if (cells.size() == 1 && cells[0].empty()) continue;  // an empty line
      if (file.table.columns.empty()) file.table.columns = std::move(cells);
      else if (cells.size() != file.table.columns.size()) ragged_.push_back({first_line, cells.size()});
      else file.table.rows.push_back(optional_cells(std::move(cells)));
    }
    if (file.table.columns.empty()) return input_error("the file is empty", where_);
    add_notes(file);
    return file;
  }

 private:
  struct Ragged {
    size_t line, width;
  };

  // Reads one row and its line end.
  Result<std::vector<std::string>> row() {
    std::vector<std::string> cells;
    for (;;) {
      if (cells.size() == kColumnLimit)
        return input_error("more than " + std::to_string(kColumnLimit) + " columns", at_line(line_));
      ASSAY_ASSIGN(std::string cell, this->cell());
      cells.push_back(valid_utf8(cell, replaced_));
      if (at_ >= text_.size()) return cells;
      const char end = text_[at_++];
      if (end == separator_) continue;
      if (end == '\r' && at_ < text_.size() && text_[at_] == '\n') ++at_;
      ++line_;
      return cells;
    }
  }

  // Reads up to the separator or line end that follows, or the end of the text.
  Result<std::string> cell() {
    std::string out;
    const size_t first_line = line_;
    if (at_ < text_.size() && text_[at_] == '"') {
      ++at_;
      for (bool open = true; open;) {
        if (at_ >= text_.size())
          return input_error("a quote is opened and never closed", at_line(first_line), "double every quote inside a quoted cell");
        const char c = text_[at_++];
        if (c == '\n') ++line_;
        if (c == '"' && at_ < text_.size() && text_[at_] == '"') ++at_;
        else if (c == '"') open = false;
        if (open) out += c;
        if (out.size() > kCellBytes) return too_long(first_line);
      }
    }
    // Also what wrongly follows a closing quote: it is kept, so that nothing is lost in silence.
    const size_t end = std::min(text_.find_first_of(std::string{separator_, '\r', '\n'}, at_), text_.size());
    out.append(text_.substr(at_, end - at_));
    at_ = end;
    if (out.size() > kCellBytes) return too_long(first_line);
    return out;
  }

  Error too_long(size_t line) const {
    return input_error("a cell is longer than " + std::to_string(kCellBytes) + " bytes", at_line(line), "check the quotes before it");
  }

  static std::vector<std::optional<std::string>> optional_cells(std::vector<std::string> cells) {
    std::vector<std::optional<std::string>> out;
    out.reserve(cells.size());
    for (std::string& cell : cells) {
      if (cell.empty()) out.emplace_back();
      else out.emplace_back(std::move(cell));
    }
    return out;
  }

  std::string at_line(size_t line) const { return where_ + " line " + std::to_string(line); }

  void add_notes(CsvFile& file) const {
    if (!ragged_.empty()) {
      std::string lines;
      for (size_t i = 0; i < std::min(ragged_.size(), kLinesNamed); ++i)
        lines += (i ? ", " : "") + std::to_string(ragged_[i].line) + " (" + std::to_string(ragged_[i].width) + ")";
      file.notes.push_back(where_ + ": " + std::to_string(ragged_.size()) + " rows dropped that have not " +
                           std::to_string(file.table.columns.size()) + " cells, at lines " + lines +
                           (ragged_.size() > kLinesNamed ? ", …" : ""));
    }
    if (replaced_ > 0)
      file.notes.push_back(where_ + ": " + std::to_string(replaced_) + " sequences that are not UTF-8 replaced by U+FFFD; convert the file to keep them");
  }

  std::string_view text_;
  char separator_;
  const std::string& where_;
  size_t at_ = 0, line_ = 1, replaced_ = 0;
  std::vector<Ragged> ragged_;
};

// The length of the well-formed UTF-8 sequence at `at`, or 0.
size_t sequence_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
  const auto continues = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return lead == 0 ? 0 : 1;  // no database likes a zero byte inside a text
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    if (!continues(1) || !continues(2)) return 0;
    const bool overlong = lead == 0xe0 && byte(1) < 0xa0, surrogate = lead == 0xed && byte(1) >= 0xa0;
    return overlong || surrogate ? 0 : 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    const bool overlong = lead == 0xf0 && byte(1) < 0x90, beyond = lead == 0xf4 && byte(1) >= 0x90;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

}  // namespace

Result<CsvFile> parse_csv(std::string_view text, char separator, const std::string& where) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return Parser(text, separator, where).parse();
}

char guess_separator(std::string_view text) {
  const std::string_view first = text.substr(0, text.find('\n'));
  for (char separator : {',', ';', '\t'})
    if (first.find(separator) != std::string_view::npos) return separator;
  return ',';
}

RawTable without_header(RawTable table) {
  std::vector<std::optional<std::string>> first;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].empty()) first.emplace_back();
    else first.emplace_back(std::move(table.columns[i]));
    table.columns[i] = std::to_string(i + 1);
  }
  table.rows.insert(table.rows.begin(), std::move(first));
  return table;
}

std::string valid_utf8(std::string_view text, size_t& replaced) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t length = sequence_length(text, at);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      ++replaced;
    } else {
      out.append(text.substr(at, length));
    }
    at += std::max<size_t>(length, 1);
  }
  return out;
}

}  // namespace assay
