#include "verifiers/wording.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <string_view>

namespace assay {
namespace {

constexpr std::string_view kNumberOf = "number of ";

std::string first_word(const std::string& text) { return text.substr(0, text.find(' ')); }

bool has_word(const std::string& text, std::string_view word) { return (" " + text + " ").find(" " + std::string(word) + " ") != std::string::npos; }

bool has_any(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return has_word(text, word); });
}

// "years of service", "visitors a day"; not "class", "focus".
bool is_plural(const std::string& word) { return word.size() > 3 && word.ends_with("s") && !word.ends_with("ss") && !word.ends_with("us") && !word.ends_with("is"); }

// What the phrase is about stands before "of", "in" and the like.
std::string head(const std::string& label) {
  size_t end = label.size();
  for (const char* word : {" of ", " in ", " at ", " on ", " for ", " from ", " to ", " until ", " since ", " per ", " a ", " with "}) end = std::min(end, label.find(word));
  return label.substr(0, end);
}

bool is_moment(const ColumnSpec& column) {
  if (!column.is_number()) return true;   // asked about only where texts are times
  if (column.unit.starts_with("minutes after") || column.unit.starts_with("days after") || column.unit == "o'clock") return true;
  return column.unit.empty() && has_any(head(column.label), {"year", "vintage", "century", "hour", "week", "day", "month"});
}

bool is_count(const ColumnSpec& column) {
  if (!column.is_number()) return false;
  return column.label.starts_with(kNumberOf) || (is_plural(first_word(column.label)) && (column.unit.empty() || says_unit(column)));
}

// "a weight"; a plural has no article.
std::string an(const std::string& label) { return is_plural(first_word(label)) ? label : with_article(label); }

}  // namespace

Measure measure_of(const ColumnSpec& column) {
  if (is_count(column)) return Measure::kCount;
  if (is_moment(column)) return Measure::kMoment;
  const std::string about = head(column.label);
  if (has_any(about, {"area", "size", "volume", "space"})) return Measure::kSize;
  const bool rate = has_any(column.unit, {"a", "an", "per"});   // "hours a week"
  const bool extent = !rate && has_any(column.unit, {"seconds", "minutes", "hours", "days", "nights", "weeks", "months", "years", "km", "m", "cm", "mm", "metres", "kilometres", "centimetres", "millimetres", "miles", "pages", "lines", "words"});
  if (!extent || has_any(about, {"height", "altitude", "elevation", "level", "age", "line", "experience"})) return Measure::kLevel;
  const bool stretch = has_any(about, {"length", "duration", "time", "distance", "way", "transit", "stay", "notice", "warranty", "walk", "drive", "wait", "pause", "rest", "gap", "delay", "life",
                                       "half-life", "period", "term", "transport", "season", "encore", "runway"});
  return stretch ? Measure::kStretch : Measure::kExtent;
}

bool says_extreme(const ColumnSpec& column) {
  static constexpr const char* kWords[] = {"highest", "lowest", "greatest", "smallest", "largest", "least", "most", "longest", "shortest", "earliest", "latest", "first", "last", "best", "steepest", "narrowest", "strongest", "nearest"};
  return std::any_of(std::begin(kWords), std::end(kWords), [&](const char* word) { return first_word(column.label) == word; });
}

std::string extreme_word(const ColumnSpec& column, bool highest) {
  if (says_extreme(column) && !column.is_number()) return highest ? "last" : "first";
  const std::string first = first_word(column.label);
  if (first == "greatest" || first == "smallest" || first == "largest") return highest ? "highest" : "lowest";
  if (says_extreme(column) && first != "first" && first != "last") return highest ? "greatest" : "smallest";
  switch (measure_of(column)) {
    case Measure::kLevel: return highest ? "highest" : "lowest";
    case Measure::kCount: return highest ? "most" : "fewest";
    case Measure::kMoment: return highest ? "latest" : "earliest";
    case Measure::kStretch: return highest ? "longest" : "shortest";
    case Measure::kSize: return highest ? "largest" : "smallest";
    case Measure::kExtent: return highest ? "greatest" : "smallest";
  }
  return "";
}

std::string noun_of(const ColumnSpec& column) {
  return measure_of(column) == Measure::kCount && column.label.starts_with(kNumberOf) ? column.label.substr(kNumberOf.size()) : column.label;
}

bool says_unit(const ColumnSpec& column) { return !column.unit.empty() && has_word(column.label, column.unit); }

std::string label_with_unit(const ColumnSpec& column) { return column.unit.empty() || says_unit(column) ? column.label : column.label + " in " + column.unit; }

std::string relation_words(const ColumnSpec& column, Relation relation) {
  if (measure_of(column) != Measure::kMoment) return relation_words(relation);
  static constexpr const char* kWords[] = {"exactly", "other than", "before", "no later than", "after", "no earlier than"};
  return kWords[static_cast<int>(relation)];
}

std::string having(const ColumnSpec& column, Relation relation, const std::string& value) {
  const std::string& label = column.label;
  const Measure measure = measure_of(column);
  if (relation == Relation::kNotEqual) return an(label) + " other than " + value;
  if (!column.is_number() && relation == Relation::kEqual) return "the " + label + " " + value;
  if (measure == Measure::kCount && first_word(value) != "1") {
    static constexpr const char* kWords[] = {"exactly ", "", "fewer than ", "at most ", "more than ", "at least "};
    return kWords[static_cast<int>(relation)] + first_word(value) + " " + noun_of(column);
  }
  if (measure == Measure::kMoment) return relation == Relation::kEqual ? "the " + label + " " + value : an(label) + " " + relation_words(column, relation) + " " + value;
  static constexpr const char* kWords[] = {" of ", "", " below ", " of at most ", " above ", " of at least "};
  return an(label) + kWords[static_cast<int>(relation)] + value;
}

std::string having(const CellTest& test, const BoundColumn& column, const Binding& binding) {
  std::vector<std::string> values;
  for (int64_t value : test.values) values.push_back(value_text(value, column, binding));
  return having(*column.spec, test.in ? Relation::kEqual : test.relation, join_words(values, "or"));
}

std::string upper_first(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string labels(const SlotChoice& choice, const Binding& binding, const std::string& conjunction) {
  std::vector<std::string> out;
  for (int field : choice.fields) out.push_back(binding.shape.fields[static_cast<size_t>(field)].label);
  return join_words(out, conjunction);
}

std::string plurals(const SlotChoice& choice, const Binding& binding) {
  std::vector<std::string> out;
  for (int field : choice.fields) out.push_back(binding.shape.fields[static_cast<size_t>(field)].plural);
  return join_words(out);
}

}  // namespace assay
