// Regular languages of bytes, by derivatives (Brzozowski, "Derivatives of Regular Expressions", JACM 1964): what may follow a byte is
// an expression again, and an expression that was met before keeps its number. So these numbers are the states of an automaton that
// is built as far as it is walked, where intersection, complement and members in any order cost a line each.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace assay {

// The number of a language among Languages. Two numbers may stand for equal languages; nothing() and empty() are unique where no
// complement or intersection hides it.
using Language = int32_t;

// Grows with every state that is met: about 1 KB for each. Used by one thread at a time.
class Languages {
 public:
  static constexpr uint64_t kUnbounded = UINT64_MAX;
  static constexpr int64_t kNever = INT64_MAX / 4;
  static constexpr size_t kMaxMembers = 64;   // of in_any_order

  Languages();

  static constexpr Language nothing() { return 0; }    // no text
  static constexpr Language empty() { return 1; }      // the empty text
  static constexpr Language anything() { return 2; }   // every text
  Language byte(uint8_t low, uint8_t high);
  Language byte_of(const std::bitset<256>& bytes);
  Language literal(std::string_view text);

  Language sequence(const std::vector<Language>& parts);
  Language sequence(Language first, Language rest);
  Language any_of(const std::vector<Language>& parts);
  Language all_of(const std::vector<Language>& parts);
  Language complement(Language language);
  Language repeat(Language language, uint64_t least, uint64_t most);
  Language optional(Language language) { return any_of({empty(), language}); }
  // Any of `members`, each at most once and those in `required` (a bit each) for certain, in any order, `separator` between two. No
  // member may hold the empty text; at most kMaxMembers.
  Language in_any_order(const std::vector<Language>& members, uint64_t required, Language separator);
  // Texts that hold none of `words`.
  Language without(const std::vector<std::string_view>& words);

  // What may follow `byte`, or `text`.
  Language after(Language language, uint8_t byte);
  Language after(Language language, std::string_view text);
  bool holds_empty(Language language) const { return node(language).holds_empty; }
  // The length of a shortest text, kNever of nothing(). A lower bound below complements and intersections: exact where each part of an
  // intersection can end when the others do.
  int64_t least_bytes(Language language) const { return node(language).least_bytes; }
  int64_t count() const { return static_cast<int64_t>(nodes_.size()); }

 private:
  enum class Kind : uint8_t { kNothing, kEmpty, kBytes, kSequence, kAnyOf, kAllOf, kNot, kRepeat, kAnyOrder };
  struct Node {
    Kind kind = Kind::kNothing;
    std::vector<Language> parts;       // kSequence: first and rest; kAnyOrder: members, then the separator
    std::array<uint64_t, 4> words{};   // kBytes: a bit each; kRepeat: least, most; kAnyOrder: those left, those of them required, whether one was there
    bool holds_empty = false;
    int64_t least_bytes = kNever;

    bool operator==(const Node& other) const { return kind == other.kind && parts == other.parts && words == other.words; }
  };
  struct Hash {
    size_t operator()(const Node* node) const;
  };
  struct Equal {
    bool operator()(const Node* a, const Node* b) const { return *a == *b; }
  };
  using Row = std::array<Language, 256>;   // -1: not asked for yet

  const Node& node(Language language) const { return nodes_[static_cast<size_t>(language)]; }
  Language intern(Node node);
  void measure(Node& node) const;
  Language derive(const Node& node, uint8_t byte);
  Language any_order(const Node& list, uint64_t left, uint64_t required, bool begun);
  std::vector<Language> flattened(Kind kind, const std::vector<Language>& parts) const;

  std::deque<Node> nodes_;   // addresses stay
  std::deque<std::unique_ptr<Row>> rows_;
  std::unordered_map<const Node*, Language, Hash, Equal> numbers_;
};

}  // namespace assay
