// What problems share: the same spelling of numbers and lists in statements and in Python, and a little arithmetic.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "envs/base/json.h"
#include "envs/base/rng.h"

namespace assay {

// "[3, 1, 4]": a list in a sentence and in Python.
std::string list_text(const std::vector<int64_t>& numbers);
std::string list_text(const std::vector<std::vector<int64_t>>& rows);
std::string list_text(const std::vector<std::string>& words);   // with double quotes
// Replaces each "{name}" by its value.
std::string filled(std::string text, const std::vector<std::pair<std::string, std::string>>& values);

std::vector<int64_t> draw_numbers(Rng& rng, int64_t count, int64_t low, int64_t high);
std::vector<std::string> draw_names(Rng& rng, int64_t count);   // first names, all different; at most 24

int64_t power_mod(int64_t base, int64_t exponent, int64_t modulus);

// Specifications of expected values (verifiers/value_verifier.h).
Json expect_integer(int64_t value);
Json expect_integer(const std::string& digits);
Json expect_text(const std::string& value);
Json expect_integers(const std::vector<int64_t>& values);                 // in order
// `places` decimal places are asked for; a unit of the last place either way is forgiven, for the rounding of ties.
Json expect_rounded(double value, int places);
std::string rounding_text(int places);                                   // "rounded to 4 decimal places"

}  // namespace assay
