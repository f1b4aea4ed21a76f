#include "synth/query/words.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "envs/plural.h"
#include "synth/column_use.h"
#include "verifiers/amount_text.h"
#include "verifiers/constraint.h"
#include "verifiers/wording.h"

namespace assay::query {
namespace {

constexpr double kBinary = 1e-6;   // below half a unit of the last of four decimals, far above what binary fractions are off by

int places_of(const Value& value) { return std::max(2, value.decimals); }

std::string ordinal(int rank) { return rank == 2 ? "second-" : rank == 3 ? "third-" : std::to_string(rank) + "th-"; }

Relation relation_of(Comparison comparison) {
  switch (comparison) {
    case Comparison::kEqual: return Relation::kEqual;
    case Comparison::kNotEqual: return Relation::kNotEqual;
    case Comparison::kBelow: return Relation::kLess;
    case Comparison::kAtMost: return Relation::kLessEqual;
    case Comparison::kAbove: return Relation::kGreater;
    case Comparison::kAtLeast: return Relation::kGreaterEqual;
  }
  return Relation::kEqual;
}

std::string quoted(const std::string& text) { return text_form(text) == TextForm::kPlain ? "\"" + text + "\"" : text; }

std::string filled(const std::string& phrase, const std::string& with) {
  std::string out = phrase;
  return out.replace(out.find("{}"), 2, with);
}

// Of the first cell with a value; all of a column that is asked about as a time have one form.
TextForm form_of_column(const Tables& tables, int table, int column) {
  const Table& rows = tables.tables[static_cast<size_t>(table)];
  if (column < 0 || rows.spec.columns[static_cast<size_t>(column)].type != ColumnType::kText) return TextForm::kPlain;
  for (int64_t cell : rows.columns[static_cast<size_t>(column)])
    if (has_value(cell)) return text_form(tables.texts.text(static_cast<int32_t>(cell)));
  return TextForm::kPlain;
}

class Speaker {
 public:
  Speaker(const Question& question, TextForm form, const Tables& tables, const QueryOptions& options, Rng& rng) : form_(form), tables_(tables), options_(options), rng_(rng) {
    count(question);
  }

  std::string say(const Question& question) {
    const std::string asked = question.minus ? say_difference(question) : say_plain(question);
    std::string out;
    for (const std::string& sentence : introductions_) out += sentence + " ";
    return out + asked;
  }

 private:
  const TableSpec& spec(int table) const { return tables_.tables[static_cast<size_t>(table)].spec; }
  const ColumnSpec& column(int table, int c) const { return spec(table).columns[static_cast<size_t>(c)]; }
  const std::string& pick(const std::vector<std::string>& from) { return rng_.pick(from); }

  // Which sets of each table will be introduced: with more than one, each gets a letter.
  void count(const Question& question) {
    count(*question.of, question.minus != nullptr);
    if (question.minus) count(*question.minus->of, true);
  }
  void count(const RowSet& set, bool introduced) {
    if (introduced && !set.is_named(tables_)) add(introduced_[set.table], set);
    for (const Condition& condition : set.where)
      if (condition.set) count(*condition.set, condition.kind == Condition::Kind::kIn);
    if (set.of) count(*set.of, false);
  }

  static void add(std::vector<const RowSet*>& sets, const RowSet& set) {
    if (std::none_of(sets.begin(), sets.end(), [&](const RowSet* other) { return same(*other, set); })) sets.push_back(&set);
  }

  // "30 degrees", "4.5".
  std::string amount(int table, int c, int64_t number) const {
    const ColumnSpec& about = column(table, c);
    int decimals = about.decimals;
    for (; decimals > 0 && number % 10 == 0; --decimals) number /= 10;
    return amount_text(number_text(number, decimals), says_unit(about) ? "" : about.unit);
  }

  // "\"Suzhou\"", "that city", "those cities", "city A".
  std::string refer(const RowSetPtr& set) {
    if (set->is_named(tables_)) return quoted(bare_name(*set));
    for (const auto& [other, name] : names_)
      if (same(*other, *set)) return name;
    const TableSpec& about = spec(set->table);
    const bool single = set->is_single(tables_);
    const std::string noun = single ? about.label : about.plural;
    const std::string description = single ? definite(*set) : "the " + plural(*set);
    std::string name = (single ? "that " : "those ") + noun, more;
    if (introduced_[set->table].size() > 1) {
      const std::string letter(1, static_cast<char>('A' + letters_++));
      name = single ? about.label + " " + letter : "the " + noun + " of group " + letter;
      more = single ? "; call it " + name : "; call them group " + letter;
    }
    introductions_.push_back(pick(single ? kTake : kTakeAll) + " " + description + more + ".");
    names_.emplace_back(set, name);
    return name;
  }
  std::string refer_entity(const RowSetPtr& set) { return set->is_named(tables_) ? definite(*set) : refer(set); }

  std::string bare_name(const RowSet& set) const {
    for (const Condition& condition : set.where)
      if (condition.column == spec(set.table).name_column()) return condition.text;
    return "";
  }

  // Of a condition that a phrase of the domain says; one with an article before the value takes names, but not "that city".
  const std::string* phrase_for(const Condition& condition, int table) const {
    const auto phrase = options_.phrases.find({table, condition.column});
    const bool positive = condition.kind == Condition::Kind::kIn ? !condition.negated : condition.comparison == Comparison::kEqual;
    if (phrase == options_.phrases.end() || !positive) return nullptr;
    const std::string before = " " + phrase->second.substr(0, phrase->second.find("{}"));
    const bool article = before.ends_with(" the ") || before.ends_with(" a ") || before.ends_with(" an ");
    return article && condition.kind == Condition::Kind::kIn && !condition.set->is_named(tables_) ? nullptr : &phrase->second;
  }

  // One row: "the hotel in Suzhou with the lowest price per night", "the city of arrival of the connection …".
  std::string definite(const RowSet& set) {
    const TableSpec& about = spec(set.table);
    switch (set.kind) {
      case RowSet::Kind::kWhere: return named(set);
      case RowSet::Kind::kFollow: return "the " + column(set.of->table, set.column).label + " of " + definite(*set.of);
      case RowSet::Kind::kGroup: return group(set);
      case RowSet::Kind::kBest: break;
    }
    const Mods mods = modifiers(*set.of);
    const std::string with = extremely(set);
    if (mods.with.empty() && mods.that.empty() && !mods.of_several) return "the " + about.label + mods.tight + " " + with + mods.loose + (mods.text().empty() ? " of all " + about.plural : "");
    return "the " + about.label + " " + with + " among the " + about.plural + mods.text();
  }

  // "with the lowest price per night", "whose start is the earliest in the day".
  std::string extremely(const RowSet& best) const {
    const ColumnSpec& about = column(best.of->table, best.column);
    const std::string rank = best.rank == 1 ? "" : ordinal(best.rank);
    if (form_of_column(tables_, best.of->table, best.column) == TextForm::kClock) return "whose " + about.label + " is the " + rank + extreme_word(about, best.highest) + " in the day";
    if (counts_rows(about)) return "with the " + rank + (best.highest ? "highest " : "lowest ") + about.label;
    if (!says_extreme(about)) return "with the " + rank + extreme_word(about, best.highest) + " " + noun_of(about);
    return "whose " + about.label + " is the " + rank + extreme_word(about, best.highest);
  }

  // "number of donations", where a table holds donations: "the most donations" could be its rows.
  bool counts_rows(const ColumnSpec& about) const {
    return measure_of(about) == Measure::kCount && std::any_of(tables_.tables.begin(), tables_.tables.end(), [&](const Table& table) {
             return (" " + table.spec.plural).ends_with(" " + noun_of(about)) || noun_of(about).starts_with(table.spec.plural);
           });
  }

  std::string named(const RowSet& set) {
    const TableSpec& about = spec(set.table);
    std::string out = "the " + about.label + " \"" + bare_name(set) + "\"";
    for (const Condition& condition : set.where) {
      if (condition.column == about.name_column()) continue;
      const std::string scope = condition.kind == Condition::Kind::kCompare ? quoted(condition.text) : refer(condition.set);
      const std::string* phrase = phrase_for(condition, set.table);
      out += " " + (phrase ? filled(*phrase, scope) : "whose " + column(set.table, condition.column).label + " is " + scope);
    }
    return out;
  }

  // "the city with the largest number of hotels whose number of stars is 5", over which rows refer to it by one of their columns.
  std::string group(const RowSet& set) {
    const TableSpec& about = spec(set.table);
    const TableSpec& rows = spec(set.of->table);
    RowSet of = *set.of;
    std::string among;
    if (of.kind == RowSet::Kind::kWhere)
      for (size_t i = 0; i < of.where.size(); ++i) {
        if (of.where[i].kind != Condition::Kind::kIn || of.where[i].negated || of.where[i].column != set.column) continue;
        among = ", among " + refer(of.where[i].set) + ",";
        of.where.erase(of.where.begin() + static_cast<ptrdiff_t>(i));
        break;
      }
    const std::string which = rows.plural + modifiers(of).text();
    // The entity has the rows, or plays a part in them: "the city of arrival with the highest average fare of connections from …".
    const std::string who = speaks_of_having(set.of->table, set.column) ? about.label : column(set.of->table, set.column).label;
    if (set.how == Aggregate::kCount) return "the " + who + among + (who == about.label ? " with" : " of") + (set.highest ? " the largest" : " the smallest") + " number of " + which;
    return "the " + who + among + " with the " + (set.highest ? "highest " : "lowest ") + (set.how == Aggregate::kAverage ? "average " : "total ") +
           column(set.of->table, set.measure).label + " of " + which;
  }

  // "A city has hotels", where only one column of hotels leads to cities.
  bool speaks_of_having(int table, int c) const {
    const TableSpec& about = spec(table);
    return std::count_if(about.columns.begin(), about.columns.end(), [&](const ColumnSpec& o) { return o.references == column(table, c).references; }) == 1;
  }

  std::string plural(const RowSet& set) { return spec(set.table).plural + modifiers(set).text(); }

  // What stands behind a noun. Every part must be read of the noun and not of another one that a part before it names: what is named by
  // a name alone stands first ("in \"Suzhou\""), then come the row's own values ("with a price below 30 EUR and the manner \"calm\""), what is
  // spoken of by a description ("at that cinema"), and at last which rows lead to it ("that have at least two dogs").
  struct Mods {
    std::string tight;
    bool of_several = false;   // "of those dogs" is part of it
    std::vector<std::string> with;
    std::string loose;
    std::vector<std::string> that;
    std::string text() const { return tight + (with.empty() ? "" : " with " + join_words(with)) + loose + (that.empty() ? "" : " " + join_words(that)); }
  };

  Mods modifiers(const RowSet& set) {
    Mods out;
    if (set.kind != RowSet::Kind::kWhere) return out;
    const bool own = std::any_of(set.where.begin(), set.where.end(), [&](const Condition& o) { return o.kind == Condition::Kind::kCompare && !phrase_for(o, set.table); });
    for (const Condition& condition : set.where) {
      if (condition.kind == Condition::Kind::kHas) {
        out.that.push_back(has(condition));
      } else if (const std::string* phrase = phrase_for(condition, set.table); phrase && condition.kind == Condition::Kind::kCompare) {
        out.tight += " " + filled(*phrase, constant(condition, set.table));
      } else if (phrase) {
        const bool single = condition.set->is_single(tables_), of = phrase->starts_with("of ");
        const std::string said = filled(*phrase, refer(condition.set));
        out.of_several |= of && !single;
        if (condition.set->is_named(tables_) || (of && (single || !own))) out.tight += " " + said;
        else out.loose += (of ? " that are " : " ") + said;
      } else {
        out.with.push_back(condition.kind == Condition::Kind::kIn ? referring(condition, set.table) : having(column(set.table, condition.column), relation_of(condition.comparison), constant(condition, set.table)));
      }
    }
    return out;
  }

  // "30 degrees", "\"calm\"", "2026-09-13".
  std::string constant(const Condition& condition, int table) const {
    return column(table, condition.column).is_number() ? amount(table, condition.column, condition.number) : quoted(condition.text);
  }

  // "the home river \"Amazon\"", "that river as home river".
  std::string referring(const Condition& condition, int table) {
    const ColumnSpec& about = column(table, condition.column);
    const std::string to = refer(condition.set);
    const bool single = condition.set->is_single(tables_);
    if (condition.set->is_named(tables_) || (single && condition.negated)) return having(about, condition.negated ? Relation::kNotEqual : Relation::kEqual, to);
    return (single ? "" : condition.negated ? "none of " : "one of ") + to + " as " + about.label;
  }

  std::string has(const Condition& condition) {
    const TableSpec& rows = spec(condition.set->table);
    const bool one = condition.at_least == 1;
    const std::string count = condition.negated ? (one ? "no" : "fewer than " + std::to_string(condition.at_least)) : "at least " + (one ? "one" : std::to_string(condition.at_least));
    const std::string what = count + " " + (one && !condition.negated ? rows.label : rows.plural) + modifiers(*condition.set).text();
    if (speaks_of_having(condition.set->table, condition.column)) return "that have " + what;
    return "that are the " + column(condition.set->table, condition.column).label + " of " + what;
  }

  std::string in_unit(int table, int c) const {
    const ColumnSpec& about = column(table, c);
    return about.unit.empty() || says_unit(about) ? "" : ", in " + about.unit + ",";
  }

  std::string say_plain(const Question& question) {
    const RowSet& of = *question.of;
    switch (question.ask) {
      case Question::Ask::kName: {
        const std::string who = definite(of), name = column(of.table, spec(of.table).name_column()).label;
        return pick({"What is the " + name + " of " + who + "?", name == "name" ? "Name " + who + "." : "Give the " + name + " of " + who + ".", "Find the " + name + " of " + who + "."});
      }
      case Question::Ask::kNames: {
        const std::string who = plural(of), names = plural_of(column(of.table, spec(of.table).name_column()).label);
        return pick({"Name all " + who + ".", "What are the " + names + " of all " + who + "?", "List the " + names + " of all " + who + "."});
      }
      case Question::Ask::kCell: {
        const std::string what = "the " + column(of.table, question.column).label + in_unit(of.table, question.column) + " of " + definite(of);
        return pick({"What is " + what + "?", "Find " + what + "."});
      }
      case Question::Ask::kAggregate: break;
    }
    const std::string who = plural(of);
    if (question.how == Aggregate::kCount) return pick({"How many " + who + " are there?", "What is the number of " + who + "?", "Count the " + who + "."});
    const ColumnSpec& about = column(of.table, question.column);
    const bool clock = form_ == TextForm::kClock;
    const std::string what = "the " + reduced(question, about) + " " + about.label + (clock ? " in the day" : in_unit(of.table, question.column)) + " of the " + who;
    return pick({"What is " + what + "?", "Find " + what + "."});
  }

  // "total", "average", "shortest".
  static std::string reduced(const Question& question, const ColumnSpec& about) {
    if (question.how == Aggregate::kSum) return "total";
    if (question.how == Aggregate::kAverage) return "average";
    const bool highest = question.how == Aggregate::kHighest;
    if (measure_of(about) == Measure::kCount) return highest ? "highest" : "lowest";   // "the lowest number of stars"
    return extreme_word(about, highest);
  }

  // Of two cells of one column.
  std::string say_difference(const Question& question) {
    const int table = question.of->table;
    const ColumnSpec& about = column(table, question.column);
    const std::string left = "the " + about.label + " of " + refer_entity(question.of);
    const std::string right = "that of " + refer_entity(question.minus->of);
    if (form_ == TextForm::kClock) return "How many minutes lie between " + left + " and " + right + ", both taken on the same day?";
    if (!about.is_number()) return "How many days lie between " + left + " and " + right + "?";
    const bool share = about.unit.starts_with("percent") || about.unit.starts_with("%");
    const bool moment = measure_of(about) == Measure::kMoment;
    const std::string in = share ? ", in percentage points," : moment && about.unit.empty() && about.label.find("hour") != std::string::npos ? ", the larger number minus the smaller,"
                           : moment && !about.unit.empty() ? ", in " + about.unit.substr(0, about.unit.find(" after ")) + "," : in_unit(table, question.column);   // minutes, not minutes after midnight
    return "What is the difference" + in + " between " + left + " and " + right + "?";
  }

  inline static const std::vector<std::string> kTake{"Consider", "Take", "Find"};
  inline static const std::vector<std::string> kTakeAll{"Consider", "Take"};

  const TextForm form_;   // of the column asked about
  const Tables& tables_;
  const QueryOptions& options_;
  Rng& rng_;
  std::map<int, std::vector<const RowSet*>> introduced_;   // [table]
  std::vector<std::pair<RowSetPtr, std::string>> names_;   // of what has been introduced
  std::vector<std::string> introductions_;
  int letters_ = 0;
};

bool is_average(const Question& question) { return question.ask == Question::Ask::kAggregate && question.how == Aggregate::kAverage; }

std::string say_form(const Question& question, const Value& value, TextForm form, const std::string& name) {
  if (question.ask == Question::Ask::kNames) return "Submit a JSON array of the " + plural_of(name) + " as strings, exactly as the tools give them, in any order, each once.";
  if (question.ask == Question::Ask::kName) return "Submit the " + name + " alone, as a JSON string, exactly as the tools give it.";
  if (value.is_text && form == TextForm::kClock) return "Submit the time alone, as a JSON string of the form \"HH:MM\".";
  if (value.is_text && form == TextForm::kDate) return "Submit the date alone, as a JSON string of the form \"YYYY-MM-DD\".";
  if (value.is_text) return "Submit the value alone, as a JSON string, exactly as the tools give it.";
  if (is_average(question)) return "Submit a JSON number without a unit, rounded to " + std::to_string(places_of(value)) + " decimal places.";
  return std::string(value.decimals == 0 ? "Submit a JSON integer" : "Submit a JSON number") + " without a unit" + (question.minus ? ", not below 0." : ".");
}

}  // namespace

Words say(const Question& question, const Value& value, const Tables& tables, const QueryOptions& options, Rng& rng) {
  const TextForm form = form_of_column(tables, question.of->table, question.column);
  const TableSpec& spec = tables.tables[static_cast<size_t>(question.of->table)].spec;
  const ColumnSpec& name = spec.columns[static_cast<size_t>(spec.name_column())];
  return {Speaker(question, form, tables, options, rng).say(question), say_form(question, value, form, name.label)};
}

Json expected_of(const Question& question, const Value& value) {
  if (question.ask == Question::Ask::kNames) {
    Json items = Json::array();
    for (const std::string& text : value.texts) items.push_back({{"type", "text"}, {"value", text}});
    return {{"type", "list"}, {"ordered", false}, {"items", std::move(items)}};
  }
  if (value.is_text) return {{"type", "text"}, {"value", value.texts.at(0)}};
  if (is_average(question)) {
    const int places = places_of(value);
    return {{"type", "number"}, {"value", value.number()}, {"absolute", 0.5 * std::pow(10, -places) + kBinary},
            {"why", "asked for to " + std::to_string(places) + " decimal places; ties may be rounded either way"}};
  }
  if (value.decimals == 0) return {{"type", "integer"}, {"value", std::to_string(value.numerator)}};
  return {{"type", "number"}, {"value", value.number()}, {"absolute", kBinary}, {"why", "decimals are added up in binary fractions"}};
}

}  // namespace assay::query
