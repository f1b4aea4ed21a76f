#include "engine/tokenizer/pre_tokenizer.h"

#include <algorithm>
#include <array>

#include "engine/tokenizer/stand_ins.h"

namespace assay {
namespace {

// What ByteLevel cuts with (openai/gpt-2, src/encoder.py).
constexpr std::string_view kByteLevelPattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

}  // namespace

// A text and, as long, what the expressions see in its place.
struct PreTokenizer::Piece {
  std::string_view text, seen;

  Piece part(size_t begin, size_t end) const { return {text.substr(begin, end - begin), seen.substr(begin, end - begin)}; }
};

class PreTokenizer::Cutter {
 public:
  Cutter(const PreTokenizer& owner, Regex::Scratch& scratch, const std::function<void(std::string_view)>& word)
      : owner_(owner), scratch_(scratch), word_(word) {}

  void cut(const Piece& piece, size_t step_number) {
    if (piece.text.empty()) return;
    if (step_number == owner_.steps_.size()) return word_(piece.text);
    const Step& step = owner_.steps_[step_number];
    if (!step.prefix_space || piece.text.front() == ' ') return cut_by(step, piece, step_number + 1);
    const std::string text = " " + std::string(piece.text), seen = " " + std::string(piece.seen);
    cut_by(step, {text, seen}, step_number + 1);
  }

 private:
  static bool joins(Behavior behavior, bool match_before, bool match) {
    switch (behavior) {
      case Behavior::kMergedWithPrevious: return match && !match_before;
      case Behavior::kMergedWithNext: return !match && match_before;
      case Behavior::kContiguous: return match == match_before;
      default: return false;
    }
  }

  // Matches and what lies between them alternate; neighbours that the behaviour joins go on together.
  void cut_by(const Step& step, const Piece& piece, size_t next_step) {
    if (!step.regex) return cut(piece, next_step);
    size_t begin = 0, end = 0;  // of what is not yet passed on
    bool match_before = false;
    const auto add = [&](size_t until, bool match) {
      if (until == end) return;
      if (begin != end && !joins(step.behavior, match_before, match)) {
        if (step.behavior != Behavior::kRemoved || !match_before) cut(piece.part(begin, end), next_step);
        begin = end;
      }
      end = until;
      match_before = match;
    };
    while (const auto match = step.regex->find(piece.seen, end, scratch_)) {
      add(match->begin, step.invert);
      add(match->end, !step.invert);
    }
    add(piece.text.size(), step.invert);
    if (step.behavior != Behavior::kRemoved || !match_before) cut(piece.part(begin, end), next_step);
  }

  const PreTokenizer& owner_;
  Regex::Scratch& scratch_;
  const std::function<void(std::string_view)>& word_;
};

void PreTokenizer::cut(std::string_view text, Regex::Scratch& scratch, const std::function<void(std::string_view)>& word) const {
  const std::string seen = steps_.empty() ? "" : with_stand_ins(text);
  Cutter(*this, scratch, word).cut({text, seen.empty() ? text : seen}, 0);
}

Result<PreTokenizer> PreTokenizer::read(const Json& pre_tokenizer, const std::string& file, const std::string& path) {
  PreTokenizer made;
  if (!pre_tokenizer.is_null()) ASSAY_TRY(made.add_steps(pre_tokenizer, file, path));
  return made;
}

Status PreTokenizer::add_steps(const Json& step, const std::string& file, const std::string& path) {
  JsonReader reader(step, file, path);
  const std::string type = reader.text("type");
  if (reader.failed()) return reader.finish();
  if (alphabet_ == Alphabet::kBytes) reader.fail("type", type + " after ByteLevel is not supported", "ByteLevel as the last step");
  if (type == "Split") return add_split(reader);
  if (type == "ByteLevel") return add_byte_level(reader);
  if (type == "Digits") {
    const bool individual = reader.boolean_or("individual_digits", false);
    ASSAY_ASSIGN(Regex digit, Regex::compile(R"(\p{N})", file + ": " + path));
    steps_.push_back({std::move(digit), individual ? Behavior::kIsolated : Behavior::kContiguous});
    return reader.finish();
  }
  if (type == "Sequence") {
    const Json& inner = reader.array("pretokenizers");
    ASSAY_TRY(reader.finish());
    for (size_t i = 0; i < inner.size(); ++i) ASSAY_TRY(add_steps(inner[i], file, reader.path_of("pretokenizers") + "[" + std::to_string(i) + "]"));
    return {};
  }
  reader.fail("type", "the pre-tokenizer " + type + " is not supported", "one of Sequence, Split, ByteLevel, Digits");
  return reader.finish();
}

Status PreTokenizer::add_split(JsonReader& reader) {
  constexpr std::array kBehaviors{"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"};
  const Json& pattern = reader.object("pattern");
  const std::string behavior = reader.text("behavior");
  const bool invert = reader.boolean_or("invert", false);
  const auto known = std::find(kBehaviors.begin(), kBehaviors.end(), behavior);
  if (known == kBehaviors.end()) reader.fail("behavior", "the behavior " + behavior + " is not supported", "one of Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous");
  ASSAY_TRY(reader.finish());
  const std::string where = reader.file() + ": " + reader.path_of("pattern");
  JsonReader kind(pattern, reader.file(), reader.path_of("pattern"));
  const bool is_regex = kind.has("Regex");
  const std::string text = kind.text(is_regex ? "Regex" : "String");
  ASSAY_TRY(kind.finish());
  ASSAY_ASSIGN(Regex regex, is_regex ? Regex::compile(text, where) : Regex::literal(text, where));
  steps_.push_back({std::move(regex), static_cast<Behavior>(known - kBehaviors.begin()), invert});
  return {};
}

Status PreTokenizer::add_byte_level(JsonReader& reader) {
  Step step;
  step.prefix_space = reader.boolean_or("add_prefix_space", true);
  reader.boolean_or("trim_offsets", true);  // we give no offsets
  if (reader.boolean_or("use_regex", true)) {
    ASSAY_ASSIGN(Regex regex, Regex::compile(kByteLevelPattern, "ByteLevel"));
    step.regex = std::move(regex);
  }
  steps_.push_back(std::move(step));
  alphabet_ = Alphabet::kBytes;
  return reader.finish();
}

}  // namespace assay
