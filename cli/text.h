// Numbers and tables for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

std::string count_text(int64_t count);           // "12,345"
std::string rate_text(double per_second);        // "98.2", "1,234", "0.31"
std::string duration_text(double seconds);       // "0.4 s", "6 s", "3 min 20 s", "2 h 5 min"
std::string bytes_text(int64_t bytes);           // "412 bytes", "3.1 MB"
std::string percent_text(double fraction);       // "34.0%", "0.05%"
std::string percent_text(int64_t part, int64_t whole);  // "-" of nothing
std::string range_text(const std::string& low, const std::string& high);  // "3-9", or "3" when they are equal
inline std::string short_id(std::string_view id) { return std::string(id.substr(0, 12)); }

// What a model or a file wrote, safe on a terminal: control characters other than line feed and tab, and bytes that are not
// UTF-8, are written as \xNN.
std::string printable(std::string_view text);
// At most `bytes` of it, cut between characters, saying how much is missing.
std::string shortened(std::string_view text, size_t bytes);

// Columns two spaces apart; a column of numbers is set to the right.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> headers) : rows_{std::move(headers)} {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.size() == 1; }
  std::string text(const std::string& indent = "") const;  // without a final line feed

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Columns that `text` takes on a terminal.
size_t display_width(std::string_view text);

}  // namespace assay
