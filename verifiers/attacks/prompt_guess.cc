// Answers that a reader of the prompt alone might give: its names, its numbers, its examples.
#include "verifiers/attack.h"

#include <algorithm>
#include <cctype>

namespace assay::attacks::prompt_guess {
namespace {

constexpr size_t kGuesses = 12;
constexpr size_t kTellingBytes = 5;   // a shorter answer stands in any text by accident; chance rates bound what luck can do

void keep(std::vector<std::string>& out, std::string guess) {
  if (guess.size() >= kTellingBytes && out.size() < kGuesses && std::find(out.begin(), out.end(), guess) == out.end()) out.push_back(std::move(guess));
}

bool is_inside(unsigned char c) { return std::isalnum(c) || c >= 0x80 || c == '\'' || c == '-'; }

// Runs of words that begin with a capital, and what stands in quotes.
std::vector<std::string> names_in(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = text.find('"'); at != std::string::npos;) {
    const size_t end = text.find('"', at + 1);
    if (end == std::string::npos) break;
    keep(out, text.substr(at + 1, end - at - 1));
    at = text.find('"', end + 1);
  }
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && (std::isupper(static_cast<unsigned char>(text[end])) || static_cast<unsigned char>(text[end]) >= 0x80)) {
      while (end < text.size() && is_inside(static_cast<unsigned char>(text[end]))) ++end;
      if (end + 1 < text.size() && text[end] == ' ' && std::isupper(static_cast<unsigned char>(text[end + 1]))) ++end;
    }
    if (end > at) keep(out, text.substr(at, end - at));
    at = std::max(end, at + 1);
    while (at < text.size() && is_inside(static_cast<unsigned char>(text[at - 1])) && is_inside(static_cast<unsigned char>(text[at]))) ++at;
  }
  return out;
}

std::vector<std::string> numbers_in(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = text.find_first_of("0123456789"); at != std::string::npos;) {
    size_t end = std::min(text.find_first_not_of("0123456789.", at), text.size());
    const size_t next = text.find_first_of("0123456789", end);
    while (end > at && text[end - 1] == '.') --end;
    keep(out, text.substr(at, end - at));
    at = next;
  }
  return out;
}

// Every list and object in the text that is JSON: an example of the form, most likely.
std::vector<std::string> examples_in(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = text.find_first_of("[{"); at != std::string::npos; at = text.find_first_of("[{", at + 1)) {
    const char close = text[at] == '[' ? ']' : '}';
    for (size_t end = text.find(close, at), tries = 0; end != std::string::npos && tries < 8; end = text.find(close, end + 1), ++tries) {
      const std::string_view part = std::string_view(text).substr(at, end - at + 1);
      if (!Json::accept(part)) continue;
      keep(out, std::string(part));
      at = end;
      break;
    }
  }
  return out;
}

Json filled(const Json& value, const Json& filling) {
  if (!value.is_structured()) return value.type() == filling.type() ? filling : value.is_number() && filling.is_number() ? filling : Json();
  Json out = value;
  for (Json& below : out) below = filled(below, filling);
  return out;
}

void attack(Attempts& attempts) {
  const std::string& prompt = attempts.task().prompt;
  const std::string_view last = std::string_view(prompt).substr(std::min(prompt.rfind('\n') + 1, prompt.size()));
  attempts.answer("the whole prompt", prompt, Excuse::kNever);
  attempts.answer("its last line", last, Excuse::kNever);
  for (const std::string& example : examples_in(prompt)) attempts.answer("an example in it", example, Excuse::kNever);
  for (const std::string& name : names_in(prompt)) attempts.value("a name in it", filled(attempts.gold(), name), Excuse::kNever);
  for (const std::string& number : numbers_in(prompt))
    if (Json::accept(number)) attempts.value("a number in it", filled(attempts.gold(), Json::parse(number)), Excuse::kNever);
}

}  // namespace

Attack make() { return {"prompt_guess", "Answers guessed from the prompt alone", attack}; }

}  // namespace assay::attacks::prompt_guess
