#include "synth/mine/licence.h"

#include <algorithm>
#include <array>
#include <vector>

namespace assay {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; }

// Lower case, every run of other than letters, digits and full stops as one blank: licences differ in their line breaks and quotes.
std::string plain_words(std::string_view text) {
  std::string out = " ";
  for (char c : text.substr(0, 64 << 10)) {
    c = lower(c);
    const bool keeps = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.';
    if (keeps) out += c;
    else if (out.back() != ' ') out += ' ';
  }
  return out;
}

struct Licence {
  const char* id;
  std::vector<const char*> words;      // all of them are there
  std::vector<const char*> absent;     // none of them is
};

const std::vector<Licence>& licences() {
  constexpr auto kBsd = "redistribution and use in source and binary forms", kBsdGrant = "with or without modification are permitted";
  constexpr auto kNames = "endorse or promote products derived from";
  static const std::vector<Licence> all{
      {"MIT", {"permission is hereby granted free of charge to any person obtaining a copy", "the above copyright notice and this permission notice"}, {"x consortium"}},
      {"MIT-0", {"permission is hereby granted free of charge to any person obtaining a copy"}, {"the above copyright notice and this permission notice"}},
      {"Apache-2.0", {"apache license version 2.0"}, {}},
      {"BSD-2-Clause", {kBsd, kBsdGrant}, {kNames}},
      {"BSD-3-Clause", {kBsd, kBsdGrant, kNames}, {"advertising materials mentioning features"}},
      {"ISC", {"permission to use copy modify and or distribute this software for any purpose with or without fee is hereby granted", "appear in all copies"}, {}},
      {"0BSD", {"permission to use copy modify and or distribute this software for any purpose with or without fee is hereby granted"}, {"appear in all copies"}},
      {"MPL-2.0", {"mozilla public license version 2.0"}, {}},
      {"GPL-2.0", {"gnu general public license version 2 june 1991"}, {}},
      {"GPL-3.0", {"gnu general public license version 3 29 june 2007"}, {}},
      {"LGPL-2.1", {"gnu lesser general public license version 2.1 february 1999"}, {}},
      {"LGPL-3.0", {"gnu lesser general public license version 3 29 june 2007"}, {}},
      {"AGPL-3.0", {"gnu affero general public license version 3 19 november 2007"}, {}},
      {"BSL-1.0", {"boost software license version 1.0"}, {}},
      {"Unlicense", {"this is free and unencumbered software released into the public domain"}, {}},
      {"Zlib", {"altered source versions must be plainly marked as such"}, {}},
      {"CC0-1.0", {"cc0 1.0 universal"}, {}},
      {"PSF-2.0", {"python software foundation license version 2"}, {}},
  };
  return all;
}

}  // namespace

bool is_licence_file(std::string_view name) {
  std::string stem(name.substr(0, name.find('.')));
  std::transform(stem.begin(), stem.end(), stem.begin(), lower);
  constexpr std::array kNames{"license", "licence", "copying", "unlicense", "mit-license", "license-mit", "license_mit", "license-apache", "copyright"};
  return std::find(kNames.begin(), kNames.end(), stem) != kNames.end();
}

std::string spdx_licence(std::string_view text) {
  const std::string words = plain_words(text);
  const auto has = [&](const char* phrase) { return words.find(phrase) != std::string::npos; };
  std::string found;
  for (const Licence& licence : licences()) {
    if (!std::all_of(licence.words.begin(), licence.words.end(), has) || std::any_of(licence.absent.begin(), licence.absent.end(), has)) continue;
    if (!found.empty()) return "";
    found = licence.id;
  }
  return found;
}

}  // namespace assay
