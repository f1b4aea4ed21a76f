#include "cli/text.h"

#include <catch2/catch.hpp>

namespace assay {

TEST_CASE("numbers are written for people") {
  CHECK(count_text(0) == "0");
  CHECK(count_text(999) == "999");
  CHECK(count_text(1000) == "1,000");
  CHECK(count_text(1234567) == "1,234,567");
  CHECK(count_text(-1234) == "-1,234");
  CHECK(count_text(-123) == "-123");
  CHECK(rate_text(0.314) == "0.31");
  CHECK(rate_text(98.24) == "98.2");
  CHECK(rate_text(1499.6) == "1,500");
  CHECK(duration_text(0.04) == "0.0 s");
  CHECK(duration_text(59.4) == "59 s");
  CHECK(duration_text(200) == "3 min 20 s");
  CHECK(duration_text(7500) == "2 h 5 min");
  CHECK(percent_text(0.0005) == "0.05%");
  CHECK(percent_text(1, 3) == "33.3%");
  CHECK(percent_text(0, 0) == "-");
  CHECK(range_text("3", "3") == "3");
  CHECK(range_text("3", "9") == "3-9");
  CHECK(bytes_text(3'140'000) == "3.1 MB");
}

TEST_CASE("tables are aligned, numbers to the right, wide characters counted as two columns") {
  TextTable table({"name", "n"});
  table.add({"杭州", "1,234"});
  table.add({"Ulm", "7"});
  CHECK(table.text("  ") ==
        "  name      n\n"
        "  杭州  1,234\n"
        "  Ulm       7");
}

TEST_CASE("what a model wrote cannot steer a terminal") {
  CHECK(printable("a\x1b[2Jb\r\n\tc") == "a\\x1b[2Jb\\x0d\n\tc");
  CHECK(printable("\xc2\x9b" "2J") == "\\xc2\\x9b2J");   // the one-character form of ESC [
  CHECK(printable("\xff\xfe") == "\\xff\\xfe");
  CHECK(printable("Zürich 杭州") == "Zürich 杭州");
}

TEST_CASE("long text is cut between characters and says how much is missing") {
  CHECK(shortened("short", 5) == "short");
  CHECK(shortened("ab杭州", 4) == "ab … (6 more bytes)");
  CHECK(shortened("ab杭州", 5) == "ab杭 … (3 more bytes)");
}

}  // namespace assay
