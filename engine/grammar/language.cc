#include "engine/grammar/language.h"

#include <algorithm>
#include <bit>

#include "envs/base/rng.h"
#include "envs/base/status.h"

namespace assay {

size_t Languages::Hash::operator()(const Node* node) const {
  uint64_t hash = static_cast<uint64_t>(node->kind);
  for (const Language part : node->parts) hash = mix64(hash + static_cast<uint64_t>(part));
  for (const uint64_t word : node->words) hash = mix64(hash + word);
  return hash;
}

Languages::Languages() {
  intern({});
  intern({.kind = Kind::kEmpty});
  intern({.kind = Kind::kNot, .parts = {nothing()}});
}

Language Languages::intern(Node node) {
  if (const auto found = numbers_.find(&node); found != numbers_.end()) return found->second;
  measure(node);
  const Language number = static_cast<Language>(nodes_.size());
  nodes_.push_back(std::move(node));
  rows_.emplace_back();
  numbers_.emplace(&nodes_.back(), number);
  return number;
}

void Languages::measure(Node& made) const {
  const auto part = [&](size_t i) -> const Node& { return node(made.parts[i]); };
  const auto all_hold = [&] { return std::all_of(made.parts.begin(), made.parts.end(), [this](Language each) { return holds_empty(each); }); };
  switch (made.kind) {
    case Kind::kNothing: return;
    case Kind::kEmpty:
      made.holds_empty = true;
      made.least_bytes = 0;
      return;
    case Kind::kBytes: made.least_bytes = 1; return;
    case Kind::kSequence:
      made.holds_empty = all_hold();
      made.least_bytes = std::min(kNever, part(0).least_bytes + part(1).least_bytes);
      return;
    case Kind::kAnyOf:
      for (const Language each : made.parts) {
        made.holds_empty |= holds_empty(each);
        made.least_bytes = std::min(made.least_bytes, least_bytes(each));
      }
      return;
    case Kind::kAllOf:
      made.holds_empty = all_hold();
      made.least_bytes = 0;
      for (const Language each : made.parts) made.least_bytes = std::max(made.least_bytes, least_bytes(each));
      return;
    case Kind::kNot:
      made.holds_empty = !part(0).holds_empty;
      made.least_bytes = made.holds_empty ? 0 : 1;
      return;
    case Kind::kRepeat: {
      const auto [least, most, unused, none] = made.words;
      made.holds_empty = least == 0 || part(0).holds_empty;
      const int64_t each = part(0).least_bytes;
      made.least_bytes = made.holds_empty ? 0 : least > static_cast<uint64_t>(kNever / each) ? kNever : static_cast<int64_t>(least) * each;
      return;
    }
    case Kind::kAnyOrder: {
      const auto [left, required, begun, none] = made.words;
      made.holds_empty = required == 0;
      made.least_bytes = 0;
      const int64_t separator = node(made.parts.back()).least_bytes;
      for (size_t i = 0; i + 1 < made.parts.size(); ++i)
        if (required >> i & 1) made.least_bytes = std::min(kNever, made.least_bytes + part(i).least_bytes + separator);
      if (required != 0 && !begun) made.least_bytes -= separator;
      return;
    }
  }
}

Language Languages::byte(uint8_t low, uint8_t high) {
  std::bitset<256> bytes;
  for (int each = low; each <= high; ++each) bytes.set(static_cast<size_t>(each));
  return byte_of(bytes);
}

Language Languages::byte_of(const std::bitset<256>& bytes) {
  if (bytes.none()) return nothing();
  Node made{.kind = Kind::kBytes};
  for (size_t i = 0; i < 256; ++i) made.words[i / 64] |= uint64_t{bytes[i]} << (i % 64);
  return intern(std::move(made));
}

Language Languages::literal(std::string_view text) {
  std::vector<Language> bytes;
  for (const char each : text) bytes.push_back(byte(static_cast<uint8_t>(each), static_cast<uint8_t>(each)));
  return sequence(bytes);
}

Language Languages::sequence(const std::vector<Language>& parts) {
  Language made = empty();
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) made = sequence(*part, made);
  return made;
}

// Chains lean to the right, so that equal ones have equal numbers.
Language Languages::sequence(Language first, Language rest) {
  if (first == nothing() || rest == nothing()) return nothing();
  if (first == empty()) return rest;
  if (rest == empty()) return first;
  std::vector<Language> chain;
  for (; node(first).kind == Kind::kSequence; first = node(first).parts[1]) chain.push_back(node(first).parts[0]);
  Language made = intern({.kind = Kind::kSequence, .parts = {first, rest}});
  for (auto part = chain.rbegin(); part != chain.rend(); ++part) made = intern({.kind = Kind::kSequence, .parts = {*part, made}});
  return made;
}

// Sorted, each once, without parts of parts.
std::vector<Language> Languages::flattened(Kind kind, const std::vector<Language>& parts) const {
  std::vector<Language> flat;
  for (const Language part : parts) {
    if (node(part).kind == kind) flat.insert(flat.end(), node(part).parts.begin(), node(part).parts.end());
    else flat.push_back(part);
  }
  std::sort(flat.begin(), flat.end());
  flat.erase(std::unique(flat.begin(), flat.end()), flat.end());
  return flat;
}

Language Languages::any_of(const std::vector<Language>& parts) {
  std::vector<Language> choices = flattened(Kind::kAnyOf, parts);
  if (std::binary_search(choices.begin(), choices.end(), anything())) return anything();
  std::erase(choices, nothing());
  if (choices.empty()) return nothing();
  return choices.size() == 1 ? choices[0] : intern({.kind = Kind::kAnyOf, .parts = std::move(choices)});
}

Language Languages::all_of(const std::vector<Language>& parts) {
  std::vector<Language> demands = flattened(Kind::kAllOf, parts);
  if (std::binary_search(demands.begin(), demands.end(), nothing())) return nothing();
  std::erase(demands, anything());
  if (demands.empty()) return anything();
  if (std::binary_search(demands.begin(), demands.end(), empty()))
    return std::all_of(demands.begin(), demands.end(), [this](Language each) { return holds_empty(each); }) ? empty() : nothing();
  return demands.size() == 1 ? demands[0] : intern({.kind = Kind::kAllOf, .parts = std::move(demands)});
}

Language Languages::complement(Language language) {
  if (node(language).kind == Kind::kNot) return node(language).parts[0];
  return intern({.kind = Kind::kNot, .parts = {language}});
}

Language Languages::repeat(Language language, uint64_t least, uint64_t most) {
  ASSAY_ASSERT(least <= most);
  if (most == 0 || language == empty()) return empty();
  if (language == nothing()) return least == 0 ? empty() : nothing();
  if (least == 1 && most == 1) return language;
  return intern({.kind = Kind::kRepeat, .parts = {language}, .words = {least, most}});
}

Language Languages::in_any_order(const std::vector<Language>& members, uint64_t required, Language separator) {
  ASSAY_ASSERT(members.size() <= kMaxMembers);
  for (const Language member : members) ASSAY_ASSERT(!holds_empty(member));
  Node list{.kind = Kind::kAnyOrder, .parts = members};
  list.parts.push_back(separator);
  const uint64_t all = members.size() == kMaxMembers ? UINT64_MAX : (uint64_t{1} << members.size()) - 1;
  return any_order(list, all, required & all, false);
}

Language Languages::any_order(const Node& list, uint64_t left, uint64_t required, bool begun) {
  if (left == 0) return empty();
  return intern({.kind = Kind::kAnyOrder, .parts = list.parts, .words = {left, required, begun}});
}

Language Languages::without(const std::vector<std::string_view>& words) {
  std::vector<Language> literals;
  for (const std::string_view word : words) literals.push_back(literal(word));
  return complement(sequence({anything(), any_of(literals), anything()}));
}

Language Languages::after(Language language, uint8_t byte) {
  const Node& from = node(language);
  if (from.kind == Kind::kNothing || from.kind == Kind::kEmpty) return nothing();
  if (from.kind == Kind::kBytes) return from.words[byte / 64] >> (byte % 64) & 1 ? empty() : nothing();
  std::unique_ptr<Row>& row = rows_[static_cast<size_t>(language)];
  if (!row) {
    row = std::make_unique<Row>();
    row->fill(-1);
  }
  Language& next = (*row)[byte];
  if (next < 0) next = derive(from, byte);
  return next;
}

Language Languages::after(Language language, std::string_view text) {
  for (const char each : text) language = after(language, static_cast<uint8_t>(each));
  return language;
}

Language Languages::derive(const Node& from, uint8_t byte) {
  std::vector<Language> parts;
  switch (from.kind) {
    case Kind::kSequence:
      parts.push_back(sequence(after(from.parts[0], byte), from.parts[1]));
      if (holds_empty(from.parts[0])) parts.push_back(after(from.parts[1], byte));
      return any_of(parts);
    case Kind::kAnyOf:
      for (const Language part : from.parts) parts.push_back(after(part, byte));
      return any_of(parts);
    case Kind::kAllOf:
      for (const Language part : from.parts) parts.push_back(after(part, byte));
      return all_of(parts);
    case Kind::kNot: return complement(after(from.parts[0], byte));
    case Kind::kRepeat: {
      const auto [least, most, unused, none] = from.words;
      const Language rest = repeat(from.parts[0], least - (least > 0), most == kUnbounded ? most : most - 1);
      return sequence(after(from.parts[0], byte), rest);
    }
    case Kind::kAnyOrder: {
      const auto [left, required, begun, none] = from.words;
      for (size_t i = 0; i + 1 < from.parts.size(); ++i) {
        const uint64_t bit = uint64_t{1} << i;
        if (!(left & bit)) continue;
        const Language member = after(begun ? sequence(from.parts.back(), from.parts[i]) : from.parts[i], byte);
        if (member != nothing()) parts.push_back(sequence(member, any_order(from, left & ~bit, required & ~bit, true)));
      }
      return any_of(parts);
    }
    case Kind::kNothing: case Kind::kEmpty: case Kind::kBytes: break;   // after() answers these itself
  }
  ASSAY_ASSERT(!"a kind with derivatives");
}

}  // namespace assay
