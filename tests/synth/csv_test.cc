#include "synth/csv.h"

#include "envs/base/rng.h"
#include "synth/convert.h"
#include "tests/synth/fixture.h"

namespace assay {
namespace {

using fixture::must;
using Cells = std::vector<std::optional<std::string>>;

TEST_CASE("quotes, separators and line ends inside cells, a byte order mark and any line ends") {
  const CsvFile file = must(parse_csv("\xef\xbb\xbf" "a,b\r\n\"x, \"\"y\"\"\",\"1\n2\"\r\n\r\nlast,\n", ',', "f.csv"));
  CHECK(file.table.columns == std::vector<std::string>{"a", "b"});
  REQUIRE(file.table.rows.size() == 2);
  CHECK(file.table.rows[0] == Cells{"x, \"y\"", "1\n2"});
  CHECK(file.table.rows[1] == Cells{"last", std::nullopt});
  CHECK(file.notes.empty());
  CHECK(must(parse_csv("a\tb\r1\t2\r", '\t', "f")).table.rows == std::vector<Cells>{{"1", "2"}});
  CHECK(must(parse_csv("a\n\"\"x\n", ',', "f")).table.rows == std::vector<Cells>{{"x"}});
}

TEST_CASE("rows of the wrong width are dropped, with the line each begins at") {
  const CsvFile file = must(parse_csv("a,b\n\"1\n1\",2\n3\n4,5,6\n7,8\n", ',', "f.csv"));
  CHECK(file.table.rows.size() == 2);
  REQUIRE(file.notes.size() == 1);
  CHECK(file.notes[0] == "f.csv: 2 rows dropped that have not 2 cells, at lines 4 (1), 5 (3)");
}

TEST_CASE("bytes that are not UTF-8 are replaced and counted; all else stays") {
  size_t replaced = 0;
  CHECK(valid_utf8("é漢😀", replaced) == "é漢😀");
  CHECK(replaced == 0);
  CHECK(valid_utf8("caf\xe9 \xed\xa0\x80 \xc0\xaf \xf0\x9f", replaced).find('\xe9') == std::string::npos);
  CHECK(replaced == 1 + 3 + 2 + 2);
  const CsvFile file = must(parse_csv("name\ncaf\xe9\n", ',', "f.csv"));
  CHECK(file.table.rows[0] == Cells{"caf\xef\xbf\xbd"});
  REQUIRE(file.notes.size() == 1);
  CHECK_THAT(file.notes[0], Catch::Contains("1 sequences that are not UTF-8"));
}

TEST_CASE("an open quote, an empty file, endless cells and endless rows are errors with a line") {
  CHECK_THAT(parse_csv("a\nb\n\"c\n", ',', "f.csv").error().text(), Catch::Contains("f.csv line 3: a quote is opened and never closed"));
  CHECK_THAT(parse_csv("\n\n", ',', "f.csv").error().text(), Catch::Contains("empty"));
  CHECK_THAT(parse_csv("a\n\"" + std::string(70'000, 'x') + "\"", ',', "f.csv").error().text(), Catch::Contains("line 2: a cell is longer"));
  CHECK_THAT(parse_csv(std::string(2'000, ','), ',', "f.csv").error().text(), Catch::Contains("1024 columns"));
}

TEST_CASE("separators are guessed from the first line") {
  CHECK(guess_separator("a,b;c\n") == ',');
  CHECK(guess_separator("a;b\n1,2") == ';');
  CHECK(guess_separator("a\tb\n") == '\t');
  CHECK(guess_separator("") == ',');
}

TEST_CASE("a table without a header keeps its first row as data") {
  const RawTable table = without_header(must(parse_csv("x,\n1,2\n", ',', "f")).table);
  CHECK(table.columns == std::vector<std::string>{"1", "2"});
  CHECK(table.rows == std::vector<Cells>{{"x", std::nullopt}, {"1", "2"}});
}

// Cells written by the rules of RFC 4180 read back as they were, whatever is in them.
TEST_CASE("what is written by the rules reads back") {
  const std::vector<std::string> bits = {"a", ",", "\"", "\n", "\r\n", " ", "é", "7"};
  Rng rng(20'251'001, "csv");
  for (int round = 0; round < 300; ++round) {
    const size_t width = 1 + rng.below(4), height = rng.below(5);
    std::string text;
    std::vector<std::vector<std::string>> rows;
    for (size_t y = 0; y <= height; ++y) {
      rows.emplace_back();
      for (size_t x = 0; x < width; ++x) {
        std::string cell = "c";  // a row of nothing but empty cells is an empty line
        for (uint64_t n = rng.below(6); n > 0; --n) cell += rng.pick(bits);
        std::string quoted;
        for (char c : cell) quoted += c == '"' ? "\"\"" : std::string(1, c);
        text += (x ? ",\"" : "\"") + quoted + "\"";
        rows.back().push_back(cell);
      }
      text += "\n";
    }
    const RawTable table = must(parse_csv(text, ',', "f")).table;
    REQUIRE(table.columns == rows[0]);
    REQUIRE(table.rows.size() == height);
    for (size_t y = 0; y < height; ++y) CHECK(table.rows[y] == Cells(rows[y + 1].begin(), rows[y + 1].end()));
  }
}

TEST_CASE("any bytes are a table of one width and of UTF-8, or an error") {
  const std::vector<std::string> bits = {"a", "bc", ",", ",", "\"", "\n", "\n", "\r", "\xff", "\xc3", "é", std::string(1, '\0')};
  Rng rng(20'251'002, "csv");
  int tables = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (uint64_t n = rng.below(40); n > 0; --n) text += rng.pick(bits);
    const auto file = parse_csv(text, ',', "f");
    if (!file.ok()) continue;
    ++tables;
    size_t replaced = 0;
    for (const auto& row : file->table.rows) {
      REQUIRE(row.size() == file->table.columns.size());
      for (const auto& cell : row) valid_utf8(cell.value_or(""), replaced);
    }
    REQUIRE(replaced == 0);
  }
  CHECK(tables > 1000);
}

struct Quantity {
  const char* text;
  const char* converter;
  int decimals;
  int64_t scaled;
  bool rounded;
};

TEST_CASE("numbers are read as people write them, and rounded half away from zero") {
  const Quantity quantities[] = {
      {"131.0", "number", 0, 131, false},      {" 4.55 ", "number", 1, 46, true},         {"-2.5", "number", 0, -3, true},
      {"$1,350.50", "number", 2, 135050, false}, {"¥ 88", "number", 0, 88, false},          {"88 CNY", "number", 0, 88, false},
      {".5", "number", 1, 5, false},           {"0.0000001", "number", 4, 0, true},       {"10 hours 55 mins", "minutes", 0, 655, false},
      {"1 day 2 hours", "minutes", 0, 1560, false}, {"45 mins", "minutes", 0, 45, false},  {"90", "minutes", 0, 90, false},
      {"1.5h", "minutes", 0, 90, false},       {"2h5m", "minutes", 0, 125, false},        {"1,144 km", "kilometres", 0, 1144, false},
      {"98.6 km", "kilometres", 0, 99, true},  {"800 m", "kilometres", 0, 1, true},       {"10 miles", "kilometres", 1, 161, true}};
  for (const Quantity& q : quantities) {
    INFO(q.text);
    const auto converted = convert(q.text, q.converter, q.decimals);
    REQUIRE(converted.has_value());
    CHECK(converted->scaled == q.scaled);
    CHECK(converted->rounded == q.rounded);
  }
}

TEST_CASE("what is no such quantity is not made into one") {
  for (const char* text : {"", "cheap", "1,2", "1,23,456", "12,3456", "4/5", "10:30", "1-2", "3 4", "99999999999", "nan", "inf"})
    CHECK_FALSE(convert(text, "number", 0).has_value());
  for (const char* text : {"10 parsecs", "hours", "5 mins late", "1 hour 5 mins 3"}) CHECK_FALSE(convert(text, "kilometres", 0).has_value());
  CHECK_FALSE(convert("5 mins late", "minutes", 0).has_value());
  for (const char* text : {"", " ", "N/A", "NaN", "null", "-"}) CHECK(means_missing(text));
  CHECK_FALSE(means_missing("0"));
}

}  // namespace
}  // namespace assay
