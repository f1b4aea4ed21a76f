// Certificates for people: every claim in words, and how two certificates of one task differ.
#pragma once

#include <string>
#include <vector>

#include "envs/certificate.h"

namespace assay {

struct ClaimText {
  bool holds = true;
  std::string text;
};

std::vector<ClaimText> claims_of(const Certificate& certificate);

// "chance_hits: stored 12, recomputed 13", one for each member that differs (the id, which follows from the rest, is left
// out); empty when the canonical bytes are the same.
std::vector<std::string> certificate_differences(const Certificate& stored, const Certificate& recomputed);

// "exactly 12", "at least 1,000".
std::string solutions_text(const Certificate& certificate);

}  // namespace assay
