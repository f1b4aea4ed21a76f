#include <catch2/catch.hpp>

#include "verifiers/wording.h"

namespace assay {
namespace {

ColumnSpec column(const std::string& label, const std::string& unit = "", ColumnType type = ColumnType::kInteger) {
  ColumnSpec out;
  out.label = label;
  out.unit = unit;
  out.type = type;
  return out;
}

TEST_CASE("extremes are said by the word for what is measured") {
  const auto extremes = [](const ColumnSpec& of) { return extreme_word(of, false) + " " + extreme_word(of, true) + " " + noun_of(of); };
  CHECK(extremes(column("price per night", "CNY")) == "lowest highest price per night");
  CHECK(extremes(column("number of stars")) == "fewest most stars");
  CHECK(extremes(column("years of service", "years")) == "fewest most years of service");
  CHECK(extremes(column("founding year")) == "earliest latest founding year");
  CHECK(extremes(column("beginning of duty", "minutes after midnight")) == "earliest latest beginning of duty");
  CHECK(extremes(column("date of the test", "", ColumnType::kText)) == "earliest latest date of the test");
  CHECK(extremes(column("walk from the festival centre", "minutes")) == "shortest longest walk from the festival centre");
  CHECK(extremes(column("floor area needed", "m²")) == "smallest largest floor area needed");
  CHECK(extremes(column("depth of the ruts", "mm")) == "smallest greatest depth of the ruts");
  CHECK(extremes(column("workload", "hours a week")) == "lowest highest workload");
  CHECK(extremes(column("least weight", "kg")) == "smallest greatest least weight");
  CHECK(extremes(column("greatest weight", "kg")) == "lowest highest greatest weight");
  CHECK(extremes(column("earliest week of use")) == "smallest greatest earliest week of use");
  CHECK(extremes(column("first year")) == "earliest latest first year");
  CHECK(extremes(column("highest temperature", "degrees Celsius")) == "smallest greatest highest temperature");
}

TEST_CASE("what something has is one phrase, for each relation and kind of measure") {
  CHECK(having(column("weight", "kg"), Relation::kLessEqual, "35 kg") == "a weight of at most 35 kg");
  CHECK(having(column("age", "years"), Relation::kLess, "31 years") == "an age below 31 years");
  CHECK(having(column("age", "years"), Relation::kNotEqual, "31 years") == "an age other than 31 years");
  CHECK(having(column("price", "EUR"), Relation::kEqual, "3 EUR") == "a price of 3 EUR");
  CHECK(having(column("number of stars"), Relation::kLess, "4") == "fewer than 4 stars");
  CHECK(having(column("number of fish", "fish"), Relation::kGreaterEqual, "12 fish") == "at least 12 fish");
  CHECK(having(column("number of children"), Relation::kLessEqual, "1") == "a number of children of at most 1");   // and not "1 children"
  CHECK(having(column("year of release"), Relation::kGreaterEqual, "2025") == "a year of release no earlier than 2025");
  CHECK(having(column("date", "", ColumnType::kText), Relation::kLess, "2026-09-13") == "a date before 2026-09-13");
  CHECK(having(column("manner", "", ColumnType::kText), Relation::kEqual, "\"calm\"") == "the manner \"calm\"");
  CHECK(having(column("manner", "", ColumnType::kText), Relation::kNotEqual, "\"calm\"") == "a manner other than \"calm\"");
}

TEST_CASE("a unit is said once") {
  CHECK(label_with_unit(column("price", "EUR")) == "price in EUR");
  CHECK(label_with_unit(column("number of pages", "pages")) == "number of pages");
}

}  // namespace
}  // namespace assay
