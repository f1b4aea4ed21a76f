// envs/domains/LANGUAGE.md, the guide to the domain language, byte for byte: what a person reads before writing a domain, and what
// a model that writes one is given as its instructions.
#pragma once

#include <span>
#include <string_view>

namespace assay {

struct LanguageGuide {
  std::string_view name, text;
};

std::span<const LanguageGuide> language_guides();
inline std::string_view domain_language() { return language_guides()[0].text; }

}  // namespace assay
