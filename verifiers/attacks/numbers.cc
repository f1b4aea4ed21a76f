// NaN, infinity, huge and oddly written numbers, and numbers where texts belong.
#include "verifiers/attack.h"

namespace assay::attacks::numbers {
namespace {

constexpr const char* kTokens[] = {"NaN", "nan", "Infinity", "-Infinity", "inf", "1e999", "-1e999", "1e308", "-1e308", "5e-324", "-0", "-0.0",
                                   "9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551616", "0x10", "1_000", ".5", "5.", "+1", "01", "true"};
constexpr const char* kTexts[] = {"NaN", "Infinity", "-Infinity", "1e999", "null", "undefined"};

void attack(Attempts& attempts) {
  attempts.each(Part::kNumber, 2, [](const Json& part, const auto& place) {
    for (const char* token : kTokens) place.put_raw("another number", token);
    for (const char* text : kTexts) place.put("a number as a text", text);
    place.put_raw("a leading zero", "0" + part.dump());
    place.put_raw("a sign", "+" + part.dump());
    place.put_raw("two signs", "--" + part.dump());
    place.put_raw("a thousand times as large", part.dump() + "e3");
    if (part.is_number_integer()) place.put_raw("2 to the 64th more", "1844674407370955161" + std::to_string(part.get<int64_t>() & 7));
  });
  attempts.each(Part::kText, 1, [](const Json&, const auto& place) {
    for (const char* token : kTokens) place.put_raw("a number for a text", token);
    for (const char* text : kTexts) place.put("a text that reads as none", text);
  });
  for (const char* token : kTokens) attempts.answer("a number for it all", token);
}

}  // namespace

Attack make() { return {"numbers", "NaN, infinity, huge and oddly written numbers", attack}; }

}  // namespace assay::attacks::numbers
