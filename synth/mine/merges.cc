#include "synth/mine/merges.h"

#include <charconv>
#include <string_view>

namespace assay {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\r' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The number that `text` begins with; 0 if it begins with none.
int64_t number_at(std::string_view text) {
  int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && number > 0 && number <= 1'000'000'000 ? number : 0;
}

// What stands after `words`, where they are in `text`.
std::optional<std::string_view> after(std::string_view text, std::string_view words) {
  const size_t at = text.find(words);
  if (at == text.npos) return std::nullopt;
  return text.substr(at + words.size());
}

std::string_view first_line(std::string_view text) { return trimmed(text.substr(0, text.find('\n'))); }
std::string_view other_lines(std::string_view text) {
  const size_t end = text.find('\n');
  return end == text.npos ? std::string_view() : trimmed(text.substr(end + 1));
}

MergedPull pull_of(int64_t number, std::string_view words) {
  return {number, std::string(first_line(words)), std::string(other_lines(words))};
}

}  // namespace

std::optional<MergedPull> merged_pull(const std::string& message) {
  const std::string_view text = trimmed(message), subject = first_line(text), rest = other_lines(text);
  for (std::string_view words : {"Merge pull request #", "Auto merge of #", "Merge #", "Merge PR #"})
    if (subject.starts_with(words))
      if (const int64_t number = number_at(subject.substr(words.size()))) {
        const auto named = after(subject, ": ");   // "Merge PR #7: title"
        return rest.empty() && named ? MergedPull{number, std::string(*named), ""} : pull_of(number, rest);
      }
  if (const auto number = after(subject, "(pull request #"); number && subject.starts_with("Merged in ") && number_at(*number)) return pull_of(number_at(*number), rest);
  if (const auto request = after(rest, "See merge request "))
    if (const auto number = after(first_line(*request), "!"); number && number_at(*number)) {
      MergedPull pull = pull_of(number_at(*number), rest.substr(0, rest.find("See merge request ")));
      return pull;
    }
  return std::nullopt;
}

std::optional<MergedPull> squashed_pull(const std::string& message) {
  const std::string_view text = trimmed(message), subject = first_line(text);
  if (const size_t open = subject.rfind("(#"); open != subject.npos && subject.ends_with(')')) {
    const int64_t number = number_at(subject.substr(open + 2));
    if (number && subject.size() == open + 3 + std::to_string(number).size())
      return MergedPull{number, std::string(trimmed(subject.substr(0, open))), std::string(other_lines(text))};
  }
  if (const auto url = after(text, "\nPR-URL: "))
    if (const auto number = after(first_line(*url), "/pull/"); number && number_at(*number))
      return MergedPull{number_at(*number), std::string(subject), std::string(other_lines(text))};
  return std::nullopt;
}

}  // namespace assay
