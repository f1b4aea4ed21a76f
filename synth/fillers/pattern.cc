// Text made of vocabularies: {"kind":"pattern","patterns":["{adjective} {noun} Hotel"],"unique":"table"}.
// In braces: a vocabulary, "=column" (the text of an earlier column of the row) or "low..high" (an integer). Patterns may have "weights".
// "unique" is "none" (default), "table", or a reference column of the table, within whose rows texts then differ.
// With "shared":{"percent":10,"patterns":[…],"within":"city"} that share of rows draws from a small set instead, in which a
// text occurs once for each value of "within" only: chains, whose names are ambiguous without the city.
#include <unordered_set>

#include "synth/fill_plan.h"

namespace assay::fillers::pattern {
namespace {

struct Part {
  std::string literal;
  std::vector<std::string> words;  // one of these, if any
  Range number{1, 0};              // an integer, if low <= high
  int column = -1;                 // the text of a column, if >= 0
};

using Pattern = std::vector<Part>;

std::string expand(const Pattern& pattern, const FillRun& run, int32_t row, Rng& rng) {
  std::string out;
  for (const Part& part : pattern) {
    if (out.size() > kTextBytes) break;   // the plan refuses it
    out += part.literal;
    if (!part.words.empty()) out += rng.pick(part.words);
    if (part.number.low <= part.number.high) out += std::to_string(part.number.draw(rng));
    if (part.column >= 0) out += run.tables.cell_text(run.table(), part.column, row);
  }
  return out;
}

struct Choice {
  std::vector<Pattern> patterns;
  Weights weights;
  std::string draw(const FillRun& run, int32_t row, Rng& rng) const {
    return expand(patterns[weights.draw(rng)], run, row, rng);
  }
};

// A placeholder's meaning, or a failure recorded.
Part placeholder(const FillSite& site, JsonReader& r, const std::string& name) {
  Part part;
  if (name.starts_with("=")) {
    part.column = ColumnPath::find(site, r, "patterns", name.substr(1)).column;
    if (name.find('.') != std::string::npos) r.fail("patterns", "'" + name + "' must name a column of the same row");
    return part;
  }
  if (const size_t dots = name.find(".."); dots != std::string::npos) {
    auto low = parse_number(name.substr(0, dots), 0), high = parse_number(name.substr(dots + 2), 0);
    if (!low.ok() || !high.ok() || *low > *high) r.fail("patterns", "'{" + name + "}' is no range of integers");
    else part.number = {*low, *high};
    return part;
  }
  if (!site.vocabularies.contains(name)) {
    std::vector<std::string> known;
    for (const auto& [vocabulary, words] : site.vocabularies.items()) known.push_back(vocabulary);
    const Error error = unknown_name("vocabulary", name, known);
    r.fail("patterns", error.what, error.hint);
    return part;
  }
  part.words = site.vocabularies[name].get<std::vector<std::string>>();
  return part;
}

Pattern parse(const FillSite& site, JsonReader& r, const std::string& text) {
  Pattern pattern;
  size_t at = 0;
  while (at < text.size() && !r.failed()) {
    const size_t open = text.find('{', at), close = text.find('}', at);
    if (open == std::string::npos && close == std::string::npos) break;
    if (open == std::string::npos || close < open) {
      r.fail("patterns", "unbalanced braces in '" + text + "'");
      break;
    }
    if (open > at) pattern.push_back({text.substr(at, open - at)});
    if (close == std::string::npos) r.fail("patterns", "unbalanced braces in '" + text + "'");
    else pattern.push_back(placeholder(site, r, text.substr(open + 1, close - open - 1)));
    at = close == std::string::npos ? text.size() : close + 1;
  }
  if (at < text.size()) pattern.push_back({text.substr(at)});
  return pattern;
}

Choice read_choice(const FillSite& site, JsonReader& r) {
  Choice choice;
  for (const std::string& text : r.texts("patterns")) {
    if (text.empty()) r.fail("patterns", "a pattern is empty");
    choice.patterns.push_back(parse(site, r, text));
  }
  choice.weights = Weights::read(r, choice.patterns.size());
  return choice;
}

class Text final : public ColumnFill {
 public:
  void run(const FillRun& run, std::span<const int32_t> rows) const override {
    std::unordered_set<uint64_t> taken;  // (text, scope + 1); scope + 1 = 0 stands for the whole table
    for (int32_t row : rows) {
      Rng rng = run.rng(row);
      const bool shared = static_cast<int64_t>(rng.below(100)) < shared_percent_;
      run.cells()[row] = shared ? draw(run, row, rng, shared_, shared_scope_, taken) : draw(run, row, rng, main_, scope_, taken);
    }
  }

  void compile(const FillSite& site, JsonReader& r) {
    if (site.spec().type != ColumnType::kText) r.fail("kind", "the column '" + site.spec().name + "' is no text");
    main_ = read_choice(site, r);
    const std::string unique = r.text_or("unique", "none");
    if (unique == "table") scope_ = kTable;
    else if (unique != "none") scope_ = scope(site, r, "unique", unique);
    r.member_or_null("shared");
    if (!r.has("shared") || r.failed()) return;
    JsonReader s(r.object("shared"), r.file(), r.path_of("shared"));
    shared_percent_ = s.integer("percent", {.minimum = 0, .maximum = 100});
    shared_ = read_choice(site, s);
    shared_scope_ = scope(site, s, "within", s.text("within"));
    pass_on(r, s.finish());
  }

 private:
  static constexpr int kNone = -2, kTable = -1;

  static int scope(const FillSite& site, JsonReader& r, const char* member, const std::string& column) {
    const int index = read_reference_column(site, r, member, column);
    if (index >= 0 && !site.filled.count(index)) r.fail(member, "'" + column + "' is filled later");
    return index;
  }

  int64_t draw(const FillRun& run, int32_t row, Rng& rng, const Choice& choice, int scope,
               std::unordered_set<uint64_t>& taken) const {
    const auto scope_key = [&](int column) {
      return column >= 0 ? static_cast<uint64_t>(run.table().columns[column][row] + 1) : uint64_t{0};
    };
    // A vocabulary that has run out still gives different names: "…, No. 2".
    for (int64_t attempt = 0;; ++attempt) {
      std::string text = choice.draw(run, row, rng);
      if (attempt >= kAttempts) text += ", No. " + std::to_string(attempt - kAttempts + 2);
      const int32_t id = run.tables.texts.intern(text);
      if (scope == kNone) return id;
      // A text of the main kind must differ from the shared ones of its own scope too, so both keys are noted.
      const uint64_t key = (static_cast<uint64_t>(id) << 32) | scope_key(scope);
      const uint64_t local = shared_percent_ > 0 ? (static_cast<uint64_t>(id) << 32) | scope_key(shared_scope_) : key;
      if (taken.count(key) || taken.count(local)) continue;
      taken.insert(key);
      taken.insert(local);
      return id;
    }
  }

  static constexpr int64_t kAttempts = 32;
  Choice main_, shared_;
  int scope_ = kNone, shared_scope_ = kNone;
  int64_t shared_percent_ = 0;
};

}  // namespace

Filler make() { return column_filler<Text>("pattern", "text made of vocabularies"); }

}  // namespace assay::fillers::pattern
