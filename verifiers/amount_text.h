// A number with its unit, as sentences say it.
#pragma once

#include <string>

namespace assay {

// "350 CNY", "2 minutes a day", "1 minute a day". `unit` is in the plural and may be empty.
std::string amount_text(const std::string& number, const std::string& unit);

}  // namespace assay
