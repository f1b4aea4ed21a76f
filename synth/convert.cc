#include "synth/convert.h"

#include <algorithm>
#include <array>

#include "envs/table.h"
#include "synth/filler.h"

namespace assay {
namespace {

constexpr int64_t kMillion = 1'000'000, kLargest = 1'000'000'000;
constexpr int kMillionDigits = 6;

struct Unit {
  std::string_view name;
  int64_t millionths;  // of the unit converted to
};

constexpr std::array<Unit, 15> kMinutes = {{{"d", 1440 * kMillion}, {"day", 1440 * kMillion}, {"days", 1440 * kMillion},
    {"h", 60 * kMillion}, {"hr", 60 * kMillion}, {"hrs", 60 * kMillion}, {"hour", 60 * kMillion}, {"hours", 60 * kMillion},
    {"m", kMillion}, {"min", kMillion}, {"mins", kMillion}, {"minute", kMillion}, {"minutes", kMillion},
    {"min.", kMillion}, {"", kMillion}}};
constexpr std::array<Unit, 13> kKilometres = {{{"km", kMillion}, {"kilometre", kMillion}, {"kilometres", kMillion},
    {"kilometer", kMillion}, {"kilometers", kMillion}, {"m", 1000}, {"metre", 1000}, {"metres", 1000}, {"meters", 1000},
    {"mi", 1'609'344}, {"mile", 1'609'344}, {"miles", 1'609'344}, {"", kMillion}}};
constexpr std::array<std::string_view, 9> kCurrencies = {"$", "€", "£", "¥", "￥", "CNY", "RMB", "USD", "EUR"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

void skip_spaces(std::string_view& text) {
  while (!text.empty() && is_space(text[0])) text.remove_prefix(1);
}

struct Millionths {
  int64_t value = 0;
  bool rounded = false;
};

// Takes an unsigned number, with commas between groups of three digits or none, off the front of `text`.
std::optional<Millionths> take_number(std::string_view& text) {
  size_t at = 0, group = 0;
  int64_t whole = 0;
  bool digits = false, commas = false;
  for (; at < text.size(); ++at) {
    if (is_digit(text[at])) {
      whole = whole * 10 + (text[at] - '0');
      if (whole > kLargest) return std::nullopt;
      digits = true;
      ++group;
    } else if (text[at] == ',' && digits && (commas ? group == 3 : group <= 3)) {
      commas = true;
      group = 0;
    } else {
      break;
    }
  }
  if (commas && group != 3) return std::nullopt;
  Millionths out{whole * kMillion, false};
  if (at < text.size() && text[at] == '.') {
    int64_t place = kMillion / 10;
    for (++at; at < text.size() && is_digit(text[at]); ++at, place /= 10) {
      digits = true;
      out.value += (text[at] - '0') * place;
      if (place == 0 && text[at] != '0') out.rounded = true;
    }
  }
  if (!digits) return std::nullopt;
  text.remove_prefix(at);
  return out;
}

std::string take_word(std::string_view& text) {
  size_t at = 0;
  while (at < text.size() && !is_digit(text[at]) && !is_space(text[at])) ++at;
  std::string word = lower(text.substr(0, at));
  text.remove_prefix(at);
  return word;
}

// "10 hours 55 mins": a sum of numbers with units.
std::optional<Millionths> take_sum(std::string_view text, std::span<const Unit> units) {
  __int128 sum = 0;
  bool rounded = false;
  do {
    auto number = take_number(text);
    if (!number) return std::nullopt;
    skip_spaces(text);
    const std::string word = take_word(text);
    const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == word; });
    if (unit == units.end()) return std::nullopt;
    sum += static_cast<__int128>(number->value) * unit->millionths / kMillion;
    rounded = rounded || number->rounded;
    skip_spaces(text);
  } while (!text.empty());
  if (sum > static_cast<__int128>(kLargest) * kMillion) return std::nullopt;
  return Millionths{static_cast<int64_t>(sum), rounded};
}

std::optional<Millionths> take_plain(std::string_view text) {
  for (std::string_view currency : kCurrencies)
    if (text.starts_with(currency)) {
      text.remove_prefix(currency.size());
      break;
    }
  skip_spaces(text);
  const auto number = take_number(text);
  const bool word = std::none_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '/' || c == ':' || c == '-'; });
  return word ? number : std::nullopt;
}

}  // namespace

const std::vector<std::string>& converter_names() {
  static const std::vector<std::string> names = {"number", "minutes", "kilometres"};
  return names;
}

std::string_view without_spaces(std::string_view text) {
  skip_spaces(text);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<Converted> convert(std::string_view text, std::string_view converter, int decimals) {
  text = without_spaces(text);
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  skip_spaces(text);
  std::optional<Millionths> value;
  if (converter == "minutes") value = take_sum(text, kMinutes);
  else if (converter == "kilometres") value = take_sum(text, kKilometres);
  else value = take_plain(text);
  if (!value) return std::nullopt;
  int64_t divisor = 1;
  for (int i = decimals; i < kMillionDigits; ++i) divisor *= 10;
  const int64_t scaled = rounded_quotient(value->value, divisor);
  return Converted{negative ? -scaled : scaled, value->rounded || value->value % divisor != 0};
}

bool means_missing(std::string_view text) {
  static constexpr std::array<std::string_view, 10> kWords = {"", "-", "--", "?", "na", "n/a", "nan", "null", "none", "unknown"};
  const std::string word = lower(without_spaces(text));
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

}  // namespace assay
