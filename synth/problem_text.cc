#include "synth/problem_text.h"

#include <cmath>

namespace assay {
namespace {

template <typename T, typename Spell>
std::string joined(const std::vector<T>& items, const Spell& spell) {
  std::string out = "[";
  for (size_t i = 0; i < items.size(); ++i) out += (i ? ", " : "") + spell(items[i]);
  return out + "]";
}

}  // namespace

std::string list_text(const std::vector<int64_t>& numbers) {
  return joined(numbers, [](int64_t n) { return std::to_string(n); });
}
std::string list_text(const std::vector<std::vector<int64_t>>& rows) {
  return joined(rows, [](const std::vector<int64_t>& row) { return list_text(row); });
}
std::string list_text(const std::vector<std::string>& words) {
  return joined(words, [](const std::string& word) { return "\"" + word + "\""; });
}

std::string filled(std::string text, const std::vector<std::pair<std::string, std::string>>& values) {
  for (const auto& [name, value] : values) {
    const std::string placeholder = "{" + name + "}";
    for (size_t at = 0; (at = text.find(placeholder, at)) != std::string::npos; at += value.size()) text.replace(at, placeholder.size(), value);
  }
  return text;
}

std::vector<int64_t> draw_numbers(Rng& rng, int64_t count, int64_t low, int64_t high) {
  std::vector<int64_t> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(rng.between(low, high));
  return out;
}

std::vector<std::string> draw_names(Rng& rng, int64_t count) {
  std::vector<std::string> names{"Ada", "Bruno", "Chidi", "Dora", "Emil", "Farah", "Goran", "Hana", "Igor", "Jia", "Kofi", "Lena",
                                 "Milo", "Nadia", "Otto", "Priya", "Quinn", "Rosa", "Sven", "Tariq", "Uma", "Vera", "Wen", "Yusuf"};
  rng.shuffle(names);
  ASSAY_ASSERT(count <= static_cast<int64_t>(names.size()));
  names.resize(static_cast<size_t>(count));
  return names;
}

int64_t power_mod(int64_t base, int64_t exponent, int64_t modulus) {
  __int128 result = 1 % modulus, square = base % modulus;
  for (; exponent > 0; exponent >>= 1, square = square * square % modulus)
    if (exponent & 1) result = result * square % modulus;
  return static_cast<int64_t>(result);
}

Json expect_integer(const std::string& digits) { return {{"type", "integer"}, {"value", digits}}; }
Json expect_integer(int64_t value) { return expect_integer(std::to_string(value)); }
Json expect_text(const std::string& value) { return {{"type", "text"}, {"value", value}, {"fold_case", true}}; }

Json expect_integers(const std::vector<int64_t>& values) {
  Json items = Json::array();
  for (int64_t value : values) items.push_back(expect_integer(value));
  return {{"type", "list"}, {"ordered", true}, {"items", std::move(items)}};
}

Json expect_rounded(double value, int places) {
  const double unit = std::pow(10.0, -places);
  return {{"type", "number"}, {"value", std::round(value / unit) * unit}, {"absolute", unit * 1.001},
          {"why", "the statement asks for " + std::to_string(places) + " decimal places; a tie may be rounded either way"}};
}

std::string rounding_text(int places) { return "rounded to " + std::to_string(places) + " decimal places"; }

}  // namespace assay
