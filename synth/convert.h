// Numbers as people write them: "1,144 km", "10 hours 55 mins", "$131.00", " 4.5 ".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct Converted {
  int64_t scaled = 0;     // times 10^decimals, rounded half away from zero
  bool rounded = false;   // the text had more decimals
};

// "number" (a currency before it and a word after it are ignored), "minutes" (days, hours, minutes, summed; bare = minutes),
// "kilometres" (km, m, miles; bare = kilometres).
const std::vector<std::string>& converter_names();

// Nothing if the text is no such quantity or beyond ±1e9. `converter` is one of converter_names(); `decimals` is 0 to 4.
std::optional<Converted> convert(std::string_view text, std::string_view converter, int decimals);

// "", "-", "N/A", "null", "NaN" and the like: there is no number here.
bool means_missing(std::string_view text);

std::string_view without_spaces(std::string_view text);

}  // namespace assay
