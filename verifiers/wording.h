// How sentences speak of the values of a column. Which words fit is told by the kind of thing the column measures, and that by its
// declared label, a noun phrase without an article ("price per night", "number of stars", "year of foundation"), and its unit.
#pragma once

#include <string>

#include "verifiers/constraint.h"

namespace assay {

enum class Measure {
  kLevel,     // a price, a temperature: lowest … highest
  kCount,     // "number of stars", "years of service": fewest … most
  kMoment,    // a year, a date, minutes after midnight: earliest … latest
  kStretch,   // a length, a duration: shortest … longest
  kSize,      // an area, a volume: smallest … largest
  kExtent,    // a depth, an age in years: smallest … greatest
};
Measure measure_of(const ColumnSpec& column);

// "greatest weight", "least stay": a label that says an extreme itself.
bool says_extreme(const ColumnSpec& column);
// "lowest", "most", "latest": the word before noun_of(); for a label that says an extreme itself, what that is: "the longest transit allowed is
// the highest".
std::string extreme_word(const ColumnSpec& column, bool highest);
// What such a word and a number stand before: "stars" for a number of stars, else the label.
std::string noun_of(const ColumnSpec& column);

// Whether the label names the unit itself ("number of pages" in pages), so that nobody says it twice.
bool says_unit(const ColumnSpec& column);
// "price per night in CNY", "number of pages".
std::string label_with_unit(const ColumnSpec& column);

// "at most", but of a moment "no later than": what stands before a value.
std::string relation_words(const ColumnSpec& column, Relation relation);

// What something has whose cell stands in this relation to a value, which is said as it is, with its unit or in quotes:
// "a weight of at least 35 kg", "fewer than 4 stars", "a date no earlier than 2026-09-13", "the manner \"calm\"".
std::string having(const ColumnSpec& column, Relation relation, const std::string& value);
std::string having(const CellTest& test, const BoundColumn& column, const Binding& binding);

std::string upper_first(std::string text);
std::string labels(const SlotChoice& choice, const Binding& binding, const std::string& conjunction);   // "book on the left or book on the right"
std::string plurals(const SlotChoice& choice, const Binding& binding);                                  // "books on the left and books on the right"

}  // namespace assay
